/** `email`: one mailbox at one of some domains (docs/spec/02 §6.7). @module */
import type { JsonValue } from '../../bytes/json-value.ts';
import { closedObject } from '../closed-object.ts';
import type { ConstraintKind } from '../constraint-kind.ts';

/** Domains in lower-case ASCII, punycode where needed; matched whole, so a subdomain is another domain. */
export type EmailRule = { readonly domains: readonly string[] };

/** A bare address at one of these domains; of a list argument, every element. */
export function email(rule: EmailRule): { readonly email: EmailRule } {
  return { email: rule };
}

const members: ReadonlySet<string> = /* @__PURE__ */ new Set(['domains']);

/**
 * Narrower than RFC 5322 on purpose: what mailers read differently is refused. No display name, comment, quoted part or second `@`;
 * no `%` or `!` (source routes), no leading `-` (an option to sendmail), ASCII only, so that U+212A never folds to `k`.
 */
const address = /^[A-Za-z0-9_+=&'](?:[A-Za-z0-9_+=&'-]|\.(?!\.|@))*@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/;

/** RFC 5321 §4.5.3.1: 254 for the path, 64 for the part before the `@`. */
const maxAddressLength = 254;
const maxLocalLength = 64;

/** Lower-case letters, digits and hyphens in labels of 1 to 63 (RFC 1035 §2.3.1), at least two of them. */
const domainName = /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

export const emailKind: ConstraintKind = {
  whole: false,
  compile(rule) {
    const domains = closedObject(rule, members)?.['domains'];
    if (!Array.isArray(domains) || !domains.every(isDomain)) return undefined;
    const allowed: ReadonlySet<string> = new Set(domains);
    return (value) => typeof value === 'string' && isAt(value, allowed);
  },
};

function isDomain(value: JsonValue): value is string {
  return typeof value === 'string' && domainName.test(value);
}

function isAt(text: string, domains: ReadonlySet<string>): boolean {
  if (text.length > maxAddressLength || !address.test(text)) return false;
  const at = text.indexOf('@');
  return at <= maxLocalLength && domains.has(text.slice(at + 1).toLowerCase());
}
