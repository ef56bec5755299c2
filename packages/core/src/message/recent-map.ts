/** What is remembered of peers and sessions for as long as there is room: nobody makes it grow by being many. @module */

/** At about a hundred bytes each: as many as the sessions that are held open. */
const defaultMax = 2048;

/** For what can be found or done again at a small cost: above `max` what was used longest ago is forgotten. */
export class RecentMap<K, V> {
  readonly #max: number;
  readonly #values = new Map<K, V>();

  constructor(max: number = defaultMax) {
    this.#max = max;
  }

  get(key: K): V | undefined {
    const value = this.#values.get(key);
    if (value !== undefined) this.set(key, value);
    return value;
  }

  set(key: K, value: V): void {
    this.#values.delete(key);
    this.#values.set(key, value);
    if (this.#values.size <= this.#max) return;
    const [oldest] = this.#values.keys();
    this.#values.delete(oldest as K);
  }

  delete(key: K): void {
    this.#values.delete(key);
  }
}
