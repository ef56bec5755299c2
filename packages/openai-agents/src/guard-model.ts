/** The model between the SDK and its provider: what would run at the provider is taken out, and each turn is put on record. @module */
import { UsageError } from '@talosprotocol/core/errors';
import type { Model, ModelRequest } from '@openai/agents';
import type { Guard } from '@talosprotocol/core/guard';

type Item = { readonly type?: unknown; readonly name?: unknown; readonly callId?: unknown };

export function guardModel({ guard, records }: { readonly guard: Guard; readonly records: boolean }, model: Model): Model {
  if (typeof model?.getResponse !== 'function') {
    throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: 'guard.model() takes a model, not its name: pass what the provider makes.' });
  }
  const record = async (request: ModelRequest, outcome: 'ok' | 'error' | 'cancelled', output?: readonly Item[]): Promise<void> => {
    if (!records) return;
    const calls = (output ?? []).filter(isCall).map(callOf);
    const stripped = request.tools.filter(({ type }) => type !== 'function').map(nameOf);
    await guard.record({ type: 'model.turn', framework: 'openai-agents', calls, stripped, outcome, input: request.input, output });
  };
  return Object.assign(Object.create(model) as Model, {
    getResponse: async (request: ModelRequest) => {
      // The provider's error is what the caller has to see, also when the log fails too.
      const failed = (): Promise<void> => record(request, 'error').catch(() => undefined);
      const response = await model.getResponse(own(request)).catch((error: unknown) => failed().then(() => Promise.reject(error as Error)));
      await record(request, 'ok', response.output);
      return response;
    },
    getStreamedResponse: async function* (request: ModelRequest) {
      let outcome: 'ok' | 'error' | 'cancelled' = 'cancelled';
      let output: readonly Item[] | undefined;
      try {
        for await (const event of model.getStreamedResponse(own(request))) {
          // Recorded before it is handed on: it is what the SDK acts on.
          if (event.type === 'response_done') await record(request, (outcome = 'ok'), (output = event.response.output));
          yield event;
        }
      } catch (error) {
        outcome = outcome === 'ok' ? 'ok' : 'error';
        throw error;
      } finally {
        if (output === undefined) await record(request, outcome).catch(() => undefined);
      }
    },
    ...(model.getRetryAdvice === undefined ? {} : { getRetryAdvice: model.getRetryAdvice.bind(model) }),
  });
}

function own(request: ModelRequest): ModelRequest {
  return { ...request, tools: request.tools.filter(({ type }) => type === 'function') };
}

function isCall({ type }: Item): boolean {
  return type === 'function_call' || type === 'hosted_tool_call';
}

function callOf({ type, name, callId }: Item) {
  return { tool: String(name), callId: typeof callId === 'string' ? callId : undefined, ...(type === 'hosted_tool_call' ? { atProvider: true } : {}) };
}

function nameOf(tool: object): string {
  const { name, type } = tool as { readonly name?: unknown; readonly type?: unknown };
  return String(name ?? type);
}
