/**
 * What the tool will really receive. A Mastra tool validates inside its own `execute`, after any wrapper: defaults, coercions and stripped
 * members would come after the decision. A caller who leaves out `limit` must not be checked without it and run with the default.
 * @module
 */
import { UsageError } from '@talosprotocol/core/errors';
import { createTool } from '@mastra/core/tools';
import type { ToolShape } from './tool-shape.ts';

export type InputRule = {
  /** The input as Mastra's own validation leaves it, or what Mastra returns in place of a result when it does not fit. */
  readonly resolve: (input: unknown, context: unknown) => Promise<{ readonly input: unknown } | { readonly invalid: unknown }>;
  /** Ends the call unless the tool's second validation leaves the decided input as it is. @throws {@link UsageError} `TALOS_USAGE_UNKNOWN_TOOL` */
  readonly confirm: (granted: unknown, context: unknown) => Promise<void>;
};

type Resuming = { readonly resumeData?: unknown; readonly agent?: { readonly resumeData?: unknown }; readonly workflow?: { readonly resumeData?: unknown } };

class Valid {
  readonly data: unknown;
  constructor(data: unknown) {
    this.data = data;
  }
}

/** An AI SDK tool does not validate in `execute`: what comes in is what runs. */
const asGiven: InputRule = { resolve: async (input) => ({ input }), confirm: async () => {} };

export function effectiveInput({ name, tool, validates }: { readonly name: string; readonly tool: ToolShape; readonly validates: boolean }): InputRule {
  if (!validates || tool.inputSchema === undefined) return asGiven;
  const validate = mastraValidation(tool);
  return {
    resolve: async (input, context) => {
      const result = await validate(input);
      if (result instanceof Valid) return { input: result.data };
      return isResuming(context) ? { input } : { invalid: result };
    },
    confirm: async (granted, context) => {
      const result = await validate(granted);
      const runsAsDecided = result instanceof Valid ? isSameJson(result.data, granted) : isResuming(context);
      if (!runsAsDecided) {
        throw new UsageError({
          code: 'TALOS_USAGE_UNKNOWN_TOOL',
          message: `The input schema of "${name}" changes its own output, so what is checked is not what would run: transform inside execute instead.`,
        });
      }
    },
  };
}

/** Mastra's validation by Mastra itself: it also repairs model output (JSON in strings, nulls), and a copy of those rules would drift. */
function mastraValidation(tool: ToolShape): (input: unknown) => Promise<unknown> {
  const probe = createTool({ id: String(tool.id), description: '', inputSchema: tool.inputSchema as never, execute: async (data: unknown) => new Valid(data) });
  const execute = probe.execute as unknown as (input: unknown) => Promise<unknown>;
  return (input) => execute(input);
}

/** Mastra may run the input of a call that it resumes as it is, fit or not; which ones differs by version. What does not fit then runs unchanged or not at all. */
function isResuming(given: unknown): boolean {
  if (typeof given !== 'object' || given === null) return false;
  const context = given as Resuming;
  return (context.resumeData ?? context.agent?.resumeData ?? context.workflow?.resumeData ?? null) !== null;
}

/** Equal as JSON: members in any order, `undefined` ones absent. */
function isSameJson(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null || Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [present(a), present(b)];
  return left.length === right.length && left.every(([name, value]) => Object.hasOwn(b, name) && isSameJson(value, (b as Record<string, unknown>)[name]));
}

function present(value: object): [string, unknown][] {
  return Object.entries(value).filter(([, member]) => member !== undefined);
}
