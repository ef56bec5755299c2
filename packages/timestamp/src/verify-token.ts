/**
 * Verifies a time-stamp token (RFC 3161 §2.4.2; CMS: RFC 5652) with the certificates that come in it, up to a root that the reader trusts.
 * Library code checks ASN.1, signature and chain; what it leaves open is checked here, first.
 * @module
 */
import type { Checkpoint } from '@talosprotocol/core/audit';
import { AuditError } from '@talosprotocol/core/errors';
import { type Certificate, ContentInfo, ExtKeyUsage, SignedData, TSTInfo, type SignerInfo } from 'pkijs';
import { sha256, stampedText } from './imprint.ts';

/** `time`: seconds since 1970, the latest at which the checkpoint existed, the authority's own accuracy included. */
export type Timestamp = { readonly time: number; readonly authority: string; readonly serial: string };

const signedData = '1.2.840.113549.1.7.2';
const tstInfo = '1.2.840.113549.1.9.16.1.4';
const contentType = '1.2.840.113549.1.9.3';
/** RFC 5816 §2.2.1. The older attribute hashes with SHA-1. */
const signingCertificateV2 = '1.2.840.113549.1.9.16.2.47';
const extendedKeyUsage = '2.5.29.37';
const timeStamping = '1.3.6.1.5.5.7.3.8';
/** SHA-256, SHA-384, SHA-512: a stamp by a broken hash can be moved to another text. */
const strongHashes: ReadonlySet<string> = new Set(['2.16.840.1.101.3.4.2.1', '2.16.840.1.101.3.4.2.2', '2.16.840.1.101.3.4.2.3']);
const sha256Algorithm = '2.16.840.1.101.3.4.2.1';

export type TokenCheck = {
  /** DER of the token, at most `maxTokenBytes`. */
  readonly token: Uint8Array;
  readonly checkpoint: Checkpoint;
  readonly authorities: Certificate[];
  /** What was asked with, as the bytes of its integer; absent where the token is only read. */
  readonly nonce?: Uint8Array;
};

/** A token with a long chain and revocation values is below a tenth. */
export const maxTokenBytes = 256 * 1024;

/** @throws {@link AuditError} `TALOS_AUDIT_BAD_TIMESTAMP` if the token does not say, under a trusted root, that this checkpoint existed. */
export async function verifyToken({ token, checkpoint, authorities, nonce }: TokenCheck): Promise<Timestamp> {
  if (token.length > maxTokenBytes) throw refuse(`it has more than ${maxTokenBytes} bytes`);
  const { signed, info } = readToken(token);
  const [signer, ...others] = signed.signerInfos;
  if (signer === undefined || others.length > 0) throw refuse('it is not signed by exactly one authority');
  if (!strongHashes.has(signer.digestAlgorithm.algorithmId)) throw refuse('its digest algorithm is not of the SHA-2 family');
  requireContentType(signer);
  if (info.messageImprint.hashAlgorithm.algorithmId !== sha256Algorithm) throw refuse('it stamps another hash than SHA-256');
  if (nonce !== undefined && !isNonce(info, nonce)) throw refuse('it does not answer this request');

  const certificate = await verifySigned(signed, { checkpoint, authorities });
  requirePurpose(certificate);
  await requireNamed(signer, certificate);
  return { time: latest(info), authority: nameOf(certificate), serial: hexOf(new Uint8Array(info.serialNumber.valueBlock.valueHexView)) };
}

function readToken(token: Uint8Array): { readonly signed: SignedData; readonly info: TSTInfo } {
  try {
    const content = ContentInfo.fromBER(Uint8Array.from(token));
    if (content.contentType !== signedData) throw refuse('it is no signed data');
    const signed = new SignedData({ schema: content.content });
    const { eContentType, eContent } = signed.encapContentInfo;
    if (eContentType !== tstInfo || eContent === undefined) throw refuse('it holds no time stamp');
    return { signed, info: TSTInfo.fromBER(eContent.getValue()) };
  } catch (cause) {
    if (AuditError.isInstance(cause)) throw cause;
    throw refuse('it is malformed', cause);
  }
}

/** Signature, imprint, and the chain as it was valid at the stamped time. */
async function verifySigned(signed: SignedData, { checkpoint, authorities }: Pick<TokenCheck, 'checkpoint' | 'authorities'>): Promise<Certificate> {
  const data = stampedText(checkpoint).buffer;
  let result;
  try {
    result = await signed.verify({ signer: 0, data, trustedCerts: authorities, checkChain: true, passedWhenNotRevValues: true, extendedMode: true });
  } catch (cause) {
    throw refuse('signature, stamped text or chain of certificates does not verify', cause);
  }
  if (result.signatureVerified !== true || result.signerCertificateVerified !== true || !result.signerCertificate)
    throw refuse('its signature does not verify');
  return result.signerCertificate;
}

/** RFC 5652 §5.3: content of this kind is signed through attributes, and they say its kind. */
function requireContentType(signer: SignerInfo): void {
  const values = attributeOf(signer, contentType);
  const [value] = values ?? [];
  if (values?.length !== 1 || (value as { readonly valueBlock: { toString(): string } }).valueBlock.toString() !== tstInfo)
    throw refuse('its signature is not over a time stamp');
}

/** RFC 3161 §2.3: the key is for time stamps and nothing else, and the extension that says so is critical. */
function requirePurpose(certificate: Certificate): void {
  const extension = certificate.extensions?.find(({ extnID }) => extnID === extendedKeyUsage);
  const usage: unknown = extension?.parsedValue;
  if (extension?.critical !== true || !(usage instanceof ExtKeyUsage) || usage.keyPurposes.length !== 1 || usage.keyPurposes[0] !== timeStamping)
    throw refuse('the certificate that signed it is not for time stamps alone');
}

/** RFC 5816: the signed attribute names the certificate, so that another one over the same key does not fit. */
async function requireNamed(signer: SignerInfo, certificate: Certificate): Promise<void> {
  const [value] = attributeOf(signer, signingCertificateV2) ?? [];
  const expected = await sha256(new Uint8Array(certificate.toSchema().toBER()));
  if (value === undefined || !sameBytes(certificateHash(value), expected)) throw refuse('it does not name the certificate that signed it, by SHA-256');
}

type Node = { readonly valueBlock: { readonly value?: readonly Node[]; readonly valueHexView?: Uint8Array }; readonly idBlock: { readonly tagNumber: number } };

/** SigningCertificateV2 → the first ESSCertIDv2 → certHash; `hashAlgorithm` is left out where it is SHA-256 (DER default). */
function certificateHash(value: unknown): Uint8Array | undefined {
  const first = (value as Node).valueBlock.value?.[0]?.valueBlock.value?.[0]?.valueBlock.value?.[0];
  return first?.idBlock.tagNumber === 4 ? first.valueBlock.valueHexView : undefined;
}

function attributeOf(signer: SignerInfo, type: string): readonly unknown[] | undefined {
  const found = (signer.signedAttrs?.attributes ?? []).filter((attribute) => attribute.type === type);
  return found.length === 1 ? found[0]?.values : undefined;
}

function isNonce(info: TSTInfo, nonce: Uint8Array): boolean {
  const got = info.nonce?.valueBlock.valueHexView;
  return got !== undefined && sameBytes(new Uint8Array(got), nonce);
}

/** Rounded up: it existed at this second at the latest. */
function latest({ genTime, accuracy }: TSTInfo): number {
  const { seconds = 0, millis = 0, micros = 0 } = accuracy ?? {};
  return Math.ceil(genTime.getTime() / 1000 + seconds + millis / 1e3 + micros / 1e6);
}

function nameOf(certificate: Certificate): string {
  return certificate.subject.typesAndValues.map(({ value }) => value.valueBlock.value).join(', ');
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function sameBytes(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && a.length === b.length && b.every((byte, i) => byte === a[i]);
}

export function refuse(reason: string, cause?: unknown): AuditError {
  return new AuditError({ code: 'TALOS_AUDIT_BAD_TIMESTAMP', message: `the time stamp was refused: ${reason}`, ...(cause === undefined ? {} : { cause }) });
}
