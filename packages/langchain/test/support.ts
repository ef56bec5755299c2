/** A Talos agent beside a LangChain agent with a scripted model: both real, no network. */
import { memoryHome, TalosClient, type Env, type Home } from '@talosprotocol/core';
import { memoryAuditStore, openAuditLog, type AuditLog, type AuditStore } from '@talosprotocol/core/audit';
import { withMethods } from '@talosprotocol/core/guard';
import { generateIdentitySecrets, restoreIdentity } from '@talosprotocol/core/identity';
import { AIMessage, HumanMessage, type BaseMessage } from '@langchain/core/messages';
import { createAgent, fakeModel } from 'langchain';
import { talosGuard, type TalosGuard } from '@talosprotocol/langchain';

type Tools = Parameters<TalosClient['grant']>[0]['tools'];
export type LogEntry = { readonly type: string } & Record<string, unknown>;

export type TestAgent = {
  readonly client: TalosClient;
  readonly capability: string;
  readonly guard: TalosGuard;
  readonly log: () => Promise<readonly LogEntry[]>;
  readonly logText: () => Promise<string>;
};

/** An agent that trusts itself and grants itself `tools`. */
export async function agentGranted(tools: Tools, stores?: Home): Promise<TestAgent> {
  const client = await TalosClient.create('agent', stores === undefined ? {} : { stores });
  const capability = await client.grant({ to: client.did, for: '15m', tools });
  const texts = async (): Promise<readonly string[]> => {
    const entries = [];
    for (let index = 0; index < client.log.size; index++) entries.push(new TextDecoder().decode((await client.log.entry(index)).bytes));
    return entries;
  };
  const log = async (): Promise<readonly LogEntry[]> =>
    (await texts()).map((text) => JSON.parse(text) as LogEntry).filter(({ type }) => /^(tool|policy|model|handoff)/.test(type));
  return { client, capability, guard: talosGuard({ client, capability }), log, logText: async () => (await texts()).join('\n') };
}

export type Call = { readonly name: string; readonly args: Record<string, unknown>; readonly id?: string };

let messageIds = 0;

/** A model that makes these calls, one array for each turn, and then says "done". Message ids differ over all models: LangGraph merges equal ones. */
export function modelCalling(...turns: (readonly Call[])[]): ReturnType<typeof fakeModel> {
  const model = fakeModel();
  for (const turn of turns) {
    const calls = turn.map((call, i) => ({ type: 'tool_call' as const, id: `call_${i + 1}`, ...call }));
    model.respond(new AIMessage({ id: `test-${messageIds++}`, content: '', tool_calls: calls }));
  }
  return model.respond(new AIMessage({ id: `test-${messageIds++}`, content: 'done' }));
}

export const go = (): { messages: BaseMessage[] } => ({ messages: [new HumanMessage({ id: `test-${messageIds++}`, content: 'go' })] });

type AgentOptions = Parameters<typeof createAgent>[0];

/** Runs an agent to its end: what its tools answered, by call id, and the last message. */
export async function runAgent(
  options: Pick<AgentOptions, 'model' | 'tools' | 'middleware' | 'name'>,
  config?: object,
): Promise<{ readonly results: Record<string, { content: string; status: string | undefined }>; readonly last: string }> {
  const { messages } = (await createAgent(options).invoke(go(), config)) as { messages: BaseMessage[] };
  const results = messages
    .filter((message) => message.getType() === 'tool')
    .map((message) => [
      Reflect.get(message, 'tool_call_id') as string,
      { content: message.text, status: Reflect.get(message, 'status') as string | undefined },
    ]);
  return { results: Object.fromEntries(results) as Record<string, { content: string; status: string | undefined }>, last: messages.at(-1)?.text ?? '' };
}

/** A home in memory whose audit store asks first, and fails where `before` throws. Rows are the entries' bytes as text. */
export function homeAppending(before: (rows: string) => void): Home {
  const memory = memoryAuditStore();
  const append: AuditStore['append'] = async (batch) => {
    before(batch.rows.map(({ bytes }) => new TextDecoder().decode(bytes)).join('\n'));
    return memory.append(batch);
  };
  const store = withMethods(memory, { append });
  let log: Promise<AuditLog> | undefined;
  const open = async (env: Env): Promise<AuditLog> => {
    const { signer } = await restoreIdentity(await generateIdentitySecrets(env));
    return openAuditLog({ store, signer, origin: 'test.example/log', env });
  };
  return { ...memoryHome(), log: (env) => ({ acquire: () => (log ??= open(env)), release: async () => undefined }) };
}
