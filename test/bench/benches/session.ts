import type { Bench, Opened } from '../measure.ts';

/** The interface of `session-adapter.mjs` and `session-floor.mjs`, which a comparison with other implementations loads too. */
type Pair = { send(from: 0 | 1, plaintext: Uint8Array): unknown; recv(to: 0 | 1, wire: unknown): unknown };
type Adapter = {
  newPair(): Promise<Pair>;
  handshakes(count: number, plaintext: Uint8Array): Promise<(index: number) => unknown>;
};

const plaintext = new Uint8Array(256).fill(65);

async function load(file: 'session-adapter' | 'session-floor'): Promise<Adapter> {
  const adapter = (await import(new URL(`../${file}.mjs`, import.meta.url).href)) as { readonly make: () => Promise<Adapter> };
  return adapter.make();
}

/** One direction: no DH step. A pair serves a round, as the session's own bound would end a longer one. */
async function oneWay(adapter: Adapter): Promise<Opened> {
  let pair = await adapter.newPair();
  return {
    prepare: async () => {
      pair = await adapter.newPair();
    },
    sync: () => pair.recv(1, pair.send(0, plaintext)),
  };
}

/** The direction alternates: each message carries a DH step. */
async function pingPong(adapter: Adapter): Promise<Opened> {
  let pair = await adapter.newPair();
  let from: 0 | 1 = 0;
  return {
    prepare: async () => {
      pair = await adapter.newPair();
      from = 0;
    },
    sync: () => {
      from = from === 0 ? 1 : 0;
      return pair.recv(from === 0 ? 1 : 0, pair.send(from, plaintext));
    },
  };
}

/** Verify the bundle, agree, encrypt the first message; accept and decrypt it. */
async function handshake(adapter: Adapter): Promise<Opened> {
  let handshakes = await adapter.handshakes(1, plaintext);
  let next = 0;
  return {
    prepare: async (count) => {
      handshakes = await adapter.handshakes(count, plaintext);
      next = 0;
    },
    async: async () => handshakes(next++),
  };
}

const tasks = { 'one-way': oneWay, 'ping-pong': pingPong, handshake } as const;

/** Each task on ours and, as its floor, on the bare calls of node:crypto that the suite requires. */
export const sessionBenches: readonly Bench[] = Object.entries(tasks).flatMap(([task, open]) => [
  { name: `floor-${task}`, open: async () => open(await load('session-floor')) },
  { name: `session-${task}`, floor: `floor-${task}`, open: async () => open(await load('session-adapter')) },
]);
