/** What a token says, for a person: nothing is verified, and nothing is decided by it (docs/spec/02 §11). @module */
import type { CapabilityClaims, ToolGrant } from './capability.ts';
import { clockSkewSeconds } from './bounds.ts';
import type { Constraint } from './constraint.ts';
import { importHolder } from './issuer-keys.ts';
import { parseLink, type ParsedLink } from './parsed-link.ts';
import { orInvalid } from './sign-token.ts';
import { splitChain } from './token.ts';
import { compileAllGrants } from './vocabulary.ts';

export type InspectedLink = {
  /** Who made this link: the root issuer, or the holder of the link above. */
  readonly from: string;
  /** DID of the key that holds it. */
  readonly to: string;
  readonly audience: readonly string[];
  /** ISO 8601, UTC. */
  readonly notBefore: string;
  readonly expires: string;
  /** How often its holder may still pass it on. */
  readonly delegations: number;
  readonly purpose?: string;
  readonly task?: string;
  /** One line for each grant. */
  readonly grants: readonly string[];
  /** What this link gave up of the one above it, one line each; empty at the root. */
  readonly narrowed: readonly string[];
};

export type Inspection = {
  readonly issuer: string;
  readonly subject: string;
  readonly holder: string;
  readonly links: readonly InspectedLink[];
  /** All of it as text, a few lines. */
  readonly text: string;
};

/**
 * Reads a capability or a chain of them without checking a signature: what it says is what its makers claim.
 * @throws {@link CapabilityError} `TALOS_CAPABILITY_INVALID_GRANT` if it is none.
 */
export function inspect(token: string | readonly string[]): Inspection {
  const parsed = orInvalid(() => splitChain(token).map(readLink));
  const holders = orInvalid(() => parsed.map(({ claims }) => importHolder(claims.cnf.jwk.x).did()));
  const [root] = parsed as [ParsedLink];
  const { iss: issuer, sub: subject } = root.claims;
  const links = parsed.map(({ claims }, i) => inspectLink(claims, { from: holders[i - 1] ?? issuer, to: holders[i] as string, parent: parsed[i - 1]?.claims }));
  const inspection = { issuer, subject, holder: holders.at(-1) as string, links };
  return { ...inspection, text: describe(inspection) };
}

/** With grants of a form that can be told. */
function readLink(text: unknown): ParsedLink {
  const link = parseLink(text);
  compileAllGrants(link.claims.authorization_details);
  return link;
}

type LinkPlace = { readonly from: string; readonly to: string; readonly parent: CapabilityClaims | undefined };

function inspectLink(claims: CapabilityClaims, { from, to, parent }: LinkPlace): InspectedLink {
  const { purpose, task } = claims;
  return {
    from,
    to,
    audience: audienceOf(claims),
    notBefore: formatTime(claims.nbf),
    expires: formatTime(claims.exp),
    delegations: Math.max(0, claims.del_max_depth - claims.del_depth),
    ...(purpose === undefined ? {} : { purpose }),
    ...(task === undefined ? {} : { task }),
    grants: claims.authorization_details.map(describeGrant),
    narrowed: parent === undefined ? [] : describeNarrowing(claims, parent),
  };
}

function describe(inspection: Omit<Inspection, 'text'>): string {
  return linesOf(inspection).map(onOneLine).join('\n');
}

function linesOf({ issuer, subject, links }: Omit<Inspection, 'text'>): readonly string[] {
  const behalf = subject === issuer ? [] : [`on behalf of ${subject}`];
  return [
    `capability of ${issuer}`,
    ...behalf,
    ...links.flatMap((link, i) => [
      `${i + 1}. ${link.from} lets ${link.to}`,
      ...(link.grants.length === 0 ? ['   call nothing'] : link.grants.map((grant) => `   ${grant}`)),
      `   at ${link.audience.join(', ')}`,
      `   from ${link.notBefore} to ${link.expires} (clocks may differ by ${clockSkewSeconds} s)`,
      `   ${describeDelegations(link.delegations)}`,
      ...link.narrowed.map((line) => `   narrowed: ${line}`),
    ]),
    ...(links.length > 1
      ? ['A revocation by anybody but the issuer reaches a verifier only through the list of the issuer: until then it is best effort.']
      : []),
  ];
}

function describeDelegations(count: number): string {
  return count === 0 ? 'not to be passed on' : `to be passed on, narrower, ${count === 1 ? 'once' : `up to ${count} times`}`;
}

function describeGrant(grant: ToolGrant): string {
  const { tools, args, mode, limit, approve, when, tool_digest: digest } = grant;
  const verb = mode === 'delegate' ? 'pass on, not call,' : 'call';
  const terms = Object.entries({ limit, approve, when, digest }).flatMap(([name, term]) => (term === undefined ? [] : [`${name} ${JSON.stringify(term)}`]));
  return [`${verb} ${tools.length === 0 ? 'nothing' : tools.map((tool) => JSON.stringify(tool)).join(', ')} with ${describeArgs(args)}`, ...terms].join('; ');
}

function describeArgs(args: ToolGrant['args']): string {
  const named = Object.entries(args ?? {}).filter(([name]) => name !== '*');
  const words = named.map(([name, constraint]) => `${JSON.stringify(name)} ${describeConstraint(constraint)}`);
  if (Object.hasOwn(args ?? {}, '*')) words.push(words.length === 0 ? 'any arguments' : 'any others');
  return words.length === 0 ? 'no arguments' : words.join(', ');
}

function describeConstraint(constraint: Constraint): string {
  if (constraint === 'any') return 'any';
  const { optional, ...rules } = constraint;
  const words = Object.entries(rules).map(([kind, rule]) => (rule === true ? kind : `${kind} ${JSON.stringify(rule)}`));
  return `${words.join(' and ')}${optional === true ? ' or left out' : ''}`;
}

function describeNarrowing(claims: CapabilityClaims, parent: CapabilityClaims): readonly string[] {
  const lost = toolsOf(parent).filter((tool) => !toolsOf(claims).includes(tool));
  const changed = toolsOf(claims).filter((tool) => toolsOf(parent).includes(tool) && grantsOf(claims, tool) !== grantsOf(parent, tool));
  return [
    ...lost.map((tool) => `without ${JSON.stringify(tool)}`),
    ...changed.map((tool) => `${JSON.stringify(tool)} on other terms`),
    ...(claims.exp < parent.exp ? [`ends ${parent.exp - claims.exp} s earlier`] : []),
    ...(claims.nbf > parent.nbf ? [`begins ${claims.nbf - parent.nbf} s later`] : []),
    ...(claims.del_max_depth < parent.del_max_depth ? ['to be passed on less often'] : []),
  ];
}

function toolsOf({ authorization_details: grants }: CapabilityClaims): readonly string[] {
  return [...new Set(grants.flatMap(({ tools }) => tools))];
}

/** The grants of one tool, as text to compare. */
function grantsOf({ authorization_details: grants }: CapabilityClaims, tool: string): string {
  return JSON.stringify(grants.filter(({ tools }) => tools.includes(tool)).map((grant) => ({ ...grant, tools: [] })));
}

function audienceOf({ aud }: CapabilityClaims): readonly string[] {
  return typeof aud === 'string' ? [aud] : aud;
}

/** The last moment that ECMAScript can name. */
const latest = 8.64e15;

function formatTime(seconds: number): string {
  return new Date(Math.min(seconds * 1000, latest)).toISOString();
}

/** What a stranger wrote stays on its line: no control or formatting character reaches a terminal. */
function onOneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${(character.codePointAt(0) as number).toString(16)}}`);
}
