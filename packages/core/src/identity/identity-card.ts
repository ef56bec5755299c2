/**
 * The identity card: who an agent is, where it is reached, and which log is its own, signed (docs/spec/01 §8). It carries the key history, so
 * that whoever takes it needs nothing else.
 * @module
 */
import { importX25519PublicKey, verifyEd25519 } from '#suite';
import { decodeBase64url, encodeBase64url } from '../bytes/base64url.ts';
import { canonicalJson } from '../bytes/canonical-json.ts';
import type { JsonObject, JsonValue } from '../bytes/json-value.ts';
import { parseStrictJson } from '../bytes/strict-json.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { IdentityError } from '../errors/identity-error.ts';
import type { X25519PublicKey } from '../primitives/keys.ts';
import { isAgentId, type AgentId } from './agent-id.ts';
import type { Identity } from './identity.ts';
import { verifyKeyHistory, type KeyHistory, type KeyState } from './key-history.ts';

export type IdentityCard = {
  readonly did: AgentId;
  /** For people; nothing follows from it. */
  readonly name: string;
  readonly agreementKey: X25519PublicKey;
  /** Verified; its last event put the signing key in force. */
  readonly history: KeyHistory;
  /** Addresses of relays, most wanted first. */
  readonly endpoints: readonly string[];
  /** The agent's own log: its origin, and the verifier key of its checkpoints. */
  readonly log: { readonly origin: string; readonly verifierKey: string };
  /** Milliseconds since 1970. Of two cards the later one counts. */
  readonly issuedAt: number;
};

export type CardContent = Pick<IdentityCard, 'name' | 'endpoints' | 'log' | 'issuedAt'>;

/** A history of two years of weekly rotations, and the rest. */
export const maxCardBytes: number = 80 * 1024;
/** As many relays as a transport takes. */
export const maxEndpoints = 8;
const maxEndpointLength = 300;
const maxTextLength = 512;
const signatureLabel = 'talos/1 identity card\0';
const clockSkewMs = 5 * 60_000;

/** Canonical JSON `{ card, history, signature }`, where `card` is the text that is signed. */
export async function signIdentityCard(content: CardContent, identity: Pick<Identity, 'did' | 'signer' | 'agreementKey' | 'history'>): Promise<string> {
  const { did, signer, agreementKey, history } = identity;
  const card = canonicalJson({ v: 1, did, agreementKey: encodeBase64url(agreementKey.publicKey.bytes), head: verifyKeyHistory(history).head, ...content });
  const signature = encodeBase64url(await signer.sign(encodeUtf8(signatureLabel + card)));
  const text = canonicalJson({ card, history: history as unknown as JsonValue, signature });
  readCard(text, content.issuedAt);
  return text;
}

/**
 * @param now - Milliseconds since 1970.
 * @throws {@link IdentityError} `TALOS_IDENTITY_BAD_CARD`: malformed, over-long, from the future, or not signed by the key that its history puts
 * in force; `TALOS_IDENTITY_BAD_HISTORY`, `TALOS_IDENTITY_REVOKED`.
 */
export function verifyIdentityCard(text: string, now: number): IdentityCard {
  return readCard(text, now);
}

function readCard(text: string, now: number): IdentityCard {
  if (typeof text !== 'string' || text.length > maxCardBytes) throw badCard('it is no text, or longer than a card can be');
  const { body, history, state } = openCard(parse(text));
  const card = parse(body);
  const { did, agreementKey, head } = card;
  if (!hasMembers(card, 'agreementKey,did,endpoints,head,issuedAt,log,name,v') || card['v'] !== 1) throw badCard('a member is missing or foreign');
  if (!isAgentId(did) || did !== state.did || head !== state.head) throw badCard('it is not of the agent whose history it carries');
  return { did, history, agreementKey: importAgreementKey(agreementKey), ...readContent(card, now) };
}

/** What was signed, by the key that the history beside it puts in force. */
function openCard(outer: JsonObject): { readonly body: string; readonly history: KeyHistory; readonly state: KeyState } {
  const { card: body, signature } = outer;
  if (!hasMembers(outer, 'card,history,signature') || typeof body !== 'string' || typeof signature !== 'string')
    throw badCard('a member is missing or foreign');
  const history = outer['history'] as unknown as KeyHistory;
  const state = verifyKeyHistory(history);
  if (state.revoked) throw new IdentityError({ code: 'TALOS_IDENTITY_REVOKED', message: 'the card is of an identity that was revoked' });
  try {
    verifyEd25519(state.currentKey, encodeUtf8(signatureLabel + body), decodeBase64url(signature));
  } catch {
    throw badCard('it is not signed by the key that its history puts in force');
  }
  return { body, history, state };
}

function readContent({ name, endpoints, log, issuedAt }: JsonObject, now: number): CardContent {
  if (!isText(name) || !isEndpoints(endpoints) || !isLog(log) || !Number.isSafeInteger(issuedAt)) throw badCard('a member has the wrong form');
  if ((issuedAt as number) > now + clockSkewMs) throw badCard('it is from the future');
  return { name, endpoints, log, issuedAt: issuedAt as number };
}

function importAgreementKey(text: unknown): X25519PublicKey {
  try {
    return importX25519PublicKey(decodeBase64url(text as string));
  } catch {
    throw badCard('its agreement key is none');
  }
}

function parse(text: string): JsonObject {
  try {
    const value = parseStrictJson(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  } catch {
    // Said below, in words of ours.
  }
  throw badCard('it is not JSON');
}

function hasMembers(value: JsonObject, names: string): boolean {
  return Object.keys(value).toSorted().join() === names;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= maxTextLength;
}

/** Printable ASCII: an address is shown to people and must not hide what it is. */
function isEndpoints(value: unknown): value is readonly string[] {
  const isEndpoint = (endpoint: unknown): boolean =>
    typeof endpoint === 'string' && endpoint.length <= maxEndpointLength && /^(wss?|https?):\/\/[\x21-\x7e]+$/.test(endpoint);
  return Array.isArray(value) && value.length <= maxEndpoints && value.every(isEndpoint);
}

function isLog(value: unknown): value is IdentityCard['log'] {
  if (typeof value !== 'object' || value === null) return false;
  const log = value as JsonObject;
  return hasMembers(log, 'origin,verifierKey') && isText(log['origin']) && isText(log['verifierKey']);
}

function badCard(reason: string): IdentityError {
  return new IdentityError({ code: 'TALOS_IDENTITY_BAD_CARD', message: `identity card refused: ${reason}` });
}
