/** What an initial frame's plaintext begins with: the initiator's signature over the transcript (docs/spec/04 §3.3). @module */
import { verifyEd25519 } from '#suite';
import { concatBytes } from '../bytes/concat.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { ByteReader } from '../bytes/reader.ts';
import { ByteWriter } from '../bytes/writer.ts';
import type { Signer } from '../identity/signer.ts';
import type { Ed25519PublicKey } from '../primitives/keys.ts';
import { sessionIdLength } from './frame.ts';
import type { SessionMode } from './opening.ts';

const label = 'talos/1 handshake';
const signatureLength = 64;
/** The first byte. Any other value is refused. */
const flags = /* @__PURE__ */ Object.freeze({ none: 0, supersedes: 1 });
const empty = /* @__PURE__ */ new Uint8Array(0);

/** Milliseconds since 1970, u64. */
const timeLength = 8;

/**
 * What the signature covers. `supersedes`: the session that this one replaces, 16 bytes. `openedAt`: by the initiator's clock, later in each
 * of its openings to one peer: an opening that was held back is told by it from the newest.
 */
export type OpeningClaim = { readonly transcriptHash: Uint8Array; readonly supersedes?: Uint8Array | undefined; readonly openedAt: number };

export type OpeningProof = Omit<OpeningClaim, 'transcriptHash'> & { readonly signature: Uint8Array; readonly contents: Uint8Array };

/** flags ‖ [superseded session 16] ‖ opened at u64 ‖ [signature 64, in an accountable session]. Repeated until the responder has answered. */
export async function signOpening(mode: SessionMode, claim: OpeningClaim, signer: Signer): Promise<Uint8Array> {
  const flag = claim.supersedes === undefined ? flags.none : flags.supersedes;
  const head = new ByteWriter()
    .u8(flag)
    .raw(claim.supersedes ?? empty)
    .u64(claim.openedAt)
    .finish();
  if (mode === 'deniable') return head;
  return concatBytes(head, await signer.sign(signedBytes(claim)));
}

/** The proof and the contents behind it; `undefined` if the plaintext is too short or has flags that this version does not know. */
export function splitOpening(mode: SessionMode, plaintext: Uint8Array): OpeningProof | undefined {
  const isSuperseding = plaintext[0] === flags.supersedes;
  const timeStart = isSuperseding ? 1 + sessionIdLength : 1;
  const start = timeStart + timeLength;
  const end = mode === 'accountable' ? start + signatureLength : start;
  if (plaintext.length < end || (plaintext[0] !== flags.none && !isSuperseding)) return undefined;
  const supersedes = isSuperseding ? plaintext.slice(1, timeStart) : undefined;
  const openedAt = new ByteReader(plaintext.subarray(timeStart, start)).u64();
  return { signature: plaintext.subarray(start, end), supersedes, openedAt, contents: plaintext.subarray(end) };
}

/** @throws {@link CryptoError} `TALOS_CRYPTO_SIGNATURE`. */
export function verifyOpening(claim: OpeningClaim & { readonly signature: Uint8Array }, initiatorKey: Ed25519PublicKey): void {
  verifyEd25519(initiatorKey, signedBytes(claim), claim.signature);
}

/** Hash and time have fixed lengths, so what follows them cannot be taken for a part of them. */
function signedBytes({ transcriptHash, supersedes, openedAt }: OpeningClaim): Uint8Array {
  return new ByteWriter()
    .short(encodeUtf8(label))
    .raw(transcriptHash)
    .u64(openedAt)
    .raw(supersedes ?? empty)
    .finish();
}
