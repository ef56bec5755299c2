/** Which grant of every link allowed a call: all of them bind it (docs/spec/02 §7). @module */
import type { Admitted } from './capability-handle.ts';
import type { Candidate, CompiledGrant } from './compile.ts';
import type { Link } from './link.ts';

export type PathStep = { readonly link: Link; readonly grant: CompiledGrant };

/** Root → leaf, one step a link: the leaf's grant that allowed the call, and the grants above that it was proved to be inside of. */
export function grantPath({ links }: Admitted, leaf: Candidate): readonly PathStep[] {
  return pathTo(links, leaf);
}

/** The same of the first links of a chain: `last` is a grant of the last of them. */
export function pathTo(links: readonly Link[], last: Candidate): readonly PathStep[] {
  const path: PathStep[] = [];
  let candidate: Candidate | undefined = last;
  for (let i = links.length - 1; i >= 0; i--) {
    const link = links[i] as Link;
    // Admission gives every entry of every link a cover; without one there is no right.
    if (candidate === undefined) throw new TypeError('a link without its cover');
    path.unshift({ link, grant: candidate.grant });
    candidate = link.covers?.[candidate.grant.index]?.[candidate.entry];
  }
  return path;
}
