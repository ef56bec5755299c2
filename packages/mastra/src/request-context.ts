/** What the middleware leaves in Mastra's request context, and why it can be believed there. @module */

/** Anyone who can post JSON can set keys of the request context; the middleware drops all of these first. */
const keyPrefix = 'talos';

export const requestContextKeys = {
  /** The `TalosGuard` of the server, for tools that are made per request. */
  guard: 'talos__guard',
  /** One id for all calls of one HTTP request. */
  runId: 'talos__runId',
  /** The DID of the agent that signed the request, where `middleware({ signed })` verified it. */
  caller: 'talos__caller',
} as const;

/** A symbol: no JSON body can bring it, and neither can a request context that was stored and loaded again. */
export const carriedBrand = Symbol.for('org.talosprotocol/mastra-guard');

export interface RequestContextLike {
  get(key: string): unknown;
  set(key: string, value: unknown): void;
  delete(key: string): unknown;
  keys(): Iterable<string>;
}

/** Over whatever the caller sent. */
export function carry(context: RequestContextLike, carried: { readonly guard: object; readonly runId: string }): void {
  for (const key of context.keys()) if (key.toLowerCase().startsWith(keyPrefix)) context.delete(key);
  context.set(requestContextKeys.guard, carried.guard);
  context.set(requestContextKeys.runId, carried.runId);
}

/** Once it is proved. */
export function carryCaller(context: RequestContextLike, did: string): void {
  context.set(requestContextKeys.caller, did);
}

/** The run id, only if the middleware set it: beside it stands the guard, which a caller cannot send. */
export function carriedRunId(context: unknown): unknown {
  if (!isRequestContext(context)) return undefined;
  const guard = context.get(requestContextKeys.guard);
  return typeof guard === 'object' && guard !== null && carriedBrand in guard ? context.get(requestContextKeys.runId) : undefined;
}

export function isRequestContext(value: unknown): value is RequestContextLike {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Partial<RequestContextLike>).get === 'function' &&
    typeof (value as Partial<RequestContextLike>).keys === 'function'
  );
}
