/** Turns of a model, put on record as commitments: by the middleware in an agent, by the callback handler in a graph of one's own. @module */
import type { AgentEvent, Guard, TurnCall } from '@talosprotocol/core/guard';
import { AIMessage, type BaseMessage } from '@langchain/core/messages';

type TurnEvent = Extract<AgentEvent, { readonly type: 'model.turn' }>;
export type TurnIds = Pick<TurnEvent, 'runId' | 'agentName' | 'model' | 'provider'>;

type Turn = TurnIds & {
  readonly messages: readonly BaseMessage[];
  /** Absent when the model failed. */
  readonly answer: AIMessage | undefined;
  readonly stripped?: readonly string[];
};

/** Rejects if it could not be recorded: what is not on record is not handed on. */
export async function recordTurn(guard: Guard, { messages, answer, stripped = [], ...ids }: Turn): Promise<void> {
  const shared = { type: 'model.turn', ...ids, framework: 'langchain', stripped, input: plain(messages) } as const;
  if (answer === undefined) return guard.record({ ...shared, outcome: 'error' });
  return guard.record({ ...shared, calls: callsOf(answer), output: plain([answer]), outcome: 'ok' });
}

/** Guard and last message of turns that the middleware records: a callback handler that hears of the same turn leaves it. */
const recordedElsewhere = /* @__PURE__ */ new WeakMap<object, Set<Guard>>();

export async function recordingItself<T>(guard: Guard, last: object | undefined, turn: () => T | Promise<T>): Promise<T> {
  if (last === undefined) return turn();
  const guards = recordedElsewhere.get(last) ?? new Set();
  recordedElsewhere.set(last, guards.add(guard));
  try {
    return await turn();
  } finally {
    guards.delete(guard);
  }
}

export function isRecordedElsewhere(guard: Guard, last: object | undefined): boolean {
  return last !== undefined && recordedElsewhere.get(last)?.has(guard) === true;
}

/** As the framework handed them on, the ones among them that it could not read, and those that ran at the provider. */
function callsOf(answer: AIMessage): readonly TurnCall[] {
  const made = [...(answer.tool_calls ?? []), ...(answer.invalid_tool_calls ?? [])];
  return [...made.map(({ name, id }) => ({ tool: name ?? '', callId: id })), ...providerCalls(answer)];
}

/** `server_tool_call` is LangChain's own word, the other two are what providers call theirs in the raw content. */
const providerCallTypes: ReadonlySet<unknown> = /* @__PURE__ */ new Set(['server_tool_call', 'server_tool_use', 'mcp_tool_use']);

function providerCalls(answer: AIMessage): readonly TurnCall[] {
  const blocks = [...(Array.isArray(answer.content) ? answer.content : []), ...answer.contentBlocks] as readonly Record<string, unknown>[];
  const calls = blocks.filter(({ type }) => providerCallTypes.has(type)).map(({ name, id }) => [textOf(id), textOf(name)] as const);
  return [...new Map(calls)].map(([callId, tool]) => ({ tool, callId, atProvider: true }));
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Messages as LangChain stores them. */
function plain(messages: readonly BaseMessage[]): unknown {
  try {
    return JSON.parse(JSON.stringify(messages.map((message) => message.toDict()))) as unknown;
  } catch {
    // A message that holds no JSON: the entry says that it commits to nothing.
    return () => undefined;
  }
}

/** The model's own message in whatever the framework makes of it. */
export function answerIn(response: unknown): AIMessage | undefined {
  if (AIMessage.isInstance(response)) return response;
  const messages: unknown = typeof response === 'object' && response !== null ? Reflect.get(response, 'messages') : undefined;
  return Array.isArray(messages) ? (messages as unknown[]).find((message) => AIMessage.isInstance(message)) : undefined;
}
