import { fileURLToPath } from 'node:url';
import { bundleForBrowser } from '../../browser/bundle.ts';
import type { Bench, Opened } from '../measure.ts';

/** The interface of `session-adapter.mjs` and `session-floor.mjs`, which a comparison with other implementations loads too. */
type Pair = { send(from: 0 | 1, plaintext: Uint8Array): unknown; recv(to: 0 | 1, wire: unknown): unknown };
type Adapter = {
  newPair(): Promise<Pair>;
  handshakes(count: number, plaintext: Uint8Array): Promise<(index: number) => unknown>;
};

const plaintext = new Uint8Array(256).fill(65);

type Loads = () => Promise<Adapter>;

async function load(file: 'session-adapter' | 'session-floor'): Promise<Adapter> {
  const adapter = (await import(new URL(`../${file}.mjs`, import.meta.url).href)) as { readonly make: () => Promise<Adapter> };
  return adapter.make();
}

/** What a browser runs: the bundle that it gets, with the portable suite in it. */
async function loadPortable(): Promise<Adapter> {
  const bundle = await bundleForBrowser(fileURLToPath(new URL('../session-adapter.mjs', import.meta.url)));
  const adapter = (await import(`data:text/javascript;base64,${Buffer.from(bundle).toString('base64')}`)) as { readonly make: () => Promise<Adapter> };
  return adapter.make();
}

async function loadPortableFloor(): Promise<Adapter> {
  const [floor, { portableCalls }] = (await Promise.all([
    import(new URL('../session-floor.mjs', import.meta.url).href),
    import(new URL('../floor-calls-portable.mjs', import.meta.url).href),
  ])) as [{ readonly make: (calls: unknown) => Promise<Adapter> }, { readonly portableCalls: unknown }];
  return floor.make(portableCalls);
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

const kinds: readonly { readonly suffix: string; readonly own: Loads; readonly floor: Loads }[] = [
  { suffix: '', own: () => load('session-adapter'), floor: () => load('session-floor') },
  { suffix: '-portable', own: loadPortable, floor: loadPortableFloor },
];

/** Each task on ours and, as its floor, on the bare calls that the suite requires: of node:crypto, and of the portable suite's libraries. */
export const sessionBenches: readonly Bench[] = kinds.flatMap(({ suffix, own, floor }) =>
  Object.entries(tasks).flatMap(([task, open]) => [
    { name: `floor-${task}${suffix}`, open: async () => open(await floor()) },
    { name: `session-${task}${suffix}`, floor: `floor-${task}${suffix}`, open: async () => open(await own()) },
  ]),
);
