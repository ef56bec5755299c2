/**
 * What both kinds of receipt share: a COSE_Sign1 whose payload, the Merkle root, is left out, so that nobody can verify the signature
 * without having climbed the proof (RFC 9942 §5; RFC 9052 §4.4).
 * @module
 */
import { parseVerifierKey, type VerifierKey } from '@talosprotocol/core/audit';
import { UsageError } from '@talosprotocol/core/errors';
import { verifySignature, type Signer } from '@talosprotocol/core/identity';
import { decodeCbor, encodeCbor, encodeSign1, malformed, TaggedSign1 } from './cbor.ts';

/** Who signs: the log's own key. `verifierKey`: `name+hash+keydata`, as the log gives it. */
export type LogKeys = { readonly verifierKey: string; readonly signer: Signer };

/** RFC 9942 §5.2 and §5.3: the keys of the proofs in the map under `vdp`. */
export const inclusionProof = -1;
export const consistencyProof = -2;

type ProofKind = typeof inclusionProof | typeof consistencyProof;

/** RFC 9052 §3.1, RFC 9597 §2 and RFC 9942 §4. */
const header = { algorithm: 1, keyId: 4, claims: 15, structure: 395, proofs: 396 } as const;
/**
 * Ours: the size that the root is of. RFC 9942 signs the root alone, and one path leads to one root under several sizes, so that whoever
 * carries a receipt could change the size that it tells. A reader that does not know the label passes over it.
 */
const treeSize = 'org.talosprotocol/tree-size';
/** RFC 8392 §4. */
const issuerClaim = 1;
/** RFC 9942 §5.1: the tree of RFC 9162, which is that of RFC 6962. */
const rfc9162Sha256 = 1;
/** RFC 9053 §2.2, which every reader knows. RFC 9864 names the same signature more exactly: read, not written. */
const edDsa = -8;
const ed25519 = -19;

/** @param proof - sizes, index and path, as RFC 9942 orders them. `root`: 32 bytes. */
export async function signReceipt(
  proof: { readonly kind: ProofKind; readonly content: readonly unknown[]; readonly size: number; readonly root: Uint8Array },
  keys: LogKeys,
): Promise<Uint8Array> {
  const { signer } = keys;
  const verifierKey = parseVerifierKey(keys.verifierKey);
  if (!isSame(verifierKey.publicKey.bytes, signer.publicKey.bytes)) {
    throw new UsageError({ code: 'TALOS_USAGE_OPTIONS', message: 'signer and verifierKey are of different keys: pass the signer of this log' });
  }
  const protectedHeader = encodeCbor(
    new Map<number | string, unknown>([
      [header.algorithm, edDsa],
      [header.keyId, verifierKey.keyId],
      [header.claims, new Map([[issuerClaim, verifierKey.name]])],
      [header.structure, rfc9162Sha256],
      [treeSize, proof.size],
    ]),
  );
  const signature = await signer.sign(toBeSigned(protectedHeader, proof.root));
  const unprotected = new Map([[header.proofs, new Map([[proof.kind, [encodeCbor(proof.content)]]])]]);
  const receipt = encodeSign1([protectedHeader, unprotected, null, signature]);
  // A signer may be a remote box: what does not verify is not handed out as a promise of this log.
  verifySignature({ publicKey: verifierKey.publicKey.bytes, message: toBeSigned(protectedHeader, proof.root), signature });
  return receipt;
}

export type OpenedReceipt = {
  /** Sizes, index and path: claims of whoever carried the receipt. */
  readonly content: readonly unknown[];
  /** Throws unless the log signed this root as that of a tree of this size. */
  readonly requireSigned: (head: { readonly size: number; readonly root: Uint8Array }) => void;
};

/**
 * Reads a receipt of one proof of this kind. Everything that decides how it is verified has to be in the signed header.
 * @throws {@link EncodingError} `TALOS_ENCODING_BYTES` on another form, algorithm, tree or origin.
 */
export function openReceipt(receipt: Uint8Array, { kind, verifierKey }: { readonly kind: ProofKind; readonly verifierKey: VerifierKey }): OpenedReceipt {
  const decoded = decodeCbor(receipt);
  if (!(decoded instanceof TaggedSign1) || !Array.isArray(decoded.members) || decoded.members.length !== 4) throw malformed('it is not a tagged COSE_Sign1');
  const [protectedHeader, unprotected, payload, signature] = decoded.members as readonly unknown[];
  if (!(protectedHeader instanceof Uint8Array) || !(signature instanceof Uint8Array)) throw malformed('its header or its signature is not bytes');
  const signedSize = sizeUnder(decodeCbor(protectedHeader), verifierKey.name);
  // An attached root could be believed without a proof that leads to it.
  if (payload !== null) throw malformed('its payload is attached');
  const content = contentOf(unprotected, kind);
  return {
    content,
    requireSigned: ({ size, root }) => {
      if (size !== signedSize) throw malformed('its proof tells another size than its signed header');
      verifySignature({ publicKey: verifierKey.publicKey.bytes, message: toBeSigned(protectedHeader, root), signature });
    },
  };
}

const known: ReadonlySet<unknown> = new Set([header.algorithm, header.keyId, header.claims, header.structure, treeSize]);

/** The size in a header that is whole and of this log; anything when it is not a number, which no proof tells. */
function sizeUnder(value: unknown, origin: string): unknown {
  if (!(value instanceof Map)) throw malformed('its protected header is not a map');
  // `crit` (label 2) among them: a header that has to be understood and is not.
  if ([...value.keys()].some((label) => !known.has(label))) throw malformed('its protected header says more than this version understands');
  const algorithm: unknown = value.get(header.algorithm);
  if (algorithm !== edDsa && algorithm !== ed25519) throw malformed('its algorithm is not EdDSA');
  if (value.get(header.structure) !== rfc9162Sha256) throw malformed('its tree is not RFC9162_SHA256');
  const claims: unknown = value.get(header.claims);
  if (!(claims instanceof Map) || claims.get(issuerClaim) !== origin) throw malformed('it is of another log than this verifier key');
  return value.get(treeSize);
}

function contentOf(unprotected: unknown, kind: ProofKind): readonly unknown[] {
  const proofs: unknown = unprotected instanceof Map ? unprotected.get(header.proofs) : undefined;
  const ofKind: unknown = proofs instanceof Map ? proofs.get(kind) : undefined;
  if (!Array.isArray(ofKind) || ofKind.length !== 1 || !(ofKind[0] instanceof Uint8Array)) throw malformed('it does not hold one proof of this kind');
  const content = decodeCbor(ofKind[0]);
  if (!Array.isArray(content) || content.length !== 3) throw malformed('its proof does not have three parts');
  return content;
}

/** RFC 9052 §4.4: Sig_structure with no external data. */
function toBeSigned(protectedHeader: Uint8Array, root: Uint8Array): Uint8Array {
  return encodeCbor(['Signature1', protectedHeader, new Uint8Array(0), root]);
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
