/** Values of OTLP as its JSON encoding writes them: 64-bit integers as text, ids in hex. @module */
import type { JsonObject, JsonValue } from '../bytes/json-value.ts';
import type { Entry } from '../audit/entry.ts';
import { countOf, isObject, placeOf, readJson, type RowPlace } from './record-format.ts';
import type { ExportedLeaf } from './exported-leaf.ts';

/** Names that OpenTelemetry gave keep their own; all else is Talos's, below a name that no entry can take. */
const conventional = /^(?:gen_ai|mcp|jsonrpc|error|server)\.[a-z0-9_.]{1,128}$/;

export function attribute(key: string, value: JsonValue): JsonObject {
  return { key, value: anyValue(value) };
}

function anyValue(value: JsonValue): JsonObject {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number') return { intValue: String(value) };
  if (Array.isArray(value)) return { arrayValue: { values: (value as readonly JsonValue[]).map(anyValue) } };
  return { kvlistValue: { values: Object.entries(value as JsonObject).map(([name, member]) => attribute(name, member as JsonValue)) } };
}

/** Each member once: a conventional name cannot collide with `talos.entry.…`. */
export function entryAttributes(entry: Entry): JsonObject[] {
  return Object.keys(entry)
    .toSorted()
    .map((name) => attribute(conventional.test(name) ? name : `talos.entry.${name}`, entry[name] as JsonValue));
}

export function leafAttributes({ origin, index, leafHash }: ExportedLeaf, size: number): JsonObject[] {
  return [
    attribute('talos.leaf.origin', origin),
    attribute('talos.leaf.index', index),
    attribute('talos.leaf.hash', leafHash),
    attribute('talos.leaf.checkpoint', size),
  ];
}

/** As OTLP text. Negative times cannot be written: before 1970 there are no logs. */
export function nanoseconds(time: string): string {
  return `${Math.max(0, Date.parse(time))}000000`;
}

/** W3C ids of an entry, if they are any: hex of the right length and not all zero. */
export function traceId(value: unknown, length: 32 | 16): string | undefined {
  return typeof value === 'string' && value.length === length && /^[0-9a-f]+$/.test(value) && !/^0+$/.test(value) ? value : undefined;
}

/** One request that holds all the records: many of them share resource and scope. */
export function envelope(names: OtlpNames, records: readonly JsonObject[]): string {
  return `${JSON.stringify({ [names.resources]: [{ resource, [names.scopes]: [{ scope, [names.records]: records }] }] })}\n`;
}

export type OtlpNames = { readonly resources: string; readonly scopes: string; readonly records: string };

const resource = { attributes: [attribute('service.name', 'talos')] };
const scope = { name: '@talosprotocol/core' };

/** Opens what a collector may have packed otherwise, and refuses what it may not have added. @throws {@link EncodingError}. */
export function openEnvelope(names: OtlpNames, line: string): JsonObject[] {
  const request = readJson(line);
  return objectsOf(request, names.resources).flatMap((each) => objectsOf(each, names.scopes).flatMap((inner) => objectsOf(inner, names.records)));
}

function objectsOf(holder: JsonObject, name: string): JsonObject[] {
  const list = holder[name];
  // What is no list of objects stands as a row of its own, which is in no log.
  return Array.isArray(list) ? (list as readonly JsonValue[]).map((each) => (isObject(each) ? each : {})) : [{}];
}

export function otlpPlace({ attributes }: JsonObject): RowPlace | undefined {
  const [origin, index, size] = ['origin', 'index', 'checkpoint'].map((name) => valueOf(attributes, `talos.leaf.${name}`));
  return placeOf(origin?.['stringValue'], countOf(index?.['intValue']), countOf(size?.['intValue']));
}

function valueOf(attributes: JsonValue | undefined, key: string): JsonObject | undefined {
  if (!Array.isArray(attributes)) return undefined;
  const found = (attributes as readonly JsonValue[]).find((each) => isObject(each) && each['key'] === key) as JsonObject | undefined;
  return found !== undefined && isObject(found['value']) ? found['value'] : undefined;
}
