/** Values of OTLP as its JSON encoding writes them: 64-bit integers as text, ids in hex. @module */
import { canonicalJson } from '../bytes/canonical-json.ts';
import type { JsonObject, JsonValue } from '../bytes/json-value.ts';
import type { Entry } from '../audit/entry.ts';
import { countOf, isObject, placeOf, readJson, type RecordFormat, type RowPlace } from './record-format.ts';
import type { ExportedLeaf } from './exported-leaf.ts';

/** Names that OpenTelemetry gave keep their own; all else is Talos's, below a name that no entry can take. */
const conventional = /^(?:gen_ai|mcp|jsonrpc|error|server)\.[a-z0-9_.]{1,128}$/;

export function attribute(key: string, value: JsonValue): string {
  return `{"key":${canonicalJson(key)},"value":${anyValue(value)}}`;
}

function anyValue(value: JsonValue): string {
  if (typeof value === 'string') return `{"stringValue":${canonicalJson(value)}}`;
  if (typeof value === 'boolean') return `{"boolValue":${value}}`;
  if (typeof value === 'number') return `{"intValue":"${value}"}`;
  if (Array.isArray(value)) return `{"arrayValue":{"values":[${(value as readonly JsonValue[]).map(anyValue).join(',')}]}}`;
  const members = Object.entries(value as JsonObject).map(([name, member]) => attribute(name, member as JsonValue));
  return `{"kvlistValue":{"values":[${members.join(',')}]}}`;
}

/** Each member once: a conventional name cannot collide with `talos.entry.…`. Behind those of the leaf, so each begins with a comma. */
export function entryAttributes(entry: Entry, begin: (name: string) => string): string {
  let text = '';
  for (const name of inOrder(Object.keys(entry))) text += `${begin(name)}${anyValue(entry[name] as JsonValue)}}`;
  return text;
}

/** A log has few names of members, each in every entry; more than these are made anew each time. */
const maxNames = 1000;

/** The attribute of a member up to its value, kept for the next entry. */
export function attributeNames(): (name: string) => string {
  const kept = new Map<string, string>();
  return (name) => {
    const known = kept.get(name);
    if (known !== undefined) return known;
    const text = `,{"key":${canonicalJson(conventional.test(name) ? name : `talos.entry.${name}`)},"value":`;
    if (kept.size < maxNames) kept.set(name, text);
    return text;
  };
}

/** Most entries are written in order; a name that is an index comes first whatever was written. */
function inOrder(names: readonly string[]): readonly string[] {
  return names.every((name, i) => i === 0 || (names[i - 1] as string) < name) ? names : names.toSorted();
}

export function leafAttributes({ origin, index, leafHash }: ExportedLeaf, size: number): string {
  return (
    `{"key":"talos.leaf.origin","value":{"stringValue":${canonicalJson(origin)}}},{"key":"talos.leaf.index","value":{"intValue":"${index}"}},` +
    `{"key":"talos.leaf.hash","value":{"stringValue":"${leafHash}"}},{"key":"talos.leaf.checkpoint","value":{"intValue":"${size}"}}`
  );
}

/** As OTLP text. Negative times cannot be written: before 1970 there are no logs. */
export function nanoseconds(time: string): string {
  return `${Math.max(0, Date.parse(time))}000000`;
}

/** W3C ids of an entry, if they are any: hex of the right length and not all zero. */
export function traceId(value: unknown, length: 32 | 16): string | undefined {
  return typeof value === 'string' && value.length === length && /^[0-9a-f]+$/.test(value) && !/^0+$/.test(value) ? value : undefined;
}

export type OtlpNames = { readonly resources: string; readonly scopes: string; readonly records: string };

const resource = `{"attributes":[${attribute('service.name', 'talos')}]}`;
const scope = '{"name":"@talosprotocol/core"}';

/** One request on a line, with the records of up to 256 entries: they share resource and scope. */
export function otlpLines({ names, record }: Pick<RecordFormat, 'record'> & { readonly names: OtlpNames }): RecordFormat {
  const { resources, scopes, records } = names;
  const head = `{"${resources}":[{"resource":${resource},"${scopes}":[{"scope":${scope},"${records}":[`;
  return {
    record,
    write: (all) => `${head}${all.join(',')}]}]}]}\n`,
    read: (line) => openEnvelope(names, line),
    canonical: (text) => canonicalJson(JSON.parse(text) as JsonValue),
    place: otlpPlace,
  };
}

/** Opens what a collector may have packed otherwise, and refuses what it may not have added. @throws {@link EncodingError}. */
function openEnvelope(names: OtlpNames, line: string): JsonObject[] {
  const request = readJson(line);
  return objectsOf(request, names.resources).flatMap((each) => objectsOf(each, names.scopes).flatMap((inner) => objectsOf(inner, names.records)));
}

function objectsOf(holder: JsonObject, name: string): JsonObject[] {
  const list = holder[name];
  // What is no list of objects stands as a row of its own, which is in no log.
  return Array.isArray(list) ? (list as readonly JsonValue[]).map((each) => (isObject(each) ? each : {})) : [{}];
}

function otlpPlace({ attributes }: JsonObject): RowPlace | undefined {
  const [origin, index, size] = ['origin', 'index', 'checkpoint'].map((name) => valueOf(attributes, `talos.leaf.${name}`));
  return placeOf(origin?.['stringValue'], countOf(index?.['intValue']), countOf(size?.['intValue']));
}

function valueOf(attributes: JsonValue | undefined, key: string): JsonObject | undefined {
  if (!Array.isArray(attributes)) return undefined;
  const found = (attributes as readonly JsonValue[]).find((each) => isObject(each) && each['key'] === key) as JsonObject | undefined;
  return found !== undefined && isObject(found['value']) ? found['value'] : undefined;
}
