/** A tool, in the form that no framework has and all understand. @module */
import type { JsonObject, JsonValue } from '../bytes/json-value.ts';
import type { Grant } from '../capability/reserve.ts';
import { toolDigest, type ToolDefinition } from '../capability/tool-digest.ts';
import { isToolName } from '../capability/tool-name.ts';
import { isExactJson } from '../bytes/strict-json.ts';
import { RemoteError } from '../errors/remote-error.ts';
import type { AgentId } from '../identity/agent-id.ts';
import { maxDescriptionLength, maxSchemaBytes } from './bounds.ts';
import { byteLength } from './remote-value.ts';

/** What a served tool knows of its call. `signal` aborts when the caller cancels, at the deadline, and when the capability is revoked. */
export type ServedCall = { readonly signal: AbortSignal; readonly grant: Grant; readonly caller: AgentId; readonly callId: string };

/** A tool of this agent. What `execute` gives is plain JSON, or an async iterable of plain JSON: that is a stream. */
export type ServedTool = ToolDefinition & {
  readonly execute: (input: JsonObject, call: ServedCall) => unknown;
};

/** What a peer says of a tool. */
export type DescribedTool = ToolDefinition & {
  /** SHA-256 of the definition, hexadecimal: what a grant pins by `tool_digest`. */
  readonly toolDigest: string;
};

/** @throws {@link RemoteError} `TALOS_REMOTE_BAD_TOOL`. */
export function checkDefinition({ name, description, inputSchema }: ToolDefinition): DescribedTool {
  const bad = (reason: string): RemoteError => new RemoteError({ code: 'TALOS_REMOTE_BAD_TOOL', message: `this is no tool to be called from afar: ${reason}` });
  if (typeof name !== 'string' || !isToolName(name)) throw bad('its name is not a name of a capability');
  if (typeof description !== 'string' || description.length > maxDescriptionLength) throw bad(`its description has at most ${maxDescriptionLength} characters`);
  let bytes: number;
  let isExact: boolean;
  try {
    bytes = byteLength(inputSchema);
    isExact = isExactJson(inputSchema);
  } catch {
    throw bad('its inputSchema is not plain JSON');
  }
  if (bytes > maxSchemaBytes) throw bad(`its inputSchema has at most ${maxSchemaBytes} bytes`);
  // No peer could read the description that it is in.
  if (!isExact) throw bad('its inputSchema holds an integer beyond 2^53 - 1');
  return { name, description, inputSchema, toolDigest: toolDigest({ name, description, inputSchema }) };
}

export function isAsyncIterable(value: unknown): value is AsyncIterable<JsonValue> {
  return typeof value === 'object' && value !== null && typeof (value as { readonly [Symbol.asyncIterator]?: unknown })[Symbol.asyncIterator] === 'function';
}
