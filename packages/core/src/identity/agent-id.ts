/** did:key of an Ed25519 key: the name of an agent is its key (docs/spec/01 §2). @module */
import { hashBase64url, importEd25519PublicKey } from '#suite';
import { decodeBase58, encodeBase58 } from '../bytes/base58.ts';
import { encodeBase64url } from '../bytes/base64url.ts';
import { concatBytes } from '../bytes/concat.ts';
import { IdentityError } from '../errors/identity-error.ts';
import type { Ed25519PublicKey } from '../primitives/keys.ts';

/** `did:key:z6Mk…`, 56 characters. One key has one text. */
export type AgentId = `did:key:z6Mk${string}`;

const prefix = 'did:key:z';
/** Multicodec ed25519-pub, as an unsigned varint. */
const multicodec = /* @__PURE__ */ Uint8Array.of(0xed, 0x01);

export function formatAgentId(publicKey: Ed25519PublicKey): AgentId {
  return (prefix + encodeBase58(concatBytes(multicodec, publicKey.bytes))) as AgentId;
}

/**
 * The key that a did:key names. Whether that key still speaks for the agent is what its key history says.
 * @throws {@link IdentityError} `TALOS_IDENTITY_BAD_DID` on another method or key type, a non-canonical text, or a key that the import policy refuses.
 */
export function parseAgentId(text: string): Ed25519PublicKey {
  const key = decodeKey(text);
  if (key === undefined || formatAgentId(key) !== text) {
    throw new IdentityError({ code: 'TALOS_IDENTITY_BAD_DID', message: 'not a did:key of an Ed25519 key (did:key:z6Mk…)' });
  }
  return key;
}

/** Whether the text is a did:key we accept. Total. */
export function isAgentId(text: unknown): text is AgentId {
  if (typeof text !== 'string') return false;
  const key = decodeKey(text);
  return key !== undefined && formatAgentId(key) === text;
}

/** RFC 7638 thumbprint of the key as an OKP JWK, base64url: the `kid` of tokens and signatures. */
export function keyThumbprint(publicKey: Ed25519PublicKey): string {
  return jwkThumbprint(encodeBase64url(publicKey.bytes));
}

/** The same, from the `x` of the JWK. */
export function jwkThumbprint(x: string): string {
  return hashBase64url(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`);
}

function decodeKey(text: string): Ed25519PublicKey | undefined {
  if (typeof text !== 'string' || !text.startsWith(prefix)) return undefined;
  try {
    const bytes = decodeBase58(text.slice(prefix.length));
    if (bytes[0] !== multicodec[0] || bytes[1] !== multicodec[1]) return undefined;
    return importEd25519PublicKey(bytes.subarray(2));
  } catch {
    return undefined;
  }
}
