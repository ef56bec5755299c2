/** The static proof that a link is inside the one above it (docs/spec/02 §7): grant by grant, tool by tool. @module */
import type { ToolGrant } from './capability.ts';
import type { Candidate, CompiledGrant } from './compile.ts';
import type { Link } from './link.ts';
import { isArgsInside } from './subsumption/constraint.ts';
import { isToolInside } from './subsumption/tool-pattern.ts';
import { TokenFault } from './token-fault.ts';

/**
 * Finds for every tool of every grant one of the parent that is provably no narrower: the one in the same place, or else the first.
 * @throws {@link TokenFault} `WIDENED` if there is none: what cannot be decided counts as wider.
 */
export function coverGrants(grants: readonly ToolGrant[], parent: Link): readonly (readonly Candidate[])[] {
  return grants.map((grant, index) =>
    grant.tools.map((tool) => {
      const cover = coverOf({ grant, index, tool }, parent);
      if (cover === undefined) throw new TokenFault('WIDENED', { grant: index, constraint: 'authorization_details' });
      return cover;
    }),
  );
}

type Entry = { readonly grant: ToolGrant; readonly index: number; readonly tool: string };

function coverOf(entry: Entry, parent: Link): Candidate | undefined {
  const same = coverBy(entry, parent, entry.index);
  if (same !== undefined) return same;
  for (const above of parent.policy.grants) {
    const cover = coverBy(entry, parent, above.index);
    if (cover !== undefined) return cover;
  }
  return undefined;
}

function coverBy({ grant, tool }: Entry, { claims, policy }: Link, index: number): Candidate | undefined {
  const above = claims.authorization_details[index];
  const entry = above?.tools.findIndex((pattern) => isToolInside(tool, pattern)) ?? -1;
  if (above === undefined || entry === -1 || !isArgsInside(grant.args, above.args)) return undefined;
  return { grant: policy.grants[index] as CompiledGrant, entry };
}
