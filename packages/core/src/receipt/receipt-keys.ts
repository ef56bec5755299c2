/** Whose key a signature has to be of (docs/spec/07 §6). Keys come from the reader's trust, never from a receipt. @module */
import { keyThumbprint, parseAgentId, type AgentId } from '../identity/agent-id.ts';
import type { Ed25519PublicKey } from '../primitives/keys.ts';

/** The key of one party with this RFC 7638 thumbprint; undefined if none is known to be good. */
export type PartyKeys = (kid: string) => Ed25519PublicKey | undefined;

/** Who asked, and who answered. */
export type ReceiptKeys = { readonly caller: PartyKeys; readonly callee: PartyKeys };

/** The one key of a signer. */
export function oneKey(key: Ed25519PublicKey): PartyKeys {
  const thumbprint = keyThumbprint(key);
  return (kid) => (kid === thumbprint ? key : undefined);
}

/**
 * The key that a did:key names: right for an agent that has never rotated. Whoever knows its history passes that in.
 * @throws {@link IdentityError} `TALOS_IDENTITY_BAD_DID`.
 */
export function agentKey(did: AgentId): PartyKeys {
  return oneKey(parseAgentId(did));
}
