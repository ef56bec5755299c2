/** One call of a tool, in the same form whichever framework makes it. @module */
import type { JsonObject } from '../bytes/json-value.ts';
import { deny, type Denial } from '../capability/denial.ts';
import { copyPlainObject } from './plain-json.ts';

export type ToolCall = {
  /** The tool's name, as the capability names it. */
  readonly tool: string;
  /** What the tool will receive: after the framework's schema has filled defaults and coerced. */
  readonly input: unknown;
  /** SHA-256 of the tool's definition as it is now (`toolDigest`), for grants that pin it: without it those refuse. */
  readonly toolDigest?: string | undefined;
  /** The framework's ids. Made up by models and repeated across runs: recorded, never trusted. */
  readonly callId?: string | undefined;
  readonly runId?: string | undefined;
  /** Whom the call leaves for, where that one signs no receipts: an MCP server's name, an agent's DID. Recorded, never trusted. */
  readonly peer?: string | undefined;
  readonly agentName?: string | undefined;
  /** `langchain`, `mastra`, `openai-agents`, `vercel-ai`. */
  readonly framework?: string | undefined;
  readonly signal?: AbortSignal | undefined;
};

/** A call whose input is our own copy. */
export type CopiedCall = Omit<ToolCall, 'input'> & { readonly input: JsonObject };

export function copyToolCall(call: ToolCall): { readonly call: CopiedCall; readonly denied?: undefined } | { readonly denied: Denial } {
  const result = copyPlainObject(call.input);
  if ('copy' in result) return { call: { ...call, input: result.copy } };
  return { denied: deny('ARG_VIOLATES', { arg: result.notPlain.path, constraint: 'plain-json' }) };
}
