/** The callback handler: a fence around the tools that are not guarded themselves. @module */
import { deniedError, type Guard, type ToolCall } from '@talosprotocol/core/guard';
import { BaseCallbackHandler } from '@langchain/core/callbacks/base';
import type { Serialized } from '@langchain/core/load/serializable';
import { AIMessage, type BaseMessage } from '@langchain/core/messages';
import type { LLMResult } from '@langchain/core/outputs';
import { isGuarded } from './guard-tool.ts';
import { recordHandoff } from './handoff.ts';
import { isRecordedElsewhere, recordTurn, type TurnIds } from './model-turn.ts';
import { agentNameOf } from './tool-call-of.ts';
import { beginCall, takeCall } from './unguarded-call.ts';

/** Tool calls and turns that a handler remembers. One run makes tens; beyond the bound the oldest are forgotten, and so refused or unrecorded. */
const maxRemembered = 10_000;

/** No grant can name it, so the guard refuses and records it. */
const unresolvedName = '';

type ToolStart = {
  readonly tool: Serialized;
  readonly parentRunId: string | undefined;
  readonly metadata: Record<string, unknown> | undefined;
  readonly runName: string | undefined;
  readonly toolCallId: string | undefined;
};

type Turn = TurnIds & { readonly messages: readonly BaseMessage[] };

export type HandlerOptions = {
  /** Whether turns of models and handoffs are put on record, where the middleware does not do so. Default true. */
  readonly turns?: boolean;
};

/**
 * Refuses, before it starts, a tool that the capability does not grant, and records one that it lets pass, as `langchain/callback`. Leaves a tool
 * of `guard.tools()` alone, whichever guard is in it: that tool decides on the arguments it will really get, and records the call.
 *
 * It is the second line only. It sees arguments *before* the schema has filled defaults or changed them, never hears of a tool made by
 * `runnable.asTool()`, and not of one that is run with `callbacks: []`. A tool whose name it cannot be sure of is refused. Make one for each run.
 */
export class TalosCallbackHandler extends BaseCallbackHandler {
  readonly name = 'TalosCallbackHandler';
  readonly #guard: Guard;
  readonly #recordsTurns: boolean;
  /** Tool call id → tool. `undefined`: the id was used for two tools, and decides nothing. */
  readonly #toolOfCall = new Map<string, string | undefined>();
  /** By LangChain's run id of the model or tool. */
  readonly #turns = new Map<string, Turn>();
  readonly #passed = new Map<string, ToolCall>();
  /** The id of the outermost run, which all entries carry. */
  #run: string | undefined;

  constructor(guard: Guard, { turns = true }: HandlerOptions = {}) {
    // Set afterwards, raiseError would come too late: the base class has already chosen to run handlers in the background.
    super({ raiseError: true });
    this.#guard = guard;
    this.#recordsTurns = turns;
  }

  /** A copy would have forgotten the calls. */
  override copy(): this {
    return this;
  }

  // oxlint-disable-next-line max-params -- LangChain's signature
  override handleChainStart(
    _chain: Serialized,
    _inputs: unknown,
    runId: string,
    _runType?: string,
    _tags?: string[],
    metadata?: Record<string, unknown>,
    _runName?: string,
    parentRunId?: string,
  ): void {
    // A node of a graph that nobody traces has no parent either.
    const isOutermost = parentRunId === undefined && metadata?.['langgraph_node'] === undefined;
    if (isOutermost || this.#run === undefined) this.#run = runId;
  }

  // oxlint-disable-next-line max-params -- LangChain's signature
  override handleChatModelStart(
    _llm: Serialized,
    messages: BaseMessage[][],
    runId: string,
    _parentRunId?: string,
    extra?: Record<string, unknown>,
    _tags?: string[],
    metadata?: Record<string, unknown>,
  ): void {
    const asked = messages.flat();
    if (!this.#recordsTurns || isRecordedElsewhere(this.#guard, asked.at(-1))) return;
    remember(this.#turns, runId, { messages: asked, runId: this.#run ?? runId, agentName: agentNameOf(metadata), ...modelIn(metadata, extra) });
  }

  /** Remembers which tool each call of the model is for. Rejects, and so ends the run, if the turn could not be recorded. */
  override async handleLLMEnd(output: LLMResult, runId: string): Promise<void> {
    const messages = output.generations.flat().map((generation): unknown => Reflect.get(generation, 'message'));
    const answers = messages.filter((message) => AIMessage.isInstance(message));
    for (const call of answers.flatMap(({ tool_calls: calls = [] }) => calls)) if (call.id !== undefined) this.#rememberCall(call.id, call.name);
    const turn = this.#take(runId);
    if (turn !== undefined) await recordTurn(this.#guard, { ...turn, answer: answers[0] });
  }

  override async handleLLMError(_error: Error, runId: string): Promise<void> {
    const turn = this.#take(runId);
    if (turn !== undefined) await recordTurn(this.#guard, { ...turn, answer: undefined });
  }

  /** @throws {@link TalosDeniedError} `TALOS_DENIED`, which LangChain raises before the tool starts. */
  // oxlint-disable-next-line max-params -- LangChain's signature
  override async handleToolStart(
    tool: Serialized,
    input: string,
    runId: string,
    parentRunId?: string,
    _tags?: string[],
    metadata?: Record<string, unknown>,
    runName?: string,
    toolCallId?: string,
  ): Promise<void> {
    if (isGuarded(tool)) return;
    const call: ToolCall = {
      tool: this.#resolve({ tool, parentRunId, metadata, runName, toolCallId }) ?? unresolvedName,
      input: parseInput(input),
      callId: toolCallId,
      runId: this.#run ?? runId,
      agentName: agentNameOf(metadata),
      framework: 'langchain/callback',
    };
    remember(this.#passed, runId, call);
    const denied = await beginCall(this.#guard, runId, () => call).begun;
    if (denied === undefined) return;
    this.#passed.delete(runId);
    takeCall(this.#guard, runId);
    throw deniedError(denied.refusal, denied.entryId);
  }

  override async handleToolEnd(output: unknown, runId: string): Promise<void> {
    const call = this.#passed.get(runId);
    this.#passed.delete(runId);
    const running = takeCall(this.#guard, runId);
    await running?.finish(contentOf(output));
    // The other handler of this guard, if there is one, took it.
    if (running !== undefined && call !== undefined && this.#recordsTurns) await recordHandoff(this.#guard, call, output);
  }

  override async handleToolError(error: unknown, runId: string): Promise<void> {
    this.#passed.delete(runId);
    await takeCall(this.#guard, runId)?.fail(error, error instanceof Error && error.name === 'AbortError' ? 'cancelled' : 'error');
  }

  #take(runId: string): Turn | undefined {
    const turn = this.#turns.get(runId);
    this.#turns.delete(runId);
    return turn;
  }

  #rememberCall(id: string, name: string): void {
    const known = this.#toolOfCall.get(id);
    remember(this.#toolOfCall, id, this.#toolOfCall.has(id) && known !== name ? undefined : name);
  }

  /** The name that the model called, and the one that the tool gives itself: where both are known they have to agree. */
  #resolve(start: ToolStart): string | undefined {
    const called = start.toolCallId === undefined ? undefined : this.#toolOfCall.get(start.toolCallId);
    const own = ownName(start);
    return called === undefined || own === undefined || called === own ? (own ?? called) : undefined;
  }
}

function remember<T>(memory: Map<string, T>, id: string, value: T): void {
  memory.set(id, value);
  const [oldest] = memory.keys();
  if (memory.size > maxRemembered && oldest !== undefined) memory.delete(oldest);
}

/**
 * LangChain tells callbacks no tool's name. Its dynamic tools name their run after themselves, unless a run name reached them from
 * above: it does inside a graph that nobody else traces, where it is the graph's or the node's. Classes name no run.
 */
function ownName({ tool, parentRunId, metadata, runName }: ToolStart): string | undefined {
  const className = tool.id.at(-1);
  const isDynamic = className === 'DynamicTool' || className === 'DynamicStructuredTool';
  const isInherited = parentRunId === undefined && metadata?.['langgraph_node'] !== undefined;
  return isDynamic && !isInherited ? runName : undefined;
}

/** LangChain passes arguments as JSON text, and a tool's single string under `input`. */
function parseInput(input: string): unknown {
  try {
    const value: unknown = JSON.parse(input);
    return typeof value === 'object' ? value : { input: value };
  } catch {
    return { input };
  }
}

/** What the tool said, out of the message that LangChain made of it. */
function contentOf(output: unknown): unknown {
  return typeof output === 'object' && output !== null && 'tool_call_id' in output && 'content' in output ? output.content : output;
}

/** LangChain's own metadata of a model, else what it was invoked with. */
function modelIn(metadata: Record<string, unknown> | undefined, extra: Record<string, unknown> | undefined): TurnIds {
  const params = extra?.['invocation_params'] as Record<string, unknown> | undefined;
  const [model, provider] = [metadata?.['ls_model_name'] ?? params?.['model'], metadata?.['ls_provider']];
  return { ...(typeof model === 'string' ? { model } : {}), ...(typeof provider === 'string' ? { provider } : {}) };
}
