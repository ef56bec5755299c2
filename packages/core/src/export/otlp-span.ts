/** OpenTelemetry spans: one for each call that ended or was refused. It begins with the request, if that is near enough before. @module */
import { decodeBase64url } from '../bytes/base64url.ts';
import { encodeHex } from '../bytes/hex.ts';
import { canonicalJson } from '../bytes/canonical-json.ts';
import type { Entry } from '../audit/entry.ts';
import { policyMember, textMember, type ExportedLeaf } from './exported-leaf.ts';
import { attribute, leafAttributes, nanoseconds, otlpLines, traceId } from './otlp-value.ts';
import type { RecordFormat } from './record-format.ts';

/**
 * A result is matched with a request at most so many entries before it, whether a file begins there or not: so every file has the same span of
 * one call, and memory has a bound.
 */
export const spanReach = 65_536;

/** A member that a convention names, and of the kind that it names. */
const conventional = /^(?:gen_ai|mcp|jsonrpc|error)\.[a-z0-9_.]{1,128}$/;

const internal = 1;
const statusOk = 1;
const statusError = 2;

type Request = { readonly index: number; readonly time: string };

export function otlpSpansFormat(): RecordFormat {
  /** By leaf hash, oldest first. */
  const requests = new Map<string, Request>();
  return otlpLines({
    names: { resources: 'resourceSpans', scopes: 'scopeSpans', records: 'spans' },
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
  });
}

function spanOf(leaf: ExportedLeaf, size: number, request: Request | undefined): string {
  const { entry, leafHash } = leaf;
  const trace = traceId(entry['trace_id'], 32);
  const parent = traceId(entry['span_id'], 16);
  const tool = textMember(entry, 'gen_ai.tool.name');
  // Ids follow from the leaf where the entry has none: every export of one log has the same.
  return (
    `{"traceId":"${trace ?? leafHash.slice(0, 32)}","spanId":"${leafHash.slice(32, 48)}"` +
    (trace === undefined || parent === undefined ? '' : `,"parentSpanId":"${parent}"`) +
    `,"name":${tool === undefined ? '"execute_tool"' : canonicalJson(`execute_tool ${tool}`)},"kind":${internal}` +
    `,"startTimeUnixNano":"${nanoseconds(startOf(entry, request))}","endTimeUnixNano":"${nanoseconds(entry.time)}"` +
    `,"attributes":[${leafAttributes(leaf, size)}${conventionalOf(entry)}` +
    named('talos.agent', textMember(entry, 'agent')) +
    named('talos.call', textMember(entry, 'call')) +
    named('talos.policy.decision', policyMember(entry, 'decision')) +
    named('talos.policy.code', policyMember(entry, 'code')) +
    named('talos.outcome', textMember(entry, 'outcome')) +
    named('talos.request.index', request?.index) +
    `],"status":{"code":${entry['outcome'] === 'ok' ? statusOk : statusError}}}`
  );
}

function conventionalOf(entry: Entry): string {
  const names = Object.keys(entry).filter((name) => conventional.test(name) && typeof entry[name] === 'string');
  return names
    .toSorted()
    .map((name) => named(name, entry[name] as string))
    .join('');
}

/** A span may not end before it begins, as it would after a clock that was set back. */
function startOf({ time }: Entry, request: Request | undefined): string {
  return request !== undefined && request.time < time ? request.time : time;
}

/** Behind other attributes, so with a comma. */
function named(key: string, value: string | number | undefined): string {
  return value === undefined ? '' : `,${attribute(key, value)}`;
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
