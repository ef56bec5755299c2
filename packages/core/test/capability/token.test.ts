import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { encodeBase64url } from '../../src/bytes/base64url.ts';
import { encodeUtf8 } from '../../src/bytes/utf8.ts';
import { claims, forge, goodHeader, root, stranger, world } from './support.ts';

const b64 = (text: string): string => encodeBase64url(encodeUtf8(text));
const signature = 'A'.repeat(86);
const [header = '', payload = '', good = ''] = forge().split('.');

describe('compact JWS', () => {
  it.each([
    ['no dot', header],
    ['one dot', `${header}.${payload}`],
    ['three dots', `${header}.${payload}.${good}.`],
    ['five parts', `${header}..${payload}..${good}`],
    ['an empty header', `.${payload}.${good}`],
    ['an empty payload', `${header}..${good}`],
    ['an empty signature', `${header}.${payload}.`],
    ['a short signature', `${header}.${payload}.${good.slice(0, -4)}`],
    ['a long signature', `${header}.${payload}.${good}AAAA`],
    ['white space before', ` ${header}.${payload}.${good}`],
    ['a line feed after', `${header}.${payload}.${good}\n`],
    ['padding', `${header}.${payload}.${good}==`],
    ['the other alphabet', `${header}.${payload}.${good.slice(0, -2)}+/`],
    ['stray bits in the signature', `${header}.${payload}.${good.slice(0, -1)}${String.fromCodePoint(good.codePointAt(85)! + 1)}`],
    ['a chain of one', `["${header}.${payload}.${good}"]`],
    ['an empty link', `${header}.${payload}.${good}~`],
    ['a link of spaces', `${header}.${payload}.${good}~ ~${header}.${payload}.${good}`],
    ['a payload that is not UTF-8', `${header}.${encodeBase64url(Uint8Array.of(0x22, 0xff, 0x22))}.${signature}`],
    ['a payload with a byte order mark', `${header}.${b64(`\ufeff${JSON.stringify(claims())}`)}.${signature}`],
    ['a payload that is no JSON', `${header}.${b64('{v:1}')}.${signature}`],
    ['a payload that is null', `${header}.${b64('null')}.${signature}`],
    ['a payload that is a list', `${header}.${b64('[]')}.${signature}`],
    ['text after the payload', `${header}.${b64(`${JSON.stringify(claims())} {}`)}.${signature}`],
    ['a number outside I-JSON', `${header}.${b64(JSON.stringify(claims()).replace('"epoch":0', '"epoch":9007199254740993'))}.${signature}`],
    ['a lone surrogate', `${header}.${b64(JSON.stringify(claims()).replace('"epoch":0', '"epoch":0,"task":"\\ud800"'))}.${signature}`],
    ['nesting above 16', `${header}.${b64(JSON.stringify(claims({ ext: JSON.parse('{"a":'.repeat(16) + '1' + '}'.repeat(16)) })))}.${signature}`],
    ['deep nesting', `${header}.${b64('['.repeat(5000))}.${signature}`],
  ])('[CAP-STRICT-TOKEN] %s is malformed', async (_title, token) => {
    expect(await world().refusal(token)).toMatchObject({ code: 'MALFORMED' });
  });

  it.each([
    ['a claim', '"epoch":0', '"epoch":0,"epoch":0'],
    ['a claim with an escape', '"epoch":0', '"epoch":0,"\\u0065poch":1'],
    ['an argument', '"*":"any"', '"q":"any","q":{"len":{"max":1}}'],
    ['a member of the holder key', '"kty":"OKP"', '"kty":"OKP","kty":"OKP"'],
  ])('[CAP-STRICT-TOKEN] %s that stands twice is malformed, though properly signed', async (_title, from, to) => {
    const text = JSON.stringify(claims());
    expect(text).toContain(from);
    expect(await world().refusal(forge({ payload: text.replace(from, to) }))).toMatchObject({ code: 'MALFORMED' });
  });

  it('[CAP-STRICT-TOKEN] white space and member order inside the signed JSON are the issuer’s business', async () => {
    const text = JSON.stringify(Object.fromEntries(Object.entries(claims()).toReversed()), null, 2);
    expect(await world().refusal(forge({ payload: text, header: JSON.stringify(goodHeader(), null, 1) }))).toBeUndefined();
  });
});

describe('header', () => {
  it.each(['none', 'None', 'HS256', 'RS256', 'ES256', 'ES256K', 'PS256', 'Ed448', 'ed25519', 'ML-DSA-44', ''])('[CAP-ALG] alg %s is refused', async (alg) => {
    expect(await world().refusal(forge({ header: { ...goodHeader(), alg } }))).toMatchObject({ code: 'ALG_REFUSED', class: 'SIGNATURE_INVALID' });
  });

  it('[CAP-ALG] an unsigned token is refused', async () => {
    expect(await world().refusal(`${b64(JSON.stringify({ ...goodHeader(), alg: 'none' }))}.${payload}.`)).toMatchObject({ code: 'ALG_REFUSED' });
  });

  it('[CAP-ALG] the public key used as an HMAC key is refused', async () => {
    const input = `${b64(JSON.stringify({ ...goodHeader(), alg: 'HS256' }))}.${payload}`;
    const mac = createHmac('sha256', root.publicKey.bytes).update(input).digest('base64url');
    expect(await world().refusal(`${input}.${mac}`)).toMatchObject({ code: 'ALG_REFUSED' });
  });

  it('[CAP-ALG] EdDSA is accepted and never emitted', async () => {
    const { refusal, issue } = world();
    expect(await refusal(forge({ header: { ...goodHeader(), alg: 'EdDSA' } }))).toBeUndefined();
    expect(JSON.parse(Buffer.from((await issue([])).split('.')[0]!, 'base64url').toString())).toMatchObject({ alg: 'Ed25519', typ: 'talos-cap+jwt' });
  });

  it.each([
    ['no alg', { alg: undefined }],
    ['alg as a list', { alg: ['Ed25519'] }],
    ['no typ', { typ: undefined }],
    ['a plain JWT', { typ: 'JWT' }],
    ['an access token', { typ: 'at+jwt' }],
    ['an invocation', { typ: 'talos-inv+jwt' }],
    ['an approval', { typ: 'talos-approval+jwt' }],
    ['typ in other case', { typ: 'Talos-Cap+JWT' }],
    ['typ as a full media type', { typ: 'application/talos-cap+jwt' }],
    ['no kid', { kid: undefined }],
    ['a kid that is a DID', { kid: 'did:key:z6Mk#z6Mk' }],
    ['crit', { crit: ['exp'] }],
    ['b64', { b64: false }],
    ['an embedded key', { jwk: { kty: 'OKP' } }],
    ['a key by URL', { jku: 'https://evil.example/keys' }],
    ['a certificate', { x5c: [] }],
    ['compression', { zip: 'DEF' }],
  ])('[CAP-HEADER] %s is malformed', async (_title, changes) => {
    expect(await world().refusal(forge({ header: { ...goodHeader(), ...changes } }))).toMatchObject({ code: 'MALFORMED' });
  });

  it.each(['null', '[]', '"Ed25519"', '1', '{', ''])('[CAP-HEADER] a header that is %s is malformed', async (text) => {
    expect(await world().refusal(forge({ header: text }))).toMatchObject({ code: 'MALFORMED' });
  });

  it('[CAP-HEADER] what looks like our own header but hides members in kid finds no key', async () => {
    const kid = `x","crit":["a"],"y":"${'z'.repeat(43)}`.slice(0, 43);
    expect(await world().refusal(forge({ header: `{"alg":"Ed25519","typ":"talos-cap+jwt","kid":"${kid}"}` }))).toMatchObject({ code: 'KEY_UNRESOLVED' });
  });

  it('[CAP-SIGNATURE] a signature by another key, over another payload or of zeros is refused', async () => {
    const { refusal } = world();
    expect(await refusal(forge({ key: stranger }))).toMatchObject({ code: 'SIG_BAD' });
    expect(await refusal(`${header}.${b64(JSON.stringify(claims({ epoch: 1 })))}.${good}`)).toMatchObject({ code: 'SIG_BAD' });
    expect(await refusal(`${header}.${payload}.${signature}`)).toMatchObject({ code: 'SIG_BAD' });
  });
});
