import type { CompiledArgs } from './constraint-kind.ts';

/** Whether an object satisfies. The hot path: no allocation of ours, own data properties only, each value read once. */
export function allowsArgs({ args, open }: CompiledArgs, input: object): boolean {
  let present = 0;
  for (let i = 0; i < args.length; i++) {
    const { name, optional, parts } = args[i] as (typeof args)[number];
    const property = Object.getOwnPropertyDescriptor(input, name);
    if (property === undefined) {
      if (!optional) return false;
      continue;
    }
    present++;
    const value: unknown = property.value;
    // An accessor has no value, and JSON has no undefined.
    if (value === undefined) return false;
    for (let j = 0; j < parts.length; j++) if (!(parts[j] as (typeof parts)[number]).check(value)) return false;
  }
  // Closed world: as many own properties as named ones that are there. Symbols and hidden ones count, since a tool could read them.
  return open || present === Reflect.ownKeys(input).length;
}
