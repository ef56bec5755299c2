/** Tokens that no authority would sign, over what a genuine one says: each breaks one rule that `openssl ts` keeps by itself. @module */
import { createHash, createPrivateKey } from 'node:crypto';
import { Integer, ObjectIdentifier, OctetString, Sequence } from 'asn1js';
import {
  Attribute,
  Certificate,
  ContentInfo,
  EncapsulatedContentInfo,
  IssuerAndSerialNumber,
  SignedAndUnsignedAttributes,
  SignedData,
  SignerInfo,
} from 'pkijs';

export type Forgery = {
  readonly genuine: Uint8Array;
  readonly certificate: string;
  readonly key: string;
  readonly contentType?: string;
  /** PEM of the certificate whose hash the signed attribute holds; default its own, `none` for no attribute. */
  readonly named?: string;
  readonly signers?: number;
};

const tstInfo = '1.2.840.113549.1.9.16.1.4';

export async function forgeToken({ genuine, certificate, key, contentType = tstInfo, named = certificate, signers = 1 }: Forgery): Promise<Uint8Array> {
  const content = new SignedData({ schema: ContentInfo.fromBER(Uint8Array.from(genuine)).content }).encapContentInfo.eContent!.getValue();
  const own = Certificate.fromBER(derOf(certificate));
  const signed = new SignedData({
    version: 3,
    encapContentInfo: new EncapsulatedContentInfo({ eContentType: tstInfo, eContent: new OctetString({ valueHex: content }) }),
    certificates: [own],
  });
  const secret = createPrivateKey(key).export({ type: 'pkcs8', format: 'der' });
  const subtle = await crypto.subtle.importKey('pkcs8', secret, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);
  for (let i = 0; i < signers; i++) {
    const attributes = [
      new Attribute({ type: '1.2.840.113549.1.9.3', values: [new ObjectIdentifier({ value: contentType })] }),
      new Attribute({ type: '1.2.840.113549.1.9.4', values: [new OctetString({ valueHex: hashOf(content) })] }),
      ...(named === 'none' ? [] : [naming(derOf(named))]),
    ];
    signed.signerInfos.push(
      new SignerInfo({
        version: 1,
        sid: new IssuerAndSerialNumber({
          issuer: own.issuer,
          serialNumber: new Integer({ valueHex: own.serialNumber.valueBlock.valueHexView.slice().buffer }),
        }),
        signedAttrs: new SignedAndUnsignedAttributes({ type: 0, attributes }),
      }),
    );
    await signed.sign(subtle, i, 'SHA-256');
  }
  return new Uint8Array(new ContentInfo({ contentType: '1.2.840.113549.1.7.2', content: signed.toSchema(true) }).toSchema().toBER());
}

/** SigningCertificateV2 of RFC 5816, SHA-256 left out as DER wants. */
function naming(certificate: Uint8Array): Attribute {
  const id = new Sequence({ value: [new OctetString({ valueHex: hashOf(certificate) })] });
  return new Attribute({ type: '1.2.840.113549.1.9.16.2.47', values: [new Sequence({ value: [new Sequence({ value: [id] })] })] });
}

function hashOf(bytes: ArrayBuffer | Uint8Array): ArrayBuffer {
  return Uint8Array.from(createHash('sha256').update(new Uint8Array(bytes)).digest()).buffer;
}

function derOf(pem: string): Uint8Array {
  return Uint8Array.from(Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64'));
}
