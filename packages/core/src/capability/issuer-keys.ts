/** Keys of issuers and holders: which key `kid` names, imported once. @module */
import { importEd25519PublicKey } from '#suite';
import { decodeBase64url } from '../bytes/base64url.ts';
import { formatAgentId, keyThumbprint, parseAgentId, type AgentId } from '../identity/agent-id.ts';
import type { Ed25519PublicKey } from '../primitives/keys.ts';

/** Resolves the keys of trusted issuers. A resolver that knows key histories goes here. */
export interface IssuerKeys {
  /** The key of `issuer` with this RFC 7638 thumbprint; undefined if none is known to be good. Asked for trusted issuers only. */
  resolve(issuer: AgentId, kid: string): Ed25519PublicKey | undefined;
  /** The holder key with this JWK `x`; undefined if it is none. Asked for links whose signature is good: nobody else can fill what is kept. */
  holder?(x: string): HolderKey | undefined;
}

/** A holder's key and its names, which take longer to write than the key to read: made when they are asked for, once. */
export type HolderKey = { readonly key: Ed25519PublicKey; readonly did: () => AgentId; readonly thumbprint: () => string };

/** An import costs a quarter of a verification: worth keeping for each key a verifier meets, and no more than this many. */
const defaultMaxKeys = 1024;

/**
 * Reads the key out of the did:key itself and keeps the most recently used ones. Kept by issuer, so that tokens with invented
 * `kid`s neither grow the cache nor cause an import each.
 * @param options - `maxKeys` of issuers, and as many of holders: 1,024 if not said.
 */
export function didKeys(options: { readonly maxKeys?: number } = {}): IssuerKeys {
  const maxKeys = options.maxKeys ?? defaultMaxKeys;
  const issuers = recent(maxKeys, (issuer) => {
    const key = parseAgentId(issuer);
    return { kid: keyThumbprint(key), key };
  });
  const holder = recent(maxKeys, importHolder);
  return {
    resolve(issuer, kid) {
      const found = issuers(issuer);
      return found?.kid === kid ? found.key : undefined;
    },
    holder,
  };
}

/** The key in a did:key, read once for as many agents as are talked to at a time. What it gives throws as `parseAgentId`. */
export function didKeyReader(): (did: AgentId) => Ed25519PublicKey {
  const known = new Map<AgentId, Ed25519PublicKey>();
  return (did) => {
    const key = known.get(did) ?? parseAgentId(did);
    known.set(did, key);
    if (known.size > defaultMaxKeys) known.delete(known.keys().next().value as AgentId);
    return key;
  };
}

/** @throws if `x` is not the canonical text of a key that the import policy accepts. */
export function importHolder(x: string): HolderKey {
  const key = importEd25519PublicKey(decodeBase64url(x));
  let did: AgentId | undefined;
  let thumbprint: string | undefined;
  return { key, did: () => (did ??= formatAgentId(key)), thumbprint: () => (thumbprint ??= keyThumbprint(key)) };
}

/** Loads what it does not keep, and keeps the `max` most recently used; undefined for what cannot be loaded. */
function recent<T>(max: number, load: (id: string) => T): (id: string) => T | undefined {
  const known = new Map<string, T>();
  return (id) => {
    let found = known.get(id);
    try {
      found ??= load(id);
    } catch {
      return undefined;
    }
    // A Map iterates in order of insertion: the first is the one used longest ago.
    known.delete(id);
    known.set(id, found);
    if (known.size > max) known.delete(known.keys().next().value as string);
    return found;
  };
}
