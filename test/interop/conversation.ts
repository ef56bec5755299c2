/** One conversation that tries what wires do: out of order, late, lost, repeated, damaged, and more turns than a post-quantum step waits for. */

/** One end. `wire` has one byte before the message: 1 if it opens the session too, else 0. */
export type Speaker = {
  send(text: string): Promise<Uint8Array> | Uint8Array;
  /** Throws if it does not open. */
  receive(wire: Uint8Array): Promise<string> | string;
};

export type Ends = {
  /** Sends the first message. */
  readonly first: Speaker;
  readonly second: Speaker;
  /** Whether a late message of a chain that was left opens although none after it came. Olm's header does not say how long a chain was. */
  readonly knowsPreviousCount: boolean;
};

export type Carried = { readonly from: 'first' | 'second'; readonly text: string; readonly wire: Uint8Array };

/** Runs it, and throws where a text is not what was said. @returns Everything that was sent, in order. */
export async function converse(ends: Ends): Promise<readonly Carried[]> {
  const sent: Carried[] = [];
  const talk = new Talk(ends, sent);
  const [first, second] = ['first', 'second'] as const;
  // The opening ones out of order: any of them may be the first to arrive.
  const opening = await talk.send(first, 3);
  for (const i of [1, 0, 2]) await talk.deliver(opening[i]);
  await talk.refuse(opening[0]);
  const held = await talk.send(second, 3);
  for (const i of [2, 0]) await talk.deliver(held[i]);
  for (let round = 0; round < 3; round++) for (const from of [first, second]) await talk.exchange(from);
  // Its chain has been left three times since.
  await talk.deliver(held[1]);
  for (const from of [first, second]) {
    const burst = await talk.send(from, 20);
    for (const carried of burst.toReversed()) await talk.deliver(carried);
    const [lost, last] = await talk.send(from, 2);
    await talk.damage(last);
    await talk.deliver(last);
    await talk.refuse(last);
    await talk.damage(lost);
    await talk.exchange(from === first ? second : first);
  }
  const late = await talk.send(second, 3);
  await talk.deliver(late[0]);
  await talk.exchange(first);
  await talk.exchange(second);
  if (ends.knowsPreviousCount) for (const carried of late.slice(1)) await talk.deliver(carried);
  for (let turn = 0; turn < 60; turn++) await talk.exchange(turn % 2 === 0 ? first : second);
  return sent;
}

class Talk {
  readonly #ends: Ends;
  readonly #sent: Carried[];

  constructor(ends: Ends, sent: Carried[]) {
    this.#ends = ends;
    this.#sent = sent;
  }

  async send(from: Carried['from'], count: number): Promise<readonly Carried[]> {
    const batch: Carried[] = [];
    for (let i = 0; i < count; i++) {
      const text = `${from} ${this.#sent.length} ${'x'.repeat((this.#sent.length * 7) % 50)}`;
      const carried = { from, text, wire: await this.#ends[from].send(text) };
      batch.push(carried);
      this.#sent.push(carried);
    }
    return batch;
  }

  async deliver(carried: Carried | undefined): Promise<void> {
    const { from, text, wire } = carried as Carried;
    const opened = await this.#ends[from === 'first' ? 'second' : 'first'].receive(wire);
    if (opened !== text) throw new Error(`${JSON.stringify(text)} was opened as ${JSON.stringify(opened)}`);
  }

  async exchange(from: Carried['from']): Promise<void> {
    for (const carried of await this.send(from, 1)) await this.deliver(carried);
  }

  /** One bit of the tag. The genuine one has to open after it. */
  async damage(carried: Carried | undefined): Promise<void> {
    const { wire } = carried as Carried;
    await this.refuse({ ...(carried as Carried), wire: wire.with(wire.length - 1, (wire.at(-1) ?? 0) ^ 1) });
  }

  async refuse(carried: Carried | undefined): Promise<void> {
    const { from, wire } = carried as Carried;
    const outcome = await Promise.resolve()
      .then(() => this.#ends[from === 'first' ? 'second' : 'first'].receive(wire))
      .then(
        (text) => text,
        () => undefined,
      );
    if (outcome !== undefined) throw new Error(`what is repeated or damaged was opened: ${JSON.stringify(outcome)}`);
  }
}
