/** OpenTelemetry spans: one for each call that ended or was refused. It begins with the request, if that is near enough before. @module */
import { decodeBase64url } from '../bytes/base64url.ts';
import { encodeHex } from '../bytes/hex.ts';
import type { JsonObject } from '../bytes/json-value.ts';
import type { Entry } from '../audit/entry.ts';
import { policyMember, textMember, type ExportedLeaf } from './exported-leaf.ts';
import { attribute, envelope, leafAttributes, nanoseconds, openEnvelope, otlpPlace, traceId, type OtlpNames } from './otlp-value.ts';
import type { RecordFormat } from './record-format.ts';

const names: OtlpNames = { resources: 'resourceSpans', scopes: 'scopeSpans', records: 'spans' };

/**
 * A result is matched with a request at most so many entries before it, whether a file begins there or not: so every file has the same span of
 * one call, and memory has a bound.
 */
export const spanReach = 65_536;

const internal = 1;
const statusOk = 1;
const statusError = 2;

type Request = { readonly index: number; readonly time: string };

export function otlpSpansFormat(): RecordFormat {
  /** By leaf hash, oldest first. */
  const requests = new Map<string, Request>();
  return {
    record(leaf, size) {
      for (const [hash, { index }] of requests) {
        if (index >= leaf.index - spanReach) break;
        requests.delete(hash);
      }
      const { entry, index, leafHash } = leaf;
      if (entry.type === 'tool.request') requests.set(leafHash, { index, time: entry.time });
      if (entry.type === 'policy.decision') return spanOf(leaf, size, undefined);
      if (entry.type !== 'tool.result') return undefined;
      const intent = hexOf(entry['intent']);
      const request = requests.get(intent);
      requests.delete(intent);
      return spanOf(leaf, size, request);
    },
    write: (records) => (records.length === 0 ? '' : envelope(names, records)),
    read: (line) => openEnvelope(names, line),
    place: otlpPlace,
  };
}

function spanOf(leaf: ExportedLeaf, size: number, request: Request | undefined): JsonObject {
  const { entry, leafHash } = leaf;
  const trace = traceId(entry['trace_id'], 32);
  const parent = traceId(entry['span_id'], 16);
  const tool = textMember(entry, 'gen_ai.tool.name');
  return {
    // Ids follow from the leaf where the entry has none: every export of one log has the same.
    traceId: trace ?? leafHash.slice(0, 32),
    spanId: leafHash.slice(32, 48),
    ...(trace === undefined || parent === undefined ? {} : { parentSpanId: parent }),
    name: tool === undefined ? 'execute_tool' : `execute_tool ${tool}`,
    kind: internal,
    startTimeUnixNano: nanoseconds(startOf(entry, request)),
    endTimeUnixNano: nanoseconds(entry.time),
    attributes: [
      ...leafAttributes(leaf, size),
      ...Object.keys(entry)
        .filter((name) => /^(?:gen_ai|mcp|jsonrpc|error)\.[a-z0-9_.]{1,128}$/.test(name) && typeof entry[name] === 'string')
        .toSorted()
        .map((name) => attribute(name, entry[name] as string)),
      ...named('talos.agent', textMember(entry, 'agent')),
      ...named('talos.call', textMember(entry, 'call')),
      ...named('talos.policy.decision', policyMember(entry, 'decision')),
      ...named('talos.policy.code', policyMember(entry, 'code')),
      ...named('talos.outcome', textMember(entry, 'outcome')),
      ...(request === undefined ? [] : [attribute('talos.request.index', request.index)]),
    ],
    status: { code: entry['outcome'] === 'ok' ? statusOk : statusError },
  };
}

/** A span may not end before it begins, as it would after a clock that was set back. */
function startOf({ time }: Entry, request: Request | undefined): string {
  return request !== undefined && request.time < time ? request.time : time;
}

function named(key: string, value: string | undefined): JsonObject[] {
  return value === undefined ? [] : [attribute(key, value)];
}

function hexOf(intent: unknown): string {
  if (typeof intent !== 'string') return '';
  try {
    return encodeHex(decodeBase64url(intent));
  } catch {
    // Whatever it is, it is the hash of no request.
    return '';
  }
}
