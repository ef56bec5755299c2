/** Compiled grants, shared by the tokens of one template. @module */
import type { JsonValue } from '../bytes/json-value.ts';
import type { Policy } from './compile.ts';

/** Keeps what was compiled, so that equal grants are one object. Asked for tokens whose signature is good: only issuers and holders fill it. */
export interface PolicyCache {
  get(text: string): Policy | undefined;
  set(text: string, policy: Policy): void;
}

/** A verifier serves some templates, each with as many tokens as it likes. */
const defaultMaxPolicies = 1024;

/**
 * Found by the whole text of the grants: no hash that two of them could share. A policy holds nothing of the token that it came with.
 * @param options - `maxPolicies`: 1,024 if not said.
 */
export function policyCache(options: { readonly maxPolicies?: number } = {}): PolicyCache {
  const max = options.maxPolicies ?? defaultMaxPolicies;
  const known = new Map<string, Policy>();
  return {
    get: (text) => known.get(text),
    set(text, policy) {
      known.set(text, policy);
      // The oldest goes: one that is still in use comes back at the price of compiling it.
      if (known.size > max) known.delete(known.keys().next().value as string);
    },
  };
}

/** Compiles what the cache does not hold. @throws what `compile` throws; that is not kept. */
export function compileShared(details: readonly JsonValue[], cache: PolicyCache | undefined, compile: (details: readonly JsonValue[]) => Policy): Policy {
  if (cache === undefined) return compile(details);
  const text = JSON.stringify(details);
  const found = cache.get(text);
  if (found !== undefined) return found;
  const policy = compile(details);
  cache.set(text, policy);
  return policy;
}
