/** The model between the SDK and its provider: what would run at the provider is taken out, and each turn is put on record. @module */
import { UsageError } from '@talosprotocol/core/errors';
import type { TurnCall } from '@talosprotocol/core/guard';
import { idsOf, type Caller } from './guard-execute.ts';

/** A language model of any version of the SDK, or the id of one. */
export type ModelLike = string | { readonly specificationVersion: string; readonly provider: string; readonly modelId: string };

type Part = { readonly type?: unknown; readonly toolName?: unknown; readonly toolCallId?: unknown; readonly providerExecuted?: unknown };
type Options = { readonly prompt?: unknown; readonly tools?: readonly { readonly type?: unknown; readonly name?: unknown }[] };
type Generated = { readonly content: readonly Part[] };
type Streamed = { readonly stream: ReadableStream<Part> };
type Model = Exclude<ModelLike, string> & {
  readonly supportedUrls: unknown;
  doGenerate(options: Options): PromiseLike<Generated>;
  doStream(options: Options): PromiseLike<Streamed>;
};

type Transformer = NonNullable<ConstructorParameters<typeof TransformStream<Part, Part>>[0]>;
type Guarding = { readonly caller: Caller; readonly records: boolean };
type Turn = { readonly request: Options; readonly stripped: readonly string[]; readonly model: Model };

export function guardModel<MODEL extends ModelLike>(guarding: Guarding, given: MODEL): MODEL {
  const model = knownModel(given);
  const guarded: Model = {
    specificationVersion: model.specificationVersion,
    provider: model.provider,
    modelId: model.modelId,
    get supportedUrls() {
      return model.supportedUrls;
    },
    doGenerate: async (options) => {
      const turn = turnOf(model, options);
      const result = await settled(guarding, turn, model.doGenerate(turn.request));
      await record(guarding, turn, { outcome: 'ok', content: result.content });
      return result;
    },
    doStream: async (options) => {
      const turn = turnOf(model, options);
      const result = await settled(guarding, turn, model.doStream(turn.request));
      return { ...result, stream: recorded(guarding, turn, result.stream) };
    },
  };
  return guarded as unknown as MODEL;
}

function knownModel(model: ModelLike): Model {
  const given = model as Partial<Model> | string | null;
  if (typeof given === 'object' && typeof given?.doGenerate === 'function' && typeof given.doStream === 'function') return given as Model;
  throw new UsageError({
    code: 'TALOS_USAGE_ARGUMENT',
    message: 'guard.model() takes a model, not its name: pass what the provider makes, such as gateway(name).',
  });
}

/** The request without what runs at the provider: `provider` in AI SDK 6 and 7, `provider-defined` before. */
function turnOf(model: Model, options: Options): Turn {
  const { tools } = options;
  if (tools === undefined) return { model, request: options, stripped: [] };
  const own = tools.filter(({ type }) => type === 'function');
  const stripped = tools.filter(({ type }) => type !== 'function').map(({ name }) => String(name));
  return { model, stripped, request: stripped.length === 0 ? options : { ...options, tools: own } };
}

async function settled<T>(guarding: Guarding, turn: Turn, result: PromiseLike<T>): Promise<T> {
  try {
    return await result;
  } catch (error) {
    // The provider's error is what the caller has to see, also when the log fails too.
    await record(guarding, turn, { outcome: 'error' }).catch(() => undefined);
    throw error;
  }
}

/** Hands on each part as it comes; the end of the stream waits for the record. */
function recorded(guarding: Guarding, turn: Turn, stream: ReadableStream<Part>): ReadableStream<Part> {
  const content: Part[] = [];
  const transformer: Transformer & { readonly cancel: () => Promise<void> } = {
    transform: (part, controller) => {
      content.push(part);
      controller.enqueue(part);
    },
    flush: () => record(guarding, turn, { outcome: content.some(({ type }) => type === 'error') ? 'error' : 'ok', content }),
    // Whoever stops reading has seen what came until then.
    cancel: () => record(guarding, turn, { outcome: 'cancelled', content }),
  };
  return stream.pipeThrough(new TransformStream(transformer));
}

type Ended = { readonly outcome: 'ok' | 'error' | 'cancelled'; readonly content?: readonly Part[] };

async function record({ caller, records }: Guarding, { model, request, stripped }: Turn, { outcome, content = [] }: Ended): Promise<void> {
  if (!records) return;
  await caller.guard.record({
    type: 'model.turn',
    ...idsOf(caller, undefined),
    model: model.modelId,
    provider: model.provider,
    calls: content.filter(({ type }) => type === 'tool-call').map(callOf),
    stripped,
    outcome,
    input: request.prompt,
    ...(outcome === 'error' ? {} : { output: content }),
  });
}

function callOf({ toolName, toolCallId, providerExecuted }: Part): TurnCall {
  return { tool: String(toolName), callId: String(toolCallId), ...(providerExecuted === true ? { atProvider: true } : {}) };
}
