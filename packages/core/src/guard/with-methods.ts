/**
 * The same object with these methods in the place of its own. The others keep their `this`: private members are not reached through another object.
 * For what an adapter hands back where a framework's own object was.
 */
export function withMethods<T extends object>(target: T, methods: { readonly [name: string]: unknown }): T {
  return new Proxy(target, {
    get: (own, name) => {
      if (Object.hasOwn(methods, name)) return methods[name as string];
      const value: unknown = Reflect.get(own, name, own);
      return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(own) : value;
    },
  });
}
