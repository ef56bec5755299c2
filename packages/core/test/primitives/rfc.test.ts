import { describe, expect, it } from 'vitest';
import { decodeHex, encodeHex } from '../../src/bytes/hex.ts';
import { encodeUtf8 } from '../../src/bytes/utf8.ts';
import { hkdfSha256, labelled, labels } from '../../src/primitives/kdf.ts';
import { codeOf } from '../errors/code-of.ts';
import { suites } from './suites.ts';

const range = (first: number, last: number): string => encodeHex(Uint8Array.from({ length: last - first + 1 }, (_, i) => first + i));
const text = (value: string): string => encodeHex(encodeUtf8(value));

/** FIPS 180-4 examples. */
const hashes = [
  ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  [text('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  [text('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq'), '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1'],
] as const;

/** RFC 4231 §4; the fifth is cut to 16 bytes there. */
const macs = [
  ['0b'.repeat(20), text('Hi There'), 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
  [text('Jefe'), text('what do ya want for nothing?'), '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'],
  ['aa'.repeat(20), 'dd'.repeat(50), '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe'],
  [range(1, 25), 'cd'.repeat(50), '82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b'],
  ['0c'.repeat(20), text('Test With Truncation'), 'a3b6167473100ee06e0c796c2955552b'],
  ['aa'.repeat(131), text('Test Using Larger Than Block-Size Key - Hash Key First'), '60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54'],
  [
    'aa'.repeat(131),
    text(
      'This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.',
    ),
    '9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2',
  ],
] as const;

/** RFC 5869 appendix A.1 to A.3. */
const derivations = [
  {
    ikm: '0b'.repeat(22),
    salt: range(0, 12),
    info: range(0xf0, 0xf9),
    okm: '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
  },
  {
    ikm: range(0, 0x4f),
    salt: range(0x60, 0xaf),
    info: range(0xb0, 0xff),
    okm: 'b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87',
  },
  { ikm: '0b'.repeat(22), salt: '', info: '', okm: '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8' },
];

/** RFC 8032 §7.1: seed, public key, message, signature. */
const signatures = [
  [
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
  [
    'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    'af82',
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  ],
  [
    '833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42',
    'ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf',
    'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
    'dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704',
  ],
] as const;

/** RFC 7748 §5.2: scalar, u coordinate, result. */
const multiplications = [
  [
    'a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4',
    'e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c',
    'c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552',
  ],
  [
    '4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d',
    'e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493',
    '95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957',
  ],
] as const;

const sunscreen = "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";

describe.each(suites)('the RFC vectors, $name suite', ({ suite }) => {
  it.each(hashes)('[SUITE-RFC] SHA-256 of %s', (data, digest) => {
    expect(encodeHex(suite.sha256(decodeHex(data)))).toBe(digest);
  });

  it.each(macs)('[SUITE-RFC] RFC 4231 HMAC under %s', (key, data, mac) => {
    expect(encodeHex(suite.hmacSha256(decodeHex(key), decodeHex(data))).slice(0, mac.length)).toBe(mac);
  });

  it.each(signatures)('[SUITE-RFC] RFC 8032 §7.1 seed %s', (seed, publicKey, message, signature) => {
    const secretKey = suite.importEd25519SecretKey(decodeHex(seed));
    expect(encodeHex(secretKey.publicKey.bytes)).toBe(publicKey);
    expect(encodeHex(suite.signEd25519(secretKey, decodeHex(message)))).toBe(signature);
    expect(() => suite.verifyEd25519(suite.importEd25519PublicKey(decodeHex(publicKey)), decodeHex(message), decodeHex(signature))).not.toThrow();
    expect(() => suite.verifyEd25519(secretKey.publicKey, decodeHex(message), decodeHex(signature))).not.toThrow();
  });

  it.each(multiplications)('[SUITE-RFC] RFC 7748 §5.2 scalar %s', (scalar, u, result) => {
    expect(encodeHex(suite.agreeX25519(suite.importX25519SecretKey(decodeHex(scalar)), suite.importX25519PublicKey(decodeHex(u))))).toBe(result);
  });

  it('[SUITE-RFC] RFC 7748 §5.2, 1,000 times over', () => {
    let k: Uint8Array = decodeHex('09'.padEnd(64, '0'));
    let u = k;
    for (let i = 0; i < 1000; i++) [k, u] = [suite.agreeX25519(suite.importX25519SecretKey(k), suite.importX25519PublicKey(u)), k];
    expect(encodeHex(k)).toBe('684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51');
  });

  it('[SUITE-RFC] RFC 7748 §6.1', () => {
    const alice = suite.importX25519SecretKey(decodeHex('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a'));
    const bob = suite.importX25519SecretKey(decodeHex('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb'));
    expect(encodeHex(alice.publicKey.bytes)).toBe('8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a');
    expect(encodeHex(bob.publicKey.bytes)).toBe('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f');
    const shared = '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742';
    expect(encodeHex(suite.agreeX25519(alice, bob.publicKey))).toBe(shared);
    expect(encodeHex(suite.agreeX25519(bob, alice.publicKey))).toBe(shared);
  });

  it('[SUITE-RFC] RFC 8439 §2.8.2', () => {
    const input = { key: decodeHex(range(0x80, 0x9f)), nonce: decodeHex('070000004041424344454647'), associatedData: decodeHex('50515253c0c1c2c3c4c5c6c7') };
    const ciphertext = suite.encryptAead({ ...input, plaintext: encodeUtf8(sunscreen) });
    expect(encodeHex(ciphertext)).toBe(
      'd31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691',
    );
    expect(suite.decryptAead({ ...input, ciphertext })).toEqual(encodeUtf8(sunscreen));
  });

  it('[SUITE-RFC] RFC 8439 appendix A.5', () => {
    const draft =
      'Internet-Drafts are draft documents valid for a maximum of six months and may be updated, replaced, or obsoleted by other documents at any time. It is inappropriate to use Internet-Drafts as reference material or to cite them other than as /\u201cwork in progress./\u201d';
    const input = {
      key: decodeHex('1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0'),
      nonce: decodeHex('000000000102030405060708'),
      associatedData: decodeHex('f33388860000000000004e91'),
    };
    const ciphertext = suite.encryptAead({ ...input, plaintext: encodeUtf8(draft) });
    expect(encodeHex(ciphertext.subarray(0, 16))).toBe('64a0861575861af460f062c79be643bd');
    expect(encodeHex(ciphertext.subarray(-16))).toBe('eead9d67890cbb22392336fea1851f38');
  });
});

describe('HKDF-SHA-256', () => {
  it.each(derivations)('[SUITE-RFC] RFC 5869 with salt $salt', ({ ikm, salt, info, okm }) => {
    const derived = hkdfSha256({ ikm: decodeHex(ikm), salt: decodeHex(salt), info: decodeHex(info), length: okm.length / 2 });
    expect(encodeHex(derived)).toBe(okm);
  });

  it('[SUITE-RFC] gives at most 255 blocks, and a shorter output is a prefix of a longer one', () => {
    const input = { ikm: Uint8Array.of(1), salt: new Uint8Array(0), info: new Uint8Array(0) };
    const longest = hkdfSha256({ ...input, length: 8160 });
    expect(longest).toHaveLength(8160);
    expect(hkdfSha256({ ...input, length: 0 })).toHaveLength(0);
    expect(hkdfSha256({ ...input, length: 33 })).toEqual(longest.slice(0, 33));
    expect(codeOf(() => hkdfSha256({ ...input, length: 8161 }))).toBe('TALOS_USAGE_ARGUMENT');
  });

  it('[KDF-LABELS] no label is another one or begins with it', () => {
    const all = Object.values(labels);
    for (const label of all) expect(all.filter((other) => other.startsWith(label))).toEqual([label]);
    expect(labelled('talos/1 root', Uint8Array.of(1), Uint8Array.of(2))).toEqual(Uint8Array.from([...encodeUtf8('talos/1 root'), 1, 2]));
  });
});
