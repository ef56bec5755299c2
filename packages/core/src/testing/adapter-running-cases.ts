/** Cases about what happens while a tool runs. @module */
import { inside, outside, reader, readGrant, readTool } from './adapter-decision-cases.ts';
import { ofCall, refusalIn, refused, same, trail, truth } from './adapter-expect.ts';
import type { AdapterArgs, AdapterTool, AdapterToolContext } from './adapter-harness.ts';
import type { AdapterWorld } from './adapter-world.ts';

export async function toolThrows<Guard>(world: AdapterWorld<Guard>): Promise<void> {
  const guards = [world.guard(await world.grant(readGrant))];
  const broken: AdapterTool = {
    ...readTool,
    run: () => {
      throw new RangeError('disk on fire');
    },
  };
  const turns = [[inside('a')]];
  const { answers, text } = await world.run({ guards, tools: [broken], turns });
  const bare = await world.run({ guards: [], tools: [broken], turns });
  same('answers, beside those without a guard', answers, bare.answers);
  same('last words', text, bare.text);
  const entries = ofCall(await world.entries(), 'a');
  same('trail', trail(entries), 'tool.request, tool.result tool_error');
  same('kind of error', entries[1]?.['error.type'], 'RangeError');
  truth('what a tool threw stands in the log in clear', !JSON.stringify(entries).includes('disk on fire'));
}

export async function generator<Guard>(world: AdapterWorld<Guard>): Promise<void> {
  const [begun, bareBegun]: [string[], string[]] = [[], []];
  const steps = (ran: string[]): AdapterTool => ({
    ...readTool,
    async *generate({ path = '' }) {
      ran.push(path);
      yield 'opening';
      yield 'reading';
      return `contents of ${path}`;
    },
  });
  const guards = [world.guard(await world.grant(readGrant))];
  const turns = [[inside('a')]];
  const { answers, chunks, text } = await world.run({ guards, tools: [steps(begun)], turns });
  const bare = await world.run({ guards: [], tools: [steps(bareBegun)], turns });
  same('answers, beside those without a guard', answers, bare.answers);
  same('chunks, beside those without a guard', chunks, bare.chunks);
  same('last words', text, 'done');
  const refusedRun = await world.run({ guards, tools: [steps(begun)], turns: [[outside('b')]] });
  same('what began', begun, ['docs/a.md']);
  same('chunks of a refused call', refusedRun.chunks['b'] ?? [], []);
  const entries = await world.entries();
  same('trail', trail(ofCall(entries, 'a')), 'tool.request, tool.result ok');
  refused({ ...refusedRun, entries }, 'b', 'ARG_VIOLATES');
}

export async function revokedMidRun<Guard>(world: AdapterWorld<Guard>): Promise<void> {
  const ran: string[] = [];
  const capability = await world.grant(readGrant);
  const aborted: (boolean | undefined)[] = [];
  const revoking: AdapterTool = {
    ...readTool,
    run: async ({ path = '' }: AdapterArgs, { signal }: AdapterToolContext) => {
      ran.push(path);
      const before = signal?.aborted;
      await world.owner.revoke(capability);
      aborted.push(before, signal?.aborted);
      return 'written';
    },
  };
  const { answers } = await world.run({ guards: [world.guard(capability)], tools: [revoking], turns: [[inside('a')], [inside('b', 'docs/b.md')]] });
  same('what ran', ran, ['docs/a.md']);
  same("the tool's signal before and after the revocation", JSON.stringify(aborted), '[false,true]');
  const entries = await world.entries();
  // Whether a framework still waits for a tool that it told to stop is its own affair.
  truth('the stopped call has no result', /^tool\.request, tool\.result (ok|cancelled)$/.test(trail(ofCall(entries, 'a'))));
  same('mark of a right that was taken back meanwhile', ofCall(entries, 'a')[1]?.['revoked_in_flight'], true);
  refused({ answers, entries }, 'b', 'REVOKED');
}

export async function expiredMidRun<Guard>(world: AdapterWorld<Guard>): Promise<void> {
  const ran: string[] = [];
  const slow: AdapterTool = {
    ...readTool,
    run: ({ path = '' }: AdapterArgs) => {
      ran.push(path);
      world.advance(16 * 60_000);
      return 'read';
    },
  };
  const guards = [world.guard(await world.grant(readGrant))];
  const { answers } = await world.run({ guards, tools: [slow], turns: [[inside('a')], [inside('b')]] });
  same('what ran', ran, ['docs/a.md']);
  const entries = await world.entries();
  same('trail', trail(ofCall(entries, 'a')), 'tool.request, tool.result ok');
  refused({ answers, entries }, 'b', 'EXPIRED');
}

export async function logUnavailable<Guard>(world: AdapterWorld<Guard>): Promise<void> {
  const ran: string[] = [];
  const guards = [world.guard(await world.grant(readGrant))];
  world.failLog();
  const { answers, text } = await world.run({ guards, tools: [reader(ran)], turns: [[inside('a')]] });
  same('what ran', ran, []);
  const refusal = refusalIn(answers['a']);
  same('refusal', [refusal['code'] ?? null, refusal['retryable'] ?? null], ['LOG_UNAVAILABLE', true]);
  same('last words', text, 'done');
}

/** The tool's own signal aborts, and what it did until then is recorded as cancelled, never as not done. */
export async function abort<Guard>(world: AdapterWorld<Guard>): Promise<void> {
  const controller = new AbortController();
  const seen: (boolean | undefined)[] = [];
  const stopping: AdapterTool = {
    ...readTool,
    run: (_input: AdapterArgs, { signal }: AdapterToolContext): string => {
      controller.abort();
      seen.push(signal?.aborted);
      signal?.throwIfAborted();
      return 'went on';
    },
  };
  const guards = [world.guard(await world.grant(readGrant))];
  const run = { guards, tools: [stopping], turns: [[inside('a')]], signal: controller.signal };
  // Whether a stopped run rejects is the framework's affair; what the log says is not.
  await world.run(run).catch(() => undefined);
  same("the tool's signal", JSON.stringify(seen), '[true]');
  same('trail', trail(await world.entries()), 'tool.request, tool.result cancelled');
}
