/**
 * Which run a call belongs to. The SDK tells a tool its call's id and nothing of the run, and call ids are made up by models. `guard.telemetry()`
 * brings the SDK's own id; without it a run is known by the last message that was put to it, which the SDK hands to every tool of that run.
 * @module
 */

/** One run as the SDK knows it. */
type Run = { readonly runId: string };

interface Storage {
  run<T>(run: Run, execute: () => T): T;
  getStore(): Run | undefined;
}

export interface Runs {
  /** The id of the run that a tool or model is called in. A model is handed copies of the messages, so its run is known by telemetry alone. */
  idOf(messages: unknown): string | undefined;
  /** Everything below `execute` belongs to the SDK's run of this id. */
  within<T>(runId: string, execute: () => T): T;
}

export function trackRuns(): Runs {
  const storage = asyncStorage();
  const runOfMessage = new WeakMap<object, string>();
  const byMessage = (message: object): string => {
    const known = runOfMessage.get(message) ?? crypto.randomUUID();
    runOfMessage.set(message, known);
    return known;
  };
  return {
    idOf: (messages) => {
      const current = storage?.getStore()?.runId;
      const message = current === undefined ? lastGiven(messages) : undefined;
      return message === undefined ? current : byMessage(message);
    },
    within: (runId, execute) => (storage === undefined ? execute() : storage.run({ runId }, execute)),
  };
}

/** The last message that no model and no tool wrote: what a run adds comes after it, and a new run brings a new one. */
function lastGiven(messages: unknown): object | undefined {
  if (!Array.isArray(messages)) return undefined;
  for (let i = messages.length - 1; i >= 0; i--) {
    const message: unknown = messages[i];
    if (typeof message !== 'object' || message === null) return undefined;
    const { role } = message as { readonly role?: unknown };
    if (role !== 'assistant' && role !== 'tool') return message;
  }
  return undefined;
}

/** Where the platform has one: Node, Bun, Deno and Workers do. */
function asyncStorage(): Storage | undefined {
  const platform = globalThis as { readonly process?: { readonly getBuiltinModule?: (id: string) => unknown } };
  const hooks = platform.process?.getBuiltinModule?.('node:async_hooks') as { readonly AsyncLocalStorage?: new () => Storage } | undefined;
  return hooks?.AsyncLocalStorage === undefined ? undefined : new hooks.AsyncLocalStorage();
}
