import { createPrivateKey, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { signCheckpoint, verifyCheckpoint } from '../../src/audit/checkpoint.ts';
import { cosignCheckpoint, formatCosignerKey, makeCosignerKey, parseCosignerKey, verifyCosignatures } from '../../src/audit/cosignature.ts';
import { formatNote, parseNote, signNote, type NoteSignature } from '../../src/audit/signed-note.ts';
import { formatVerifierKey, makeVerifierKey } from '../../src/audit/verifier-key.ts';
import { caught, flipBit, hex, sha256Of, testSigner } from './support.ts';

const origin = 'acme.example/talos';
const log = testSigner();
const logKey = makeVerifierKey(origin, log.publicKey);
const note = await signCheckpoint({ origin, size: 5, root: new Uint8Array(32).fill(3) }, log);
const { text } = parseNote(note);
const [name, signer, time] = ['witness.example/w1', testSigner(9), 1_795_000_000];
const key = makeCosignerKey(name, signer.publicKey);
const cosigned = withLine(await cosignCheckpoint(note, { name, signer, time }));

function withLine(...lines: readonly NoteSignature[]): string {
  const { text: body, signatures } = parseNote(note);
  return formatNote({ text: body, signatures: [...signatures, ...lines] });
}

/** RFC 8032 by node:crypto, from the seed: nothing of ours takes part. */
function signedElsewhere(seedByte: number, message: string): Buffer {
  const prefix = Buffer.from('302e020100300506032b657004220420', 'hex');
  const privateKey = createPrivateKey({ key: Buffer.concat([prefix, Buffer.alloc(32, seedByte)]), format: 'der', type: 'pkcs8' });
  return sign(null, Buffer.from(message), privateKey);
}

describe('cosigner key', () => {
  it('[AUDIT-COSIGNATURE] is name, hash, type 0x04 and key, and is no key of a log', async () => {
    const keyData = Buffer.concat([Uint8Array.of(4), signer.publicKey.bytes]);
    const vkey = `${name}+${hex(sha256Of(Buffer.from(`${name}\n`), keyData)).slice(0, 8)}+${keyData.toString('base64')}`;
    expect(formatCosignerKey(key)).toBe(vkey);
    expect(parseCosignerKey(vkey)).toEqual(key);
    const published = 'remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2';
    expect(formatCosignerKey(parseCosignerKey(published))).toBe(published);
    const others = [formatVerifierKey(logKey), 'x', `${vkey} `, vkey.replace('+', '+0'), vkey.replace(/\+[0-9a-f]{8}\+/, '+00000000+')];
    for (const other of others) expect(await caught(() => parseCosignerKey(other)), other).toMatchObject({ code: 'TALOS_AUDIT_BAD_NOTE' });
  });
});

describe('cosignature', () => {
  it('[AUDIT-COSIGNATURE] is time and signature over header, time line and checkpoint, as node:crypto makes it', () => {
    const stamp = Buffer.alloc(8);
    stamp.writeBigUInt64BE(BigInt(time));
    const signature = signedElsewhere(9, `cosignature/v1\ntime ${time}\n${text}`);
    const line = `\u2014 ${name} ${Buffer.concat([key.keyId, stamp, signature]).toString('base64')}\n`;
    expect(cosigned).toBe(`${note}${line}`);
    expect(verifyCosignatures(cosigned, [key])).toEqual([{ name, keyId: key.keyId, time }]);
    expect(verifyCosignatures(Buffer.from(cosigned), [key])).toHaveLength(1);
    // The log's own signature is untouched by it.
    expect(verifyCheckpoint(cosigned, logKey).size).toBe(5);
  });

  it('[AUDIT-COSIGNATURE] each flipped bit of time and signature is found', async () => {
    const { signature } = await cosignCheckpoint(note, { name, signer, time });
    for (let bit = 0; bit < 8 * signature.length; bit++) {
      const changed = withLine({ name, keyId: key.keyId, signature: flipBit(signature, bit) });
      expect(await caught(() => verifyCosignatures(changed, [key])), `bit ${bit}`).toMatchObject({ code: 'TALOS_AUDIT_BAD_NOTE' });
    }
  });

  it('[AUDIT-COSIGNATURE] a cosignature of another checkpoint, of another witness, or a plain signature is refused', async () => {
    const other = await signCheckpoint({ origin, size: 6, root: new Uint8Array(32).fill(3) }, log);
    const moved = await cosignCheckpoint(other, { name, signer, time });
    const forged = { ...(await cosignCheckpoint(note, { name, signer: testSigner(10), time })), keyId: key.keyId };
    const plain = { ...(parseNote(await signNote({ text, name }, signer)).signatures[0] as NoteSignature), keyId: key.keyId };
    const padded = { name, keyId: key.keyId, signature: new Uint8Array(73) };
    const farFuture = { name, keyId: key.keyId, signature: new Uint8Array(72).fill(0xff) };
    for (const line of [moved, forged, plain, padded, farFuture])
      expect(await caught(() => verifyCosignatures(withLine(line), [key]))).toMatchObject({ code: 'TALOS_AUDIT_BAD_NOTE' });
  });

  it('[AUDIT-COSIGNATURE] unknown witnesses are passed over, a repeated line counts once, two keys of one id are refused', async () => {
    expect(verifyCosignatures(cosigned, [makeCosignerKey('witness.example/w2', signer.publicKey)])).toEqual([]);
    const line = await cosignCheckpoint(note, { name, signer, time });
    const later = await cosignCheckpoint(note, { name, signer, time: time + 60 });
    expect(verifyCosignatures(withLine(line, line, later), [key]).map((found) => found.time)).toEqual([time, time + 60]);
    expect(await caught(() => verifyCosignatures(cosigned, [key, key]))).toMatchObject({ code: 'TALOS_AUDIT_BAD_NOTE' });
  });

  it('[AUDIT-COSIGNATURE] one of a time to come is refused if the reader says what time it is', async () => {
    expect(verifyCosignatures(cosigned, [key], { notAfter: time })).toHaveLength(1);
    expect(await caught(() => verifyCosignatures(cosigned, [key], { notAfter: time - 1 }))).toMatchObject({ code: 'TALOS_AUDIT_BAD_NOTE' });
    for (const bad of [-1, 0.5, Number.NaN])
      expect(await caught(() => verifyCosignatures(cosigned, [key], { notAfter: bad }))).toMatchObject({ code: 'TALOS_USAGE_ARGUMENT' });
  });

  it('[AUDIT-COSIGNATURE] nothing but a checkpoint is cosigned, and no time that is none', async () => {
    const letter = await signNote({ text: 'hello\n', name: origin }, log);
    expect(await caught(() => cosignCheckpoint(letter, { name, signer, time }))).toMatchObject({ code: 'TALOS_AUDIT_BAD_NOTE' });
    for (const bad of [-1, 0.5, 2 ** 53, Number.NaN])
      expect(await caught(() => cosignCheckpoint(note, { name, signer, time: bad }))).toMatchObject({ code: 'TALOS_USAGE_ARGUMENT' });
  });
});
