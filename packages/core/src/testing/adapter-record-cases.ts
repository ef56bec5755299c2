/** Cases about who is asked and what is put on record under which name. @module */
import type { JsonValue } from '../bytes/json-value.ts';
import { anyArgs } from '../capability/constraints/any.ts';
import { memoryHome } from '../client/home.ts';
import { TalosClient } from '../client/talos-client.ts';
import { inside, outside, reader, readGrant } from './adapter-decision-cases.ts';
import { ofCall, refused, same, textOf, trail, truth } from './adapter-expect.ts';
import type { AdapterTool } from './adapter-harness.ts';
import type { AdapterWorld, LoggedEntry } from './adapter-world.ts';

/** The body of one tool runs an agent of its own: nothing of the outer agent's hooks reaches that one's tools. */
export async function subAgent<Guard>(world: AdapterWorld<Guard>): Promise<void> {
  const ran: string[] = [];
  const guards = [world.guard(await world.grant({ ...readGrant, research: anyArgs() }))];
  const inner: { readonly [id: string]: string }[] = [];
  const research: AdapterTool = {
    name: 'research',
    description: 'Asks another agent.',
    args: ['task'],
    run: async (): Promise<JsonValue> => {
      const { answers, text } = await world.run({ guards, tools: [reader(ran)], turns: [[inside('a'), outside('b')]], agentName: 'researcher' });
      inner.push(answers);
      return text;
    },
  };
  const { text } = await world.run({ guards, tools: [research], turns: [[{ tool: 'research', args: { task: 'find out' }, id: 'boss' }]], agentName: 'boss' });
  same('what ran', ran, ['docs/a.md']);
  same('last words', text, 'done');
  const entries = await world.entries();
  refused({ answers: inner[0] ?? {}, entries }, 'b', 'ARG_VIOLATES');
  same('trail', trail(entries.filter(({ type }) => type !== 'policy.decision')), 'tool.request, tool.request, tool.result ok, tool.result ok');
  const agentOf = (id: string) => ofCall(entries, id).map((entry) => entry['gen_ai.agent.name'] ?? null);
  same('agent of the outer call', agentOf('boss'), ['boss', 'boss']);
  same('agent of the inner calls', [...agentOf('a'), ...agentOf('b')], ['researcher', 'researcher', 'researcher']);
  truth('the run of the sub-agent is recorded as the run of its boss', runOf(ofCall(entries, 'a')[0]) !== runOf(ofCall(entries, 'boss')[0]));
}

/** Call ids are made up by models and come again in every run: entries differ by run, agent, call and their place in the recorder's sequence. */
export async function recordKey<Guard>(world: AdapterWorld<Guard>): Promise<void> {
  const guards = [world.guard(await world.grant(readGrant))];
  const turns = [[inside('call_1'), outside('call_2')]];
  for (const agentName of ['one', 'one', 'two']) await world.run({ guards, tools: [reader()], turns, agentName });
  const entries = await world.entries();
  same('entries', entries.length, 9);
  for (const entry of entries) {
    same('framework', entry['framework'], world.harness.framework);
    same('agent', entry['agent'], world.client.did);
    same('tool', entry['gen_ai.tool.name'], 'read');
    truth('an entry names no run', typeof entry['run'] === 'string' && entry['run'] !== '');
  }
  same('calls of each run', byRun(entries), [
    ['one', 'call_1 call_1 call_2'],
    ['one', 'call_1 call_1 call_2'],
    ['two', 'call_1 call_1 call_2'],
  ]);
  const places = entries.map((entry) => JSON.stringify([entry['recorder'], entry['recorder_seq']]));
  same('places in the sequence', new Set(places).size, entries.length);
}

function byRun(entries: readonly LoggedEntry[]): JsonValue {
  return [...new Set(entries.map(runOf))].map((run) => {
    const own = entries.filter((entry) => runOf(entry) === run);
    const calls = own.map((entry) => textOf(entry['gen_ai.tool.call.id'])).toSorted();
    return [[...new Set(own.map((entry) => textOf(entry['gen_ai.agent.name'])))].join(), calls.join(' ')];
  });
}

function runOf(entry: LoggedEntry | undefined): JsonValue | undefined {
  return entry?.['run'];
}

export async function approval<Guard>(world: AdapterWorld<Guard>): Promise<void> {
  const ran: string[] = [];
  const boss = await TalosClient.create('boss', { stores: memoryHome(), env: world.env });
  try {
    const approve = { read: { when: 'always', by: [boss.did], m: 1, ttl: 60, reuse: 'exact' } } as const;
    const guards = [world.guard(await world.grant(readGrant, { approve }))];
    const go = (id: string) => world.run({ guards, tools: [reader(ran)], turns: [[inside(id)]] });
    const asked = await go('a');
    same('what ran before anybody was asked', ran, []);
    refused({ ...asked, entries: await world.entries() }, 'a', 'APPROVAL_REQUIRED');
    const [request, ...others] = await world.client.approvals.open();
    if (request === undefined || others.length > 0) throw new Error('a call that waits for a person left not one request');
    await world.client.approvals.submit(await boss.answerApproval({ request: request.request, opening: request, verdict: 'allow' }));
    await go('b');
    same('what ran when it was agreed to', ran, ['docs/a.md']);
    same('trail', trail(ofCall(await world.entries(), 'b')), 'tool.request, tool.result ok');
    const again = await go('c');
    same('what ran on one approval', ran, ['docs/a.md']);
    refused({ ...again, entries: await world.entries() }, 'c', 'APPROVAL_REQUIRED');
  } finally {
    await boss.close();
  }
}
