/** A Talos agent beside an AI SDK model that follows a script: both real, no network. */
import { memoryHome, TalosClient } from '@talosprotocol/core';
import { MockLanguageModelV4 } from 'ai/test';
import { talosGuard, type TalosGuard } from '../src/index.ts';

type Tools = Parameters<TalosClient['grant']>[0]['tools'];
type Home = ReturnType<typeof memoryHome>;
export type LogEntry = { readonly type: string } & Record<string, unknown>;
export type TestAgent = {
  readonly client: TalosClient;
  readonly capability: string;
  readonly guard: TalosGuard;
  readonly log: () => Promise<readonly LogEntry[]>;
  readonly logText: () => Promise<string>;
};

/** An agent that trusts itself and grants itself `tools`. */
export async function agentGranted(tools: Tools, stores: Home = memoryHome()): Promise<TestAgent> {
  const client = await TalosClient.create('agent', { stores });
  const capability = await client.grant({ to: client.did, for: '15m', tools });
  const texts = async (): Promise<readonly string[]> => {
    const entries: string[] = [];
    for (let index = 0; index < client.log.size; index++) entries.push(new TextDecoder().decode((await client.log.entry(index)).bytes));
    return entries;
  };
  const log = async (): Promise<readonly LogEntry[]> =>
    (await texts()).map((text) => JSON.parse(text) as LogEntry).filter(({ type }) => type.startsWith('tool.') || type.startsWith('policy.'));
  return { client, capability, guard: talosGuard({ client, capability }), log, logText: async () => (await texts()).join('\n') };
}

/** A home whose log takes entries until `fail` is called, as a full disk would. */
export function failingHome(): { readonly stores: Home; readonly fail: () => void } {
  const home = memoryHome();
  let failing = false;
  const stores: Home = {
    ...home,
    log: (env) => {
      const shared = home.log(env);
      return {
        ...shared,
        acquire: async () => {
          const log = await shared.acquire();
          return new Proxy(log, {
            get: (target, name) => (name === 'append' && failing ? () => Promise.reject(new Error('no space left on device')) : bound(target, name)),
          });
        },
      };
    },
  };
  return { stores, fail: () => (failing = true) };
}

function bound(target: object, name: string | symbol): unknown {
  const value: unknown = Reflect.get(target, name);
  return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
}

export type Call = { readonly name: string; readonly args: unknown; readonly id?: string };

type Generated = Exclude<ConstructorParameters<typeof MockLanguageModelV4>[0], undefined>;

/** A model that makes these calls, one array for each turn, and then says "done". */
export function modelCalling(...turns: (readonly Call[])[]): MockLanguageModelV4 {
  const contents = [...turns.map((calls) => calls.map(toolCallPart)), [{ type: 'text', text: 'done' }]];
  const usage = { inputTokens: { total: 1 }, outputTokens: { total: 1 } };
  const reason = (content: readonly object[]) => ({ unified: content.some((part) => 'toolCallId' in part) ? 'tool-calls' : 'stop', raw: undefined });
  let [generated, streamed] = [0, 0];
  const settings = {
    doGenerate: async () => {
      const content = contents[generated++] ?? [];
      return { content, finishReason: reason(content), usage, warnings: [] };
    },
    doStream: async () => {
      const content = contents[streamed++] ?? [];
      const parts = content.flatMap((part) =>
        'text' in part
          ? [
              { type: 'text-start', id: '1' },
              { type: 'text-delta', id: '1', delta: part.text },
              { type: 'text-end', id: '1' },
            ]
          : [part],
      );
      return { stream: ReadableStream.from([{ type: 'stream-start', warnings: [] }, ...parts, { type: 'finish', finishReason: reason(content), usage }]) };
    },
  };
  // The one cast: the mock's types want every optional field spelled out.
  return new MockLanguageModelV4(settings as unknown as Generated);
}

function toolCallPart({ name, args, id }: Call, index: number): object {
  return { type: 'tool-call', toolCallId: id ?? `call_${index + 1}`, toolName: name, input: JSON.stringify(args) };
}

/** What the model was sent for each tool call, by id. */
export function toolOutputs(model: MockLanguageModelV4): Record<string, { readonly type: string; readonly value?: unknown; readonly reason?: string }> {
  const calls = [...model.doGenerateCalls, ...model.doStreamCalls];
  const parts = (calls.at(-1)?.prompt ?? []).flatMap((message) => (message.role === 'tool' ? message.content : []));
  return Object.fromEntries(parts.flatMap((part) => (part.type === 'tool-result' ? [[part.toolCallId, part.output as { type: string }]] : [])));
}
