/** A framework of twenty lines, for the suite itself: a script of calls, and tools that are looked up and run. */
import { toolDigest } from '../../src/capability/tool-digest.ts';
import { deniedError, type Refusal } from '../../src/guard/refusal.ts';
import type { Guard } from '../../src/guard/guard.ts';
import type { ToolCall } from '../../src/guard/tool-call.ts';
import type { JsonValue } from '../../src/bytes/json-value.ts';
import { TalosDeniedError } from '../../src/errors/denied-error.ts';
import { peerTools, type PeerToolsSource } from '../../src/remote/peer-tools.ts';
import type { AdapterArgs, AdapterCall, AdapterHarness, AdapterOutcome, AdapterRun, AdapterTool } from '../../src/testing/index.ts';

/** What an adapter may get wrong. */
export type Fault =
  | 'no-guard'
  | 'check-only'
  | 'swallows-refusal'
  | 'no-signal'
  | 'no-run-id'
  | 'no-agent'
  | 'one-run-id'
  | 'wraps-again'
  | 'first-guard-only'
  | 'drains-generator'
  | 'begins-generator'
  | 'no-digest'
  | 'name-digest'
  | 'hides-error'
  | 'runs-unrecorded'
  | 'no-observe'
  | 'always-observe'
  | 'records-input'
  | 'no-call-id'
  | 'calls-twice';

type Call = AdapterCall & { readonly runId: string; readonly agentName: string; readonly signal: AbortSignal | undefined };
type Body = (call: Call, onChunk: (chunk: JsonValue) => void) => Promise<unknown>;

let runs = 0;

export function plainLoop(...faults: readonly Fault[]): AdapterHarness<Guard> {
  const has = (fault: Fault): boolean => faults.includes(fault);
  const digest = async ({ name, description, args }: AdapterTool): Promise<string> =>
    toolDigest({ name, description: has('name-digest') ? '' : description, inputSchema: { required: has('name-digest') ? [] : [...args] } });

  const bare =
    (tool: AdapterTool): Body =>
    async ({ args: given, signal }, onChunk) => {
      const args = given as AdapterArgs;
      const context = { signal };
      if (tool.run !== undefined) return tool.run(args, context);
      const steps = tool.generate(args, context);
      for (;;) {
        const { value, done } = await steps.next();
        if (done === true) return value;
        onChunk(value);
      }
    };

  const ask = async (tool: AdapterTool, call: Call): Promise<ToolCall> => ({
    tool: call.tool,
    input: call.args,
    callId: has('records-input') ? `docs/a.md${call.id}` : call.id,
    runId: runIdOf(call),
    agentName: has('no-agent') ? undefined : call.agentName,
    framework: 'plain',
    signal: has('no-signal') ? undefined : call.signal,
    toolDigest: has('no-digest') ? undefined : await digest(tool),
  });
  const runIdOf = ({ runId }: Call): string | undefined => {
    if (has('no-run-id')) return undefined;
    return has('one-run-id') ? 'r' : runId;
  };

  const checked = async (guard: Guard, call: ToolCall): Promise<void> => {
    const decision = await guard.check(call);
    if (!decision.allowed) throw deniedError(decision.refusal, decision.entryId);
  };

  const wrap =
    (guard: Guard, tool: AdapterTool, body: Body): Body =>
    async (call, onChunk) => {
      const asked = await ask(tool, call);
      if (has('begins-generator')) void tool.generate?.(call.args as AdapterArgs, { signal: undefined }).next();
      if (has('check-only')) return checked(guard, asked).then(() => body(call, onChunk));
      const quiet = has('drains-generator') ? (): void => undefined : onChunk;
      const result = await guard.run(asked, (args, _grant, signal) => body({ ...call, args, signal: has('no-signal') ? undefined : signal }, quiet));
      if (result.status === 'ok') return result.value;
      if (result.status === 'error') throw has('hides-error') ? new Error('the tool failed') : result.error;
      const unrecorded = result.denial.code === 'LOG_UNAVAILABLE' && has('runs-unrecorded');
      return unrecorded ? body(call, quiet) : refusalOf(result.refusal);
    };
  const refusalOf = (refusal: Refusal): unknown => (has('swallows-refusal') ? 'no' : refusal);

  const guarded = (tool: AdapterTool, guards: readonly Guard[]): Body => {
    if (has('no-guard')) return bare(tool);
    const distinct = has('wraps-again') ? guards : [...new Set(guards)];
    const used = has('first-guard-only') ? distinct.slice(0, 1) : distinct;
    return used.reduce((body, guard) => wrap(guard, tool, body), bare(tool));
  };

  const run = async ({ guards, tools, ...rest }: AdapterRun<Guard>): Promise<AdapterOutcome> =>
    loop(rest, new Map(tools.map((tool) => [tool.name, guarded(tool, guards)])));

  const loop = async (
    { turns, agentName, signal }: Omit<AdapterRun<Guard>, 'guards' | 'tools'>,
    bodies: ReadonlyMap<string, Body>,
  ): Promise<AdapterOutcome> => {
    const runId = `run-${runs++}`;
    const answers: Record<string, string> = {};
    const chunks: Record<string, JsonValue[]> = {};
    const one = async (call: AdapterCall): Promise<void> => {
      try {
        const result = await bodies.get(call.tool)?.({ ...call, runId, agentName, signal }, (chunk) => void (chunks[call.id] ??= []).push(chunk));
        answers[call.id] = JSON.stringify(result);
      } catch (error) {
        answers[call.id] = String(error);
      }
    };
    for (const turn of turns) {
      signal?.throwIfAborted();
      await Promise.all(turn.map(one));
    }
    return { answers, chunks, text: 'done' };
  };

  const sources = new WeakMap<Guard, PeerToolsSource>();
  const remote: AdapterHarness<Guard>['remote'] = async ({ guards, peer, offered, ...rest }) => {
    const tools = await peerTools(sources.get(guards[0]!)!, peer, offered);
    const body =
      ({ execute }: (typeof tools)[number]): Body =>
      async ({ args, id, signal }) => {
        const callId = has('records-input') ? `docs/a.md${id}` : has('no-call-id') ? undefined : id;
        if (has('calls-twice')) await execute(args, { callId });
        return execute(args, { callId, signal: has('no-signal') ? undefined : signal }).catch((error: unknown) => {
          if (!TalosDeniedError.isInstance(error)) throw error;
          return has('swallows-refusal') ? 'no' : (JSON.parse(error.message) as JsonValue);
        });
      };
    return loop(rest, new Map(tools.map((tool) => [tool.name, body(tool)])));
  };

  return {
    framework: 'plain',
    modes: ['generate'],
    guard: ({ client, capability, observe }) => {
      if (has('no-observe')) return client.guard({ capability });
      if (has('always-observe')) return client.guard({ capability, observe: { until: 8.64e15 } });
      const guard = client.guard({ capability, ...(observe === undefined ? {} : { observe }) });
      sources.set(guard, { client, capability });
      return guard;
    },
    run,
    remote,
    digest,
  };
}
