/** A call of a tool that is not guarded itself, as callbacks tell of it: its start and its end. @module */
import type { Denied, Guard, ToolCall } from '@talosprotocol/core/guard';

export type UnguardedCall = {
  /** Settles when the call may start, with the refusal if it may not. */
  readonly begun: Promise<Denied | undefined>;
  /** Resolves when the end is on record. */
  readonly finish: (output: unknown) => Promise<void>;
  readonly fail: (error: unknown, how: 'error' | 'cancelled') => Promise<void>;
};

/** Two handlers of one guard hear of one call: it is one call. */
const openCalls = /* @__PURE__ */ new WeakMap<Guard, Map<string, UnguardedCall>>();

function openOf(guard: Guard): Map<string, UnguardedCall> {
  const open = openCalls.get(guard) ?? new Map<string, UnguardedCall>();
  openCalls.set(guard, open);
  return open;
}

/** @param id - LangChain's id of this very run of the tool. */
export function beginCall(guard: Guard, id: string, call: () => ToolCall): UnguardedCall {
  const open = openOf(guard);
  const known = open.get(id);
  if (known !== undefined) return known;
  const begun = begin(guard, call());
  open.set(id, begun);
  return begun;
}

/** The call that ends now. */
export function takeCall(guard: Guard, id: string): UnguardedCall | undefined {
  const open = openOf(guard);
  const call = open.get(id);
  open.delete(id);
  return call;
}

/** The guard's run stays open while LangChain runs the tool: request, limits and result are those of any call. */
function begin(guard: Guard, call: ToolCall): UnguardedCall {
  const stop = new AbortController();
  let start: () => void = () => undefined;
  let settle: { resolve: (value: unknown) => void; reject: (error: unknown) => void } = { resolve: () => undefined, reject: () => undefined };
  const started = new Promise<undefined>((resolve) => (start = () => resolve(undefined)));
  const tool = new Promise<unknown>((resolve, reject) => (settle = { resolve, reject }));
  const result = guard.run({ ...call, signal: stop.signal }, () => {
    start();
    return tool;
  });
  return {
    begun: Promise.race([started, result.then((ended) => (ended.status === 'denied' ? ended : undefined))]),
    finish: async (output) => {
      settle.resolve(output);
      await result;
    },
    fail: async (error, how) => {
      if (how === 'cancelled') stop.abort();
      settle.reject(error);
      await result;
    },
  };
}
