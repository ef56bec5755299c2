/** Why one grant does not allow one call. Off the hot path: runs once a call is refused. @module */
import type { JsonObject } from '../bytes/json-value.ts';
import type { CompiledGrant } from './compile.ts';
import type { ReachedCode } from './denial.ts';

export type GrantFault = {
  readonly code: ReachedCode;
  readonly details: { readonly grant: number; readonly arg?: string; readonly constraint?: string };
  /** How many arguments are at fault: how far this grant is from the call. */
  readonly faults: number;
};

/**
 * The first fault in the fixed order: arguments too many, arguments too few, values. The first says only what the caller itself sent,
 * the last is the only one that says anything about a value.
 */
export function explainGrant({ args, open, index: grant }: CompiledGrant, input: JsonObject): GrantFault {
  const unlisted: Omit<GrantFault, 'faults'>[] = [];
  const missing: typeof unlisted = [];
  const violating: typeof unlisted = [];
  const names: unknown[] = args.map(({ name }) => name);
  for (const name of open ? [] : Reflect.ownKeys(input)) {
    if (!names.includes(name)) unlisted.push({ code: 'ARG_UNLISTED', details: { grant, arg: String(name) } });
  }
  for (const { name: arg, optional, parts } of args) {
    const property = Object.getOwnPropertyDescriptor(input, arg);
    if (property === undefined) {
      if (!optional) missing.push({ code: 'ARG_MISSING', details: { grant, arg } });
      continue;
    }
    const { value } = property as { value?: unknown };
    const constraint = value === undefined ? 'type' : parts.find(({ check }) => !check(value))?.kind;
    if (constraint !== undefined) violating.push({ code: 'ARG_VIOLATES', details: { grant, arg, constraint } });
  }
  const faults = [...unlisted, ...missing, ...violating];
  return { ...(faults[0] ?? { code: 'ARG_VIOLATES', details: { grant } }), faults: faults.length };
}
