/** The callback handler: a fence around the tools that are not guarded themselves. @module */
import { deniedError, type Guard } from '@talosprotocol/core/guard';
import { BaseCallbackHandler } from '@langchain/core/callbacks/base';
import type { Serialized } from '@langchain/core/load/serializable';
import { AIMessage } from '@langchain/core/messages';
import type { LLMResult } from '@langchain/core/outputs';
import { isGuarded } from './guard-tool.ts';
import { agentNameOf } from './guarded-run.ts';

/** Tool calls of models that a handler remembers. One run makes tens; beyond the bound the oldest are forgotten, and so refused. */
const maxRememberedCalls = 10_000;

/** No grant can name it, so the guard refuses and records it. */
const unresolvedName = '';

type ToolStart = {
  readonly tool: Serialized;
  readonly parentRunId: string | undefined;
  readonly metadata: Record<string, unknown> | undefined;
  readonly runName: string | undefined;
  readonly toolCallId: string | undefined;
};

/**
 * Refuses, before it starts, a tool that the capability does not grant. Leaves a tool of `guard.tools()` alone, whichever guard is in it:
 * that tool decides on the arguments it will really get, and records the call.
 *
 * It is the second line only. It sees arguments *before* the schema has filled defaults or changed them, never hears of a tool made by
 * `runnable.asTool()`, and not of one that is run with `callbacks: []`. A tool whose name it cannot be sure of is refused.
 */
export class TalosCallbackHandler extends BaseCallbackHandler {
  readonly name = 'TalosCallbackHandler';
  readonly #guard: Guard;
  /** Tool call id → tool. `undefined`: the id was used for two tools, and decides nothing. */
  readonly #toolOfCall = new Map<string, string | undefined>();

  constructor(guard: Guard) {
    // Set afterwards, raiseError would come too late: the base class has already chosen to run handlers in the background.
    super({ raiseError: true });
    this.#guard = guard;
  }

  /** A copy would have forgotten the calls. */
  override copy(): this {
    return this;
  }

  /** Remembers which tool each call of the model is for. */
  override handleLLMEnd(output: LLMResult): void {
    for (const generation of output.generations.flat()) {
      const message: unknown = Reflect.get(generation, 'message');
      if (!AIMessage.isInstance(message)) continue;
      for (const call of message.tool_calls ?? []) if (call.id !== undefined) this.#remember(call.id, call.name);
    }
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
    const decision = await this.#guard.check({
      tool: this.#resolve({ tool, parentRunId, metadata, runName, toolCallId }) ?? unresolvedName,
      input: parseInput(input),
      callId: toolCallId,
      runId,
      agentName: agentNameOf(metadata),
      framework: 'langchain',
    });
    if (!decision.allowed) throw deniedError(decision.refusal, decision.entryId);
  }

  #remember(id: string, name: string): void {
    const known = this.#toolOfCall.get(id);
    this.#toolOfCall.set(id, this.#toolOfCall.has(id) && known !== name ? undefined : name);
    const [oldest] = this.#toolOfCall.keys();
    if (this.#toolOfCall.size > maxRememberedCalls && oldest !== undefined) this.#toolOfCall.delete(oldest);
  }

  /** The name that the model called, and the one that the tool gives itself: where both are known they have to agree. */
  #resolve(start: ToolStart): string | undefined {
    const called = start.toolCallId === undefined ? undefined : this.#toolOfCall.get(start.toolCallId);
    const own = ownName(start);
    return called === undefined || own === undefined || called === own ? (own ?? called) : undefined;
  }
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
