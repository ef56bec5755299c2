/** Reads what a grant asks for beside its tools and arguments. Loaded with the first token that has any. @module */
import type { JsonObject, JsonValue } from '../bytes/json-value.ts';
import { readApprove } from './approve-claim.ts';
import type { TermsReader } from './compile.ts';
import type { GrantTerms } from './grant-terms.ts';
import { readLimit } from './limits-claim.ts';
import { malformed } from './token-fault.ts';
import { compileWindows } from './windows.ts';

/** SHA-256 in lower-case hexadecimal. */
const digest = /^[0-9a-f]{64}$/;

export const readTerms: TermsReader = (grant) => {
  const { mode, when, tool_digest: toolDigest, limit, approve, ...rest } = grant;
  const own = {
    ...([mode, when, toolDigest].every((term) => term === undefined) ? {} : { terms: compileTerms(grant) }),
    ...(limit === undefined ? {} : { limit: readLimit(limit) }),
    ...(approve === undefined ? {} : { approve: readApprove(approve) }),
  };
  return { own, rest };
};

function compileTerms({ mode, when, tool_digest: granted }: JsonObject): GrantTerms {
  if (mode !== undefined && mode !== 'execute' && mode !== 'delegate') throw malformed('mode');
  if (granted !== undefined && !(typeof granted === 'string' && digest.test(granted))) throw malformed('tool_digest');
  const isOpen = when === undefined ? () => true : compileWindows(when as JsonValue);
  return ({ leaf, now, toolDigest }) => {
    // A planner may pass on what it may not do: the grant that is used has to be one for use.
    if (leaf && mode === 'delegate') return 'MODE_NOT_EXECUTE';
    if (!isOpen(now)) return 'WINDOW_CLOSED';
    // A guard that does not know the definition of its tool cannot say that it is the granted one.
    return granted === undefined || toolDigest === granted ? undefined : 'TOOL_CHANGED';
  };
}
