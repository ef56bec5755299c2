/** A sub-agent's specification: middleware of the agent above does not reach it, so it gets a guard of its own. @module */
import { UsageError } from '@talosprotocol/core/errors';
import type { Caller } from './caller.ts';
import { guardTools, type GuardableTool } from './guard-tool.ts';
import { talosMiddleware, type MiddlewareOptions } from './talos-middleware.ts';

/** As `createDeepAgent` takes it in `subagents`. */
export type SubagentLike = { readonly name: string; readonly tools?: readonly unknown[] | undefined; readonly middleware?: readonly unknown[] | undefined };

/** @throws {@link UsageError} `TALOS_USAGE_ARGUMENT` for one that is compiled already: guard its tools where it is made. */
export function guardSubagent<Spec extends SubagentLike>(caller: Caller, spec: Spec, options?: MiddlewareOptions): Spec {
  if ('runnable' in spec || 'graphId' in spec)
    throw new UsageError({
      code: 'TALOS_USAGE_ARGUMENT',
      message: `The sub-agent ${JSON.stringify(spec.name)} is compiled or runs elsewhere: guard its tools and middleware where it is made.`,
    });
  const tools = spec.tools === undefined ? {} : { tools: guardTools(caller, spec.tools as readonly GuardableTool[]) };
  return { ...spec, ...tools, middleware: [...(spec.middleware ?? []), talosMiddleware(caller, options)] };
}
