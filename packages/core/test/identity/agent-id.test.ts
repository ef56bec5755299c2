import { describe, expect, it } from 'vitest';
import { encodeBase58 } from '../../src/bytes/base58.ts';
import { decodeBase64url, encodeBase64url } from '../../src/bytes/base64url.ts';
import { concatBytes } from '../../src/bytes/concat.ts';
import { decodeHex, encodeHex } from '../../src/bytes/hex.ts';
import { formatAgentId, isAgentId, keyThumbprint, parseAgentId } from '../../src/identity/agent-id.ts';
import { importEd25519PublicKey, importEd25519SecretKey } from '../../src/primitives/node.ts';
import { codeOf } from '../errors/code-of.ts';

const honest = 'did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp';
const honestKey = parseAgentId(honest).bytes;
const did = (...parts: Uint8Array[]): string => `did:key:z${encodeBase58(concatBytes(...parts))}`;
const head = Uint8Array.of(0xed, 0x01);

/** The Ed25519 vectors of the did:key specification: seed and name. */
const vectors = [
  ['0000000000000000000000000000000000000000000000000000000000000000', honest],
  ['0000000000000000000000000000000000000000000000000000000000000001', 'did:key:z6MkjchhfUsD6mmvni8mCdXHw216Xrm9bQe2mBH1P5RDjVJG'],
  ['0000000000000000000000000000000000000000000000000000000000000002', 'did:key:z6MknGc3ocHs3zdPiJbnaaqDi58NGb4pk1Sp9WxWufuXSdxf'],
] as const;

const refused: readonly (readonly [why: string, text: unknown])[] = [
  ['an X25519 key', 'did:key:z6LSeu9HkTHSfLLeUs2nnzUSNedgDUevfNQgQjQC23ZCit6F'],
  ['a P-256 key', 'did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169'],
  ['a secp256k1 key', 'did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBme'],
  ['an X25519 head over an Ed25519 key', did(Uint8Array.of(0xec, 0x01), honestKey)],
  ['no head', did(honestKey)],
  ['a head that is not the shortest varint', did(Uint8Array.of(0xed, 0x81, 0x00), honestKey)],
  ['31 bytes', did(head, honestKey.subarray(1))],
  ['33 bytes', did(head, honestKey, Uint8Array.of(0))],
  ['no key', did(head)],
  ['a small-order key', did(head, Uint8Array.of(1, ...new Uint8Array(31)))],
  ['a key with y = p + 3', did(head, Uint8Array.of(0xf0, ...new Uint8Array(30).fill(255), 0x7f))],
  ['a leading zero byte', honest.replace('z6Mk', 'z16Mk')],
  ['97 characters of base58', `did:key:z${'6'.repeat(97)}`],
  ['a megabyte', `${honest}${'1'.repeat(1_000_000)}`],
  ['hex instead of base58', `did:key:fed01${encodeHex(honestKey)}`],
  ['base64url instead of base58', `did:key:u${encodeBase64url(concatBytes(head, honestKey))}`],
  ['upper case', honest.toUpperCase()],
  ['another method', honest.replace('did:key', 'did:web')],
  ['a fragment', `${honest}#${honest.slice(8)}`],
  ['a query', `${honest}?versionId=1`],
  ['a final space', `${honest} `],
  ['a final line feed', `${honest}\n`],
  ['a first space', ` ${honest}`],
  ['a truncated name', honest.slice(0, -1)],
  ['a letter that base58 has not', `${honest.slice(0, -1)}0`],
  ['the method alone', 'did:key:z'],
  ['nothing', ''],
  ['a number', 7],
  ['nothing at all', undefined],
];

describe('agent id', () => {
  it.each(vectors)('[ID-DID-KEY] the key of seed %s is %s', (seed, name) => {
    const { publicKey } = importEd25519SecretKey(decodeHex(seed));
    expect(formatAgentId(publicKey)).toBe(name);
    expect(parseAgentId(name).bytes).toEqual(publicKey.bytes);
    expect(isAgentId(name)).toBe(true);
    expect(name).toHaveLength(56);
  });

  it.each(refused)('[ID-DID-KEY] refuses %s', (_why, text) => {
    expect(codeOf(() => parseAgentId(text as string))).toBe('TALOS_IDENTITY_BAD_DID');
    expect(isAgentId(text)).toBe(false);
  });

  it('[ID-DID-KEY] every other last character names another key or none', () => {
    const others = Array.from('123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz', (character) => honest.slice(0, -1) + character);
    const keys = others.filter((text) => isAgentId(text)).map((text) => encodeHex(parseAgentId(text).bytes));
    expect(keys.filter((key) => key === encodeHex(honestKey))).toHaveLength(1);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('[ID-THUMBPRINT] is RFC 7638 of the OKP key (RFC 8037 appendix A.3)', () => {
    const key = importEd25519PublicKey(decodeBase64url('11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo'));
    expect(keyThumbprint(key)).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k');
  });
});
