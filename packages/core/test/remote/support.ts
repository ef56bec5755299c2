/** Two agents with homes of their own, a session between them, and tools that the second one serves. */
import { anyArgs, type ToolArgs } from '../../src/capability/index.ts';
import { memoryHome, TalosClient, type ClientOptions, type Home, type ServedTool } from '../../src/index.ts';
import type { Entry } from '../../src/audit/entry.ts';
import { memoryTransport, type Transport } from '../../src/message/index.ts';
import { agentKey, readReceiptEntry, type ReceiptKeys, type ReceiptPart } from '../../src/receipt/index.ts';

export type Pair = {
  /** Calls. */
  readonly a: TalosClient;
  /** Serves. */
  readonly b: TalosClient;
  readonly transport: Transport;
  readonly homes: { readonly a: Home; readonly b: Home };
  /** What `a` presents: every tool of `b` that `tools` names. */
  readonly capability: string;
  readonly keys: ReceiptKeys;
  readonly errors: unknown[];
  readonly close: () => Promise<void>;
};

export type PairOptions = {
  readonly grant?: { readonly [tool: string]: ToolArgs };
  readonly serve?: readonly ServedTool[];
  readonly homes?: { readonly a: Home; readonly b: Home };
  readonly transport?: Transport;
  readonly a?: ClientOptions;
  readonly b?: ClientOptions;
};

export const schema = { type: 'object', properties: {} };

export function tool(name: string, execute: ServedTool['execute']): ServedTool {
  return { name, description: `${name}, for tests`, inputSchema: schema, execute };
}

export async function makePair(options: PairOptions = {}): Promise<Pair> {
  const transport = options.transport ?? memoryTransport();
  const homes = options.homes ?? { a: memoryHome(), b: memoryHome() };
  const a = await TalosClient.create('caller', { stores: homes.a, transport, ...options.a });
  const b = await TalosClient.create('callee', { stores: homes.b, transport, ...options.b });
  const errors: unknown[] = [];
  for (const client of [a, b]) client.on('error', (error) => errors.push(error));
  await a.establishSession(b.did, await b.bundle());
  if (options.serve !== undefined) await b.serve({ tools: options.serve });
  const names = options.serve?.map(({ name }) => name) ?? ['echo'];
  const capability = await b.grant({ to: a.did, at: b.did, tools: options.grant ?? Object.fromEntries(names.map((name) => [name, anyArgs()])) });
  const close = async () => {
    await a.close();
    await b.close();
  };
  return { a, b, transport, homes, capability, keys: { caller: agentKey(a.did), callee: agentKey(b.did) }, errors, close };
}

export async function entriesOf(client: TalosClient): Promise<Entry[]> {
  const all: Entry[] = [];
  for (let index = 0; index < client.log.size; index++) all.push((await client.log.entry(index)).entry);
  return all;
}

/** R, S and A in a log, in order. */
export async function receiptsIn(client: TalosClient): Promise<{ readonly part: ReceiptPart; readonly request: string; readonly text: string }[]> {
  return (await entriesOf(client)).flatMap((entry) => readReceiptEntry(entry) ?? []);
}

/** Until `check` gives something: what it waits for has no event of its own. */
export async function eventually<T>(check: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await check();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
