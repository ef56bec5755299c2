/**
 * Grants compiled once, at admission: what a call costs later is a map look-up and the checks of its arguments. Nothing decided is
 * kept, only what decides.
 * @module
 */
import type { JsonObject, JsonValue } from '../bytes/json-value.ts';
import { maxGrants } from './bounds.ts';
import { closedObject } from './closed-object.ts';
import { compileArgs, compileScope } from './compile-constraint.ts';
import type { CompiledArgs, ConstraintKind } from './constraint-kind.ts';
import { constraintKinds } from './constraint-kinds.ts';
import type { readApprove } from './approve-claim.ts';
import type { readLimit } from './limits-claim.ts';
import type { GrantTerms } from './grant-terms.ts';
import { malformed, TokenFault } from './token-fault.ts';
import { compileToolPattern, isToolName } from './tool-name.ts';

export type CompiledGrant = CompiledArgs & {
  /** Place in `authorization_details`. */
  readonly index: number;
  /** As they were written. */
  readonly tools: readonly JsonValue[];
  readonly terms?: GrantTerms;
  /** Charged by every call of a link below, too. */
  readonly limit?: ReturnType<typeof readLimit>;
  readonly approve?: ReturnType<typeof readApprove>;
};

/** A grant, and by which of its tools it speaks of a call. */
export type Candidate = { readonly grant: CompiledGrant; readonly entry: number };

/** What a token allows. Most tokens name their tools: then a call is one look-up. */
export type Policy = {
  readonly grants: readonly CompiledGrant[];
  readonly exact: ReadonlyMap<string, readonly Candidate[]>;
  readonly patterns: readonly (Candidate & { readonly matches: (tool: string) => boolean })[];
};

type PolicyParts = { readonly grants: CompiledGrant[]; readonly exact: Map<string, Candidate[]>; readonly patterns: Policy['patterns'][number][] };

const none: readonly Candidate[] = [];

const grantMembers: ReadonlySet<string> = /* @__PURE__ */ new Set(['type', 'tools', 'args']);

/** The words that a token may use. `terms` reads the members of a grant beside its tools and arguments. */
export type Vocabulary = { readonly kinds: ReadonlyMap<string, ConstraintKind>; readonly terms?: TermsReader };

type OwnTerms = Pick<CompiledGrant, 'terms' | 'limit' | 'approve'>;

/** Takes its members off the grant, and leaves the others. @throws {@link TokenFault} */
export type TermsReader = (grant: JsonObject) => { readonly own: OwnTerms; readonly rest: JsonObject };

/** Tools and values. The other words cost their verifier the loading of `vocabulary.ts`, once. */
const plainVocabulary: Vocabulary = { kinds: constraintKinds };

/**
 * Compiles `authorization_details`.
 * @throws {@link TokenFault} `MALFORMED`, `CONSTRAINT_UNKNOWN` or `TOO_LARGE`, with the index of the grant.
 */
export function compileGrants(details: readonly JsonValue[], { kinds, terms }: Vocabulary = plainVocabulary): Policy {
  if (details.length > maxGrants) throw new TokenFault('TOO_LARGE', { constraint: 'authorization_details' });
  const policy: PolicyParts = { grants: [], exact: new Map(), patterns: [] };
  const scope = compileScope(kinds);
  for (let index = 0; index < details.length; index++) {
    try {
      const { tools, args, ...own } = readGrant(details[index] as JsonValue, terms);
      const grant = { index, tools, ...compileArgs(args, scope), ...own };
      policy.grants.push(grant);
      for (let entry = 0; entry < tools.length; entry++) addTool(tools[entry] as JsonValue, { grant, entry }, policy);
    } catch (fault) {
      throw fault instanceof TokenFault ? new TokenFault(fault.code, { ...fault.details, grant: index }) : fault;
    }
  }
  return policy;
}

/** The grants that speak of a tool; those that name it first. */
export function grantsFor({ exact, patterns }: Policy, tool: string): readonly Candidate[] {
  const named = exact.get(tool) ?? none;
  return patterns.length === 0 ? named : [...named, ...patterns.filter(({ matches }) => matches(tool))];
}

type GrantParts = OwnTerms & { readonly tools: readonly JsonValue[]; readonly args: JsonObject };

function readGrant(value: JsonValue, reader: TermsReader | undefined): GrantParts {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed('authorization_details');
  const { own, rest } = reader?.(value as JsonObject) ?? { own: {}, rest: value };
  const grant = closedObject(rest, grantMembers);
  if (grant === undefined) throw malformed('authorization_details');
  const { type, tools, args } = grant;
  if (type !== 'talos_tool') throw malformed('type');
  if (!Array.isArray(tools)) throw malformed('tools');
  if (typeof args !== 'object' || args === null || Array.isArray(args)) throw malformed('args');
  return { tools: tools as readonly JsonValue[], args: args as JsonObject, ...own };
}

function addTool(tool: JsonValue, candidate: Candidate, { exact, patterns }: PolicyParts): void {
  if (typeof tool === 'string' && isToolName(tool)) {
    const named = exact.get(tool);
    if (named === undefined) exact.set(tool, [candidate]);
    else named.push(candidate);
    return;
  }
  const matches = typeof tool === 'string' ? compileToolPattern(tool) : undefined;
  if (matches === undefined) throw malformed('tools');
  patterns.push({ ...candidate, matches });
}
