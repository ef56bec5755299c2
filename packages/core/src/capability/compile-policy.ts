import type { JsonValue } from '../bytes/json-value.ts';
import { compileGrants, type Policy } from './compile.ts';
import { compileShared, type PolicyCache } from './policy-cache.ts';
import { TokenFault } from './token-fault.ts';

/** The whole vocabulary, once it is loaded: nothing is compiled twice from then on. */
let compileAll: ((details: readonly JsonValue[]) => Policy) | undefined;

/**
 * Compiles grants that name tools and values at once, and loads the other words with the first token that uses one. Called when the signature
 * is known to be good, so that only issuers make a verifier load them.
 * @throws {@link TokenFault} as `compileGrants`.
 */
export function compilePolicy(details: readonly JsonValue[], cache?: PolicyCache): Policy | Promise<Policy> {
  if (compileAll !== undefined) return compileShared(details, cache, compileAll);
  try {
    return compileShared(details, cache, (given) => compileGrants(given));
  } catch (fault) {
    if (fault instanceof TokenFault) return compileRare(details, cache);
    throw fault;
  }
}

async function compileRare(details: readonly JsonValue[], cache: PolicyCache | undefined): Promise<Policy> {
  const { compileAllGrants } = await import('./vocabulary.ts');
  compileAll = compileAllGrants;
  return compileShared(details, cache, compileAllGrants);
}
