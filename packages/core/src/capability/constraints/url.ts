/** `url`: an address on the web, read so narrowly that no two readers see two hosts in it (docs/spec/02 §6.11). @module */
import type { JsonValue } from '../../bytes/json-value.ts';
import { closedObject } from '../closed-object.ts';
import type { ConstraintKind } from '../constraint-kind.ts';
import { isPrivateHost } from './private-host.ts';

/**
 * `schemes`: `https` if not said. `hosts`: names, or `*.` before a name for those below it; any name if not said, but no IP address.
 * `ports`: the scheme's own if not said. `path_prefix`: whole segments. `no_private`: no name that means this machine or this network.
 */
export type UrlRule = {
  readonly schemes?: readonly string[];
  readonly hosts?: readonly string[];
  readonly ports?: readonly number[];
  readonly path_prefix?: string;
  readonly no_private?: true;
};

/** An absolute URL; of a list argument, every element. What a name resolves to and where a server redirects is the tool's duty. */
export function url(rule: UrlRule): { readonly url: UrlRule } {
  return { url: rule };
}

const members: ReadonlySet<string> = /* @__PURE__ */ new Set(['schemes', 'hosts', 'ports', 'path_prefix', 'no_private']);

/** Far above what servers take. */
const maxUrlLength = 2048;

/** RFC 3986 without user information, and nothing that a browser and a library correct in two ways: no backslash, no white space, no text beyond ASCII. */
const form = /^([a-z][a-z0-9+.-]*):\/\/([A-Za-z0-9.-]+)(?::([1-9]\d{0,4}))?(\/[^?#]*)?(\?[^#]*)?(#.*)?$/;
const plain = /^[!#$%&'()*+,./0-9:;=?@A-Z[\]_a-z~-]+$/;

const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
const hostName = /* @__PURE__ */ new RegExp(`^(?=.{1,253}$)(?:${label}\\.)*${label}$`);
/** A last label that begins with a digit makes a parser of the web think of an address: `127.1`, `0x7f.1`, `2130706433`. No name ends so. */
const numeric = /(?:^|\.)\d[^.]*$/;
const ipv4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.|$)){4}$/;

/** A percent sign that hides a dot, a slash, a backslash, NUL or a percent sign. */
const hiding = /%(?![0-9A-Fa-f]{2})|%(?:2e|2f|5c|00|25)/i;

export const defaultPorts: { readonly [scheme: string]: number } = { https: 443, http: 80, wss: 443, ws: 80 };

export type CompiledUrl = {
  readonly schemes: ReadonlySet<string>;
  readonly hosts: ReadonlySet<string> | undefined;
  readonly ports: ReadonlySet<number> | undefined;
  readonly path: readonly string[];
  readonly noPrivate: boolean;
};

export const urlKind: ConstraintKind = {
  whole: false,
  compile(rule) {
    const compiled = parseUrlRule(rule);
    return compiled === undefined ? undefined : (value) => typeof value === 'string' && isAllowed(value, compiled);
  },
};

/** Undefined if it is no rule. */
export function parseUrlRule(rule: JsonValue): CompiledUrl | undefined {
  const given = closedObject(rule, members);
  if (given === undefined) return undefined;
  const schemes = setOf(given['schemes'] ?? ['https'], isScheme);
  const hosts = setOf(given['hosts'], isHostRule);
  const ports = setOf(given['ports'], isPort);
  const path = parsePrefix(given['path_prefix'] ?? '/');
  const noPrivate = given['no_private'];
  if (schemes === undefined || path === undefined || (noPrivate !== undefined && noPrivate !== true)) return undefined;
  if (hosts === bad || ports === bad || schemes === bad) return undefined;
  return { schemes, hosts, ports, path, noPrivate: noPrivate === true };
}

const bad: ReadonlySet<never> = /* @__PURE__ */ new Set();

/** Undefined if it is not given, `bad` if it is no list of such elements. */
function setOf<T extends JsonValue>(value: JsonValue | undefined, is: (element: JsonValue) => element is T): ReadonlySet<T> | undefined {
  if (value === undefined) return undefined;
  return Array.isArray(value) && value.length > 0 && value.every(is) ? new Set(value) : bad;
}

function parsePrefix(prefix: JsonValue): readonly string[] | undefined {
  return typeof prefix === 'string' && plain.test(prefix) && !/[?#]/.test(prefix) ? parsePath(prefix) : undefined;
}

function isAllowed(text: string, rule: CompiledUrl): boolean {
  const read = splitUrl(text);
  if (read === undefined || !rule.schemes.has(read.scheme)) return false;
  const own = defaultPorts[read.scheme] as number;
  if (!isHostAllowed(read.host, rule) || !isPortAllowed(read.port ?? own, own, rule)) return false;
  const segments = parsePath(read.path);
  return segments !== undefined && rule.path.every((segment, i) => segments[i] === segment);
}

type UrlParts = { readonly scheme: string; readonly host: string; readonly port: number | undefined; readonly path: string };

function splitUrl(text: string): UrlParts | undefined {
  if (text.length > maxUrlLength || !plain.test(text)) return undefined;
  const [whole, scheme = '', host = '', port, path = '/'] = form.exec(text) ?? [];
  return whole === undefined ? undefined : { scheme, host: host.toLowerCase(), port: port === undefined ? undefined : Number(port), path };
}

function isPortAllowed(port: number, own: number, { ports }: CompiledUrl): boolean {
  return ports === undefined ? port === own : ports.has(port);
}

function isHostAllowed(host: string, { hosts, noPrivate }: CompiledUrl): boolean {
  if (!hostName.test(host) || (noPrivate && isPrivateHost(host))) return false;
  // An address counts only where it is named itself.
  if (numeric.test(host)) return ipv4.test(host) && hosts?.has(host) === true;
  return hosts === undefined || hosts.has(host) || isBelow(host, hosts);
}

/** `*.acme.com` is any name below acme.com, and not acme.com itself. */
export function isBelow(host: string, hosts: ReadonlySet<string>): boolean {
  for (let dot = host.indexOf('.'); dot !== -1; dot = host.indexOf('.', dot + 1)) if (hosts.has(`*${host.slice(dot)}`)) return true;
  return false;
}

/** Segments without the empty one that a last slash leaves. Undefined if a reader could fold it into another path. */
function parsePath(path: string): readonly string[] | undefined {
  if (!path.startsWith('/') || hiding.test(path)) return undefined;
  const segments = path.slice(1).split('/');
  if (segments.at(-1) === '') segments.pop();
  // Empty segments vanish in some servers, `;` begins parameters in others.
  return segments.some((segment) => segment === '' || /^\.{1,2}(?:;|$)/.test(segment)) ? undefined : segments;
}

function isScheme(value: JsonValue): value is string {
  return typeof value === 'string' && Object.hasOwn(defaultPorts, value);
}

function isHostRule(value: JsonValue): value is string {
  if (typeof value !== 'string') return false;
  const name = value.startsWith('*.') ? value.slice(2) : value;
  return hostName.test(name) && (numeric.test(name) ? name === value && ipv4.test(name) : true);
}

function isPort(value: JsonValue): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0 && (value as number) <= 65_535;
}

/** Whether a parser of the web would read an address, not a name. */
export function isNumericHost(host: string): boolean {
  return numeric.test(host);
}
