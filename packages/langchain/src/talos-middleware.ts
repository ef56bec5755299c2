/** The middleware of `createAgent`: guards what is not guarded yet, keeps tools of the provider out, and puts turns on record. @module */
import { TalosDeniedError } from '@talosprotocol/core/errors';
import { deniedError, type Guard } from '@talosprotocol/core/guard';
import type { BaseMessage } from '@langchain/core/messages';
import { ToolMessage, type ToolCall } from '@langchain/core/messages/tool';
import { AsyncLocalStorageProviderSingleton } from '@langchain/core/singletons';
import { isBubbleUp } from './ask-people.ts';
import type { Caller } from './caller.ts';
import { guardTool } from './guard-tool.ts';
import { refusalMessage } from './guarded-run.ts';
import { answerIn, recordingItself, recordTurn, type TurnIds } from './model-turn.ts';
import { agentNameOf, runIdOf, type Config } from './tool-call-of.ts';

export type MiddlewareOptions = {
  /** Differs where an agent has two guards: names of middleware are unique in an agent. Default `TalosMiddleware`. */
  readonly name?: string;
  /**
   * What becomes of an error of a tool. Beside any tool-call middleware LangChain lets it end the run; `message`, the default, hands it to the
   * model as LangChain does without. `throw` leaves it to a middleware around this one, which retries or words it.
   */
  readonly toolErrors?: 'message' | 'throw';
};

type Runtime = { readonly context?: unknown; readonly signal?: AbortSignal | undefined };
/** What is read of LangChain's own requests. Structural: `langchain` is an optional peer. */
export type ToolRequest = { readonly toolCall: ToolCall; readonly tool: unknown; readonly runtime: Runtime };
export type ModelRequestLike = {
  readonly model: unknown;
  readonly messages: readonly BaseMessage[];
  readonly tools: readonly unknown[];
  readonly runtime: Runtime;
};

/** An `AgentMiddleware`. */
export type TalosMiddleware = {
  readonly name: string;
  readonly wrapToolCall: <Request extends ToolRequest, Result>(
    request: Request,
    handler: (request: Request) => Result | Promise<Result>,
  ) => Promise<Result | ToolMessage>;
  readonly wrapModelCall: <Request extends ModelRequestLike, Result>(
    request: Request,
    handler: (request: Request) => Result | Promise<Result>,
  ) => Promise<Result>;
};

/** What `createMiddleware` marks its results with. */
const brand = /* @__PURE__ */ Symbol.for('AgentMiddleware');

/** No grant can name it, so the guard refuses and records it. */
const unresolvedName = '';

export function talosMiddleware(caller: Caller, { name = 'TalosMiddleware', toolErrors = 'message' }: MiddlewareOptions = {}): TalosMiddleware {
  const middleware: TalosMiddleware = {
    name,
    wrapToolCall: async (request, handler) => {
      const tool = guardedToolOf(caller, request.tool);
      if (tool === undefined) return refuseUnknown(caller.guardIn(request.runtime.context), request);
      try {
        return await handler(tool === request.tool ? request : { ...request, tool });
      } catch (error) {
        if (toolErrors === 'throw' && !TalosDeniedError.isInstance(error)) throw error;
        return messageOf(error, request);
      }
    },
    wrapModelCall: async (request, handler) => {
      const own = request.tools.filter((tool) => !runsAtProvider(tool));
      const stripped = request.tools.filter(runsAtProvider).map(nameOfProviderTool);
      const asked = stripped.length === 0 ? request : { ...request, tools: own };
      if (!caller.turns) return handler(asked);
      const guard = caller.guardIn(request.runtime.context);
      return recordingItself(guard, request.messages.at(-1), () => turn({ guard, request, stripped }, async () => handler(asked)));
    },
  };
  return Object.assign(middleware, { [brand]: true });
}

type Turn = { readonly guard: Guard; readonly request: ModelRequestLike; readonly stripped: readonly string[] };

async function turn<Result>({ guard, request, stripped }: Turn, ask: () => Promise<Result>): Promise<Result> {
  const shared = { ...idsOf(request), messages: request.messages, stripped };
  let response: Result;
  try {
    response = await ask();
  } catch (error) {
    // The model's error is what the caller has to see, also when the log fails too.
    await recordTurn(guard, { ...shared, answer: undefined }).catch(() => undefined);
    throw error;
  }
  await recordTurn(guard, { ...shared, answer: answerIn(response) });
  return response;
}

function idsOf({ model }: ModelRequestLike): TurnIds {
  const config = AsyncLocalStorageProviderSingleton.getRunnableConfig() as Config | undefined;
  return { runId: runIdOf(config), agentName: agentNameOf(config?.metadata), ...modelIds(model) };
}

/** Chat models keep their name in one of two places, and tell their provider by a method. */
export function modelIds(model: unknown): TurnIds {
  if (typeof model !== 'object' || model === null) return {};
  const name: unknown = Reflect.get(model, 'model') ?? Reflect.get(model, 'modelName');
  const type: unknown = Reflect.get(model, '_llmType');
  return {
    ...(typeof name === 'string' ? { model: name } : {}),
    ...(typeof type === 'function' ? { provider: String((type as (this: unknown) => unknown).call(model)) } : {}),
  };
}

/** `undefined`: not registered, or of a shape that cannot be guarded. */
function guardedToolOf(caller: Caller, tool: unknown): unknown {
  try {
    return tool === undefined ? undefined : guardTool(caller, tool);
  } catch {
    return undefined;
  }
}

/** Refused even where a grant names it: what would run is not known here. */
async function refuseUnknown(guard: Guard, { toolCall }: ToolRequest): Promise<ToolMessage> {
  const call = { tool: toolCall.name, input: toolCall.args, callId: toolCall.id ?? '', framework: 'langchain', ...callIds() };
  const named = await guard.check(call);
  const decision = named.allowed ? await guard.check({ ...call, tool: unresolvedName }) : named;
  // Only a guard that observes allows what no grant can name.
  if (decision.allowed) throw deniedError({ denied: true, code: 'TOOL_UNGRANTED', message: 'There is no such tool.', retryable: false });
  return refusalMessage({ call, refusal: decision.refusal, entryId: decision.entryId });
}

function callIds(): { readonly runId: string | undefined; readonly agentName: string | undefined } {
  const config = AsyncLocalStorageProviderSingleton.getRunnableConfig() as Config | undefined;
  return { runId: runIdOf(config), agentName: agentNameOf(config?.metadata) };
}

/** In LangChain's own words, so that an agent with this middleware reads the same as one without. */
function messageOf(error: unknown, { toolCall, runtime }: ToolRequest): ToolMessage {
  const aborted = runtime.signal?.aborted === true || (error instanceof Error && error.name === 'AbortError');
  if (isBubbleUp(error) || aborted) throw error;
  const isOwnWording = TalosDeniedError.isInstance(error) || (error instanceof Error && Reflect.get(error, '~brand') === 'ToolInvocationError');
  const content = isOwnWording ? error.message : `${String(error)}\n Please fix your mistakes.`;
  return new ToolMessage({ status: 'error', content, tool_call_id: toolCall.id ?? '', name: toolCall.name });
}

/** LangChain's own tools are objects with `invoke`; of plain ones only a bare function description is left to the caller to run. */
function runsAtProvider(tool: unknown): boolean {
  if (typeof tool !== 'object' || tool === null) return true;
  return typeof Reflect.get(tool, 'invoke') !== 'function' && Reflect.get(tool, 'type') !== 'function';
}

function nameOfProviderTool(tool: unknown): string {
  const names = typeof tool === 'object' && tool !== null ? ['name', 'type'].map((member) => Reflect.get(tool, member) as unknown) : [];
  return names.find((name) => typeof name === 'string') ?? '';
}
