import { systemEnv } from '@talosprotocol/core';
import { capabilityFixture, call } from './benches/capability-fixture.ts';
import { admit, issueInvocation, verifyInvocation, memoryReplayStore, didKeys } from '@talosprotocol/core/capability';
import { canonicalJson } from '../../packages/core/src/bytes/canonical-json.ts';
import { parseStrictJson } from '../../packages/core/src/bytes/strict-json.ts';
import { decodeUtf8, encodeUtf8 } from '../../packages/core/src/bytes/utf8.ts';
import { opensToArgs } from '../../packages/core/src/capability/salted-commitment.ts';
import { readStatement, expectHeader, readStatementClaims } from '../../packages/core/src/capability/signed-claims.ts';
import { decodeBase64url, encodeAscii, sha256, verifyEd25519 } from '../../packages/core/src/primitives/node.ts';
const { context, issue, agent } = await capabilityFixture();
const { handle } = await admit(await issue(), context);
const N = 20000;
const request = { ...call, aud: context.audience, cap: handle!.cap, call: 'call_1' };
const proofs: any[] = [];
for (let i = 0; i < N; i++) proofs.push(await issueInvocation(request, { signer: agent.signer, env: systemEnv }));
const expected = expectHeader('talos-inv+jwt', proofs[0].token && JSON.parse(Buffer.from(proofs[0].token.split('.')[0], 'base64url').toString()).kid);
const flat = proofs.map((p) => Buffer.from(p.token).toString('latin1'));
const payloads = flat.map((t) => t.split('.')[1]);
const texts = payloads.map((t) => Buffer.from(t!, 'base64url').toString());
const bytes = payloads.map((t) => new Uint8Array(Buffer.from(t!, 'base64url')));
const inputs = flat.map((t) => t.slice(0, t.lastIndexOf('.')));
const sigs = flat.map((t) => t.slice(t.lastIndexOf('.') + 1));
const claims = texts.map((t) => JSON.parse(t));
function t(name: string, f: (i: number) => unknown) {
  for (let r = 0; r < 3; r++) for (let i = 0; i < N; i++) f(i);
  let best = 1e9;
  for (let r = 0; r < 7; r++) {
    const a = performance.now();
    for (let i = 0; i < N; i++) f(i);
    best = Math.min(best, ((performance.now() - a) * 1000) / N);
  }
  console.log(name.padEnd(36), best.toFixed(3));
}
console.log('token', flat[0]!.length, 'signing input', inputs[0]!.length);
t('readStatement flat', (i) => readStatement(flat[i], { type: 'talos-inv+jwt', maxLength: 4096, expected }));
t('readStatement rope', (i) => readStatement(proofs[i].token, { type: 'talos-inv+jwt', maxLength: 4096, expected }));
t('decodeBase64url payload', (i) => decodeBase64url(payloads[i]!));
t('Buffer.from only', (i) => Buffer.from(payloads[i]!, 'base64url'));
t('decodeUtf8', (i) => decodeUtf8(bytes[i]!));
t('latin1Slice', (i) => Buffer.prototype.latin1Slice.call(bytes[i]!));
t('parseStrictJson', (i) => parseStrictJson(texts[i]!, { maxDepth: 16 }));
t('JSON.parse', (i) => JSON.parse(texts[i]!));
t('sig decode', (i) => decodeBase64url(sigs[i]!));
t('encodeAscii', (i) => encodeAscii(inputs[i]!));
t('canonicalJson', () => canonicalJson(call.input));
t('opensToArgs', (i) => opensToArgs(claims[i].args_commit, call.input, proofs[i].salt));
t('sha256', (i) => sha256(bytes[i]!));
t('encodeUtf8', (i) => encodeUtf8(texts[i]!));
const replay = memoryReplayStore(systemEnv, { since: 0 });
const ids = claims.map((c) => c.jti);
let z = 0;
{
  let best = 1e9;
  for (let r = 0; r < 20; r++) {
    const a = performance.now();
    for (let i = 0; i < N; i++)
      await replay.add({ id: 'abcdefghijabcdefghijabcdefghijabcdefghijabc ' + ids[i] + z++, from: Date.now() + 1000, until: Date.now() + 60000 }, Date.now());
    best = Math.min(best, ((performance.now() - a) * 1000) / N);
  }
  console.log('replay.add', best.toFixed(3));
}
import { equalBytes } from '../../packages/core/src/bytes/equal.ts';
const room = '\0'.repeat(32);
t('equal', (i) => equalBytes(decodeBase64url(claims[i].args_commit), bytes[0]!.subarray(0, 32)));
t('decode commit', (i) => decodeBase64url(claims[i].args_commit));
t('template+canonical+encodeUtf8', () => encodeUtf8(`talos/commit/v1\0args\0${room}${canonicalJson(call.input)}`));
const te = new TextEncoder();
t('template+canonical+te', () => te.encode(`talos/commit/v1\0args\0${room}${canonicalJson(call.input)}`));
t('template+canonical+Buffer utf8', () => Buffer.from(`talos/commit/v1\0args\0${room}${canonicalJson(call.input)}`));
t('template+canonical', () => `talos/commit/v1\0args\0${room}${canonicalJson(call.input)}`.isWellFormed());
const pre = te.encode('talos/commit/v1\0args\0' + room);
t('te canonical', () => te.encode(canonicalJson(call.input)));
t('pre+canonical', () => {
  const b = te.encode(canonicalJson(call.input));
  const o = new Uint8Array(53 + b.length);
  o.set(pre);
  o.set(b, 53);
  return o;
});
const scratch = new Uint8Array(2048);
scratch.set(pre);
t('encodeInto', (i) => {
  scratch.set(proofs[i].salt, 21);
  const { written } = te.encodeInto(canonicalJson(call.input), scratch.subarray(53));
  return sha256(scratch.subarray(0, 53 + written));
});
import * as crypto from 'node:crypto';
t('hash buffer 150', (i) => crypto.hash('sha256', bytes[i]!.subarray(0, 150), 'buffer'));
t('hash b64url 150', (i) => crypto.hash('sha256', bytes[i]!.subarray(0, 150), 'base64url'));
t('hash hex 150', (i) => crypto.hash('sha256', bytes[i]!.subarray(0, 150), 'hex'));
