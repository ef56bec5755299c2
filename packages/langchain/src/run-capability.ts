/** A capability on its way through a run's context, which LangChain hands to tools and, with a model's options, to tracers. @module */

/** Stands for a capability and shows nothing of it: printed, serialised or copied it is empty. */
export type RunCapability = { readonly toJSON: () => string };

const tokens = /* @__PURE__ */ new WeakMap<object, string>();

/** Beside a prototype that redacts there is nothing in it: a tracer that copies its members copies none. */
class Holder {
  toJSON(): string {
    return '(capability)';
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '(capability)';
  }
}

export function holdCapability(token: string): RunCapability {
  const holder = Object.freeze(new Holder());
  tokens.set(holder, token);
  return holder;
}

/** Under `talos` in the context of a run. A token as text is not read: it would stand in every trace of the run. */
export function capabilityIn(context: unknown): string | undefined {
  const holder: unknown = typeof context === 'object' && context !== null ? Reflect.get(context, 'talos') : undefined;
  return typeof holder === 'object' && holder !== null ? tokens.get(holder) : undefined;
}
