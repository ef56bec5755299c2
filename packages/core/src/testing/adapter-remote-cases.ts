/** Cases about tools that another agent serves: its guard decides, and nothing of a call can be read on its way. @module */
import { memoryHome } from '../client/home.ts';
import { TalosClient } from '../client/talos-client.ts';
import { inside, outside, reader, readGrant, readTool } from './adapter-decision-cases.ts';
import { ofCall, refusalIn, same, textOf, trail, truth } from './adapter-expect.ts';
import type { AdapterArgs, AdapterTool, AdapterToolContext } from './adapter-harness.ts';
import { entriesOf, waitFor, type AdapterWorld, type LoggedEntry } from './adapter-world.ts';

export async function remoteTool<Guard>(world: AdapterWorld<Guard>): Promise<void> {
  const ran: string[] = [];
  await withPeer(world, reader(ran), async ({ peer, guards }) => {
    const turns = [[inside('a'), outside('b')], [inside('c', 'docs/c.md')]];
    const { answers, text } = await world.remote({ guards, turns, peer: peer.did, offered: ['read'] });
    const bare = await world.run({ guards: [], tools: [reader()], turns: [[inside('a')]] });
    same('what ran at the peer', ran, ['docs/a.md', 'docs/c.md']);
    same('answer to a, beside that of the same tool here', answers['a'], bare.answers['a']);
    same('code that the model sees', refusalIn(answers['b'])['code'], 'ARG_VIOLATES');
    same('last words', text, 'done');
    await waitFor('the peer has all countersignatures', async () => (await peer.unacknowledged()).length === 0);
    const [here, there] = await Promise.all([world.client, peer].map(receiptsIn));
    for (const id of ['a', 'b', 'c']) same(`receipt of ${id} in the log of the caller`, partsOf(here, id), 'countersignature outcome request');
    same('receipts in both logs', statements(here), statements(there));
    const served = await entriesOf(peer, ['tool.request', 'tool.result', 'policy.decision']);
    same('trail of a at the peer', trail(ofCall(served, 'a')), 'tool.request, tool.result ok');
    same('trail of b at the peer', trail(ofCall(served, 'b')), 'policy.decision ARG_VIOLATES');
    truth('arguments or results stand in a log in clear', !clear.test(JSON.stringify([here, there, served])));
    const wire = world.wire();
    truth('nothing went over the wire', wire.length > 0);
    truth('arguments or results can be read on the wire', !wire.some((frame) => clear.test(latin1(frame))));
  });
}

export async function remoteThrows<Guard>(world: AdapterWorld<Guard>): Promise<void> {
  const broken: AdapterTool = {
    ...readTool,
    run: () => {
      throw new RangeError('disk on fire');
    },
  };
  await withPeer(world, broken, async ({ peer, guards }) => {
    const { text, answers } = await world.remote({ guards, turns: [[inside('a')]], peer: peer.did, offered: ['read'] });
    same('last words', text, 'done');
    truth('the model was told of no answer', (answers['a'] ?? '') !== '');
    same('trail at the peer', trail(ofCall(await entriesOf(peer, ['tool.request', 'tool.result']), 'a')), 'tool.request, tool.result tool_error');
  });
}

/** To stop a run stops its tool, wherever that is at work. */
export async function remoteAbort<Guard>(world: AdapterWorld<Guard>): Promise<void> {
  const controller = new AbortController();
  const seen: string[] = [];
  const stopping: AdapterTool = {
    ...readTool,
    run: async (_input: AdapterArgs, { signal }: AdapterToolContext) => {
      controller.abort();
      await waitFor('the abort reaches the peer', async () => signal?.aborted === true);
      seen.push('aborted');
      throw new Error('stopped');
    },
  };
  await withPeer(world, stopping, async ({ peer, guards }) => {
    const run = { guards, turns: [[inside('a')]], peer: peer.did, offered: ['read'], signal: controller.signal };
    // Whether a stopped run rejects is the framework's affair.
    await world.remote(run).catch(() => undefined);
    await waitFor('the peer has its result', async () => (await entriesOf(peer, ['tool.result'])).length === 1);
    same('what the tool at the peer saw', seen, ['aborted']);
    same('trail at the peer', trail(ofCall(await entriesOf(peer, ['tool.request', 'tool.result']), 'a')), 'tool.request, tool.result cancelled');
  });
}

type Peering<Guard> = { readonly peer: TalosClient; readonly guards: readonly Guard[] };

/** Another agent, of another home, that serves `tool`, and a guard with a right to it. */
async function withPeer<Guard>(world: AdapterWorld<Guard>, tool: AdapterTool, check: (peering: Peering<Guard>) => Promise<void>): Promise<void> {
  const peer = await TalosClient.create('peer', { stores: memoryHome(), env: world.env, transport: world.transport });
  try {
    await peer.serve({ tools: [served(tool)] });
    await world.client.establishSession(peer.did, await peer.bundle());
    const capability = await peer.grant({ to: world.client.did, at: peer.did, for: '15m', tools: readGrant });
    await check({ peer, guards: [world.guard(capability)] });
  } finally {
    await peer.close();
  }
}

function served({ name, description, args, run }: AdapterTool) {
  const properties = Object.fromEntries(args.map((argument) => [argument, { type: 'string' }]));
  const inputSchema = { type: 'object', properties, required: [...args], additionalProperties: false };
  return { name, description, inputSchema, execute: (input: unknown, context: AdapterToolContext) => run?.(input as AdapterArgs, context) };
}

/** What is in the arguments and results of these cases, and in nothing else. */
const clear = /docs\/|passwd|contents of/;

async function receiptsIn(client: TalosClient): Promise<readonly LoggedEntry[]> {
  return entriesOf(client, ['handoff']);
}

function partsOf(entries: readonly LoggedEntry[] = [], id: string): string {
  return entries
    .filter((entry) => entry['call'] === id)
    .map((entry) => textOf(entry['receipt']))
    .toSorted()
    .join(' ');
}

function statements(entries: readonly LoggedEntry[] = []): string[] {
  return entries.map((entry) => textOf(entry['statement'])).toSorted();
}

function latin1(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
}
