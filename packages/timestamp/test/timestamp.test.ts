import { systemEnv } from '@talosprotocol/core';
import { memoryAuditStore, openAuditLog, parseCheckpoint, signCheckpoint, type AuditLog, type Checkpoint } from '@talosprotocol/core/audit';
import { assembleEvidence, verifyEvidence } from '@talosprotocol/core/evidence';
import { generateSigner } from '@talosprotocol/core/identity';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { requestTimestamp, stampCheckpoint, timestampVerifier } from '../src/index.ts';
import { authority, noAuthority, removeAuthorities, serve, type Authority } from './authority.ts';
import { forgeToken, type Forgery } from './forge-token.ts';

const signer = generateSigner(systemEnv);
const closers: (() => Promise<void>)[] = [];
afterEach(async () => void (await Promise.all(closers.splice(0).map((close) => close()))));
afterAll(removeAuthorities);

const trusted = noAuthority === undefined ? authority() : { root: '', certificate: '', key: '', answer: () => Buffer.alloc(0) };

async function listening(answer: Parameters<typeof serve>[0]): Promise<string> {
  const { url, close } = await serve(answer);
  closers.push(close);
  return url;
}

async function openLog(): Promise<AuditLog> {
  return openAuditLog({ store: memoryAuditStore(), origin: 'acme.example/log', signer, env: systemEnv });
}

/** A checkpoint of a made-up tree, signed. */
async function checkpointOf(size: number): Promise<{ readonly note: string; readonly checkpoint: Checkpoint }> {
  const checkpoint = { origin: 'acme.example/log', size, root: new Uint8Array(32).fill(size) };
  return { note: await signCheckpoint(checkpoint, signer), checkpoint };
}

async function tokenBy({ answer, root }: Authority, note: string, authorities: readonly string[] = [root]): Promise<Uint8Array> {
  return (await requestTimestamp({ url: await listening(answer), checkpoint: note, authorities })).token;
}

async function codeOf(work: () => unknown): Promise<string> {
  try {
    await work();
    return 'no error';
  } catch (error) {
    return String((error as { readonly code?: unknown }).code ?? error);
  }
}

describe.skipIf(noAuthority !== undefined)(`a time stamp${noAuthority === undefined ? '' : `: ${noAuthority}`}`, () => {
  it('[TSA-STAMP] is requested, recorded as an anchor, and verified in an evidence file', async () => {
    const log = await openLog();
    const before = Math.floor(Date.now() / 1000);
    const stamp = await stampCheckpoint(log, { url: await listening(trusted.answer), authorities: [trusted.root] });
    expect(stamp.authority).toBe('Test authority');
    expect(stamp.time).toBeGreaterThanOrEqual(before);
    expect((await log.entry(1)).entry).toMatchObject({
      type: 'anchor',
      anchor: 'rfc3161',
      size: 1,
      stamped: stamp.time,
      token: expect.stringMatching(/^[0-9a-f]{64}$/),
    });

    const file = await assembleEvidence({ logs: [{ log, since: [1] }], foreign: [stamp.evidence] });
    const report = await verifyEvidence(file, { logs: [log.verifierKey], verifiers: [timestampVerifier({ authorities: [trusted.root] })] });
    expect(report.claims.find(({ kind }) => kind === 'foreign')).toMatchObject({ status: 'verified', time: stamp.time });
    // Without the plug, and with another authority in it, it is not green.
    const unplugged = await verifyEvidence(file, { logs: [log.verifierKey] });
    expect(unplugged.claims.find(({ kind }) => kind === 'foreign')).toMatchObject({ status: 'not-checked', code: 'NO_VERIFIER' });
    const mistrusted = await verifyEvidence(file, { logs: [log.verifierKey], verifiers: [timestampVerifier({ authorities: [authority().root] })] });
    expect(mistrusted.claims.find(({ kind }) => kind === 'foreign')).toMatchObject({ status: 'failed', code: 'FOREIGN_REFUSED' });
  });

  it('[TSA-STAMP] of an authority with an RSA key and a larger digest is verified too', async () => {
    const rsa = authority({ key: 'rsa', digest: 'sha512' });
    const { note } = await checkpointOf(7);
    const token = await tokenBy(rsa, note);
    const verifier = timestampVerifier({ authorities: [trusted.root, rsa.root] });
    expect(await verifier.verify({ data: token, checkpoint: parseCheckpoint(note), note })).toMatchObject({
      detail: expect.stringMatching(/^Test authority stamped it by 20/),
    });
  });

  it('[TSA-ATTACKS] of another checkpoint, by another authority, or for another purpose is refused', async () => {
    const { note, checkpoint } = await checkpointOf(7);
    const token = await tokenBy(trusted, note);
    const verify = (data: Uint8Array, by: Authority, of: Checkpoint = checkpoint) =>
      codeOf(() => timestampVerifier({ authorities: [by.root] }).verify({ data, checkpoint: of, note }));
    expect(await verify(token, trusted)).toBe('no error');
    expect(await verify(token, trusted, { ...checkpoint, size: 8 })).toBe('TALOS_AUDIT_BAD_TIMESTAMP');
    expect(await verify(token, trusted, { ...checkpoint, root: new Uint8Array(32) })).toBe('TALOS_AUDIT_BAD_TIMESTAMP');
    expect(await verify(token, trusted, { ...checkpoint, origin: 'evil.example/log' })).toBe('TALOS_AUDIT_BAD_TIMESTAMP');
    // The same name over another key.
    expect(await verify(token, authority())).toBe('TALOS_AUDIT_BAD_TIMESTAMP');

    const unfit: Record<string, Authority> = {
      'expired when it stamped': authority({ days: -1 }),
      'naming its certificate by SHA-1': authority({ essHash: 'sha1' }),
      'signing by SHA-1': authority({ digest: 'sha1' }),
    };
    for (const [what, by] of Object.entries(unfit)) {
      const url = await listening(by.answer);
      expect(await codeOf(() => requestTimestamp({ url, checkpoint: note, authorities: [by.root] })), what).toBe('TALOS_AUDIT_BAD_TIMESTAMP');
    }
  });

  it('[TSA-ATTACKS] that breaks one rule of RFC 3161, and is signed, is refused', async () => {
    const { note, checkpoint } = await checkpointOf(7);
    const genuine = await tokenBy(trusted, note);
    const verify = async (by: Authority, change: Partial<Forgery> = {}) => {
      const data = await forgeToken({ genuine, certificate: by.certificate, key: by.key, ...change });
      return codeOf(() => timestampVerifier({ authorities: [by.root] }).verify({ data, checkpoint, note }));
    };
    // What is forged is good but for the one rule.
    expect(await verify(trusted)).toBe('no error');
    expect(await verify(trusted, { contentType: '1.2.840.113549.1.7.1' })).toBe('TALOS_AUDIT_BAD_TIMESTAMP');
    expect(await verify(trusted, { named: 'none' })).toBe('TALOS_AUDIT_BAD_TIMESTAMP');
    expect(await verify(trusted, { named: trusted.root })).toBe('TALOS_AUDIT_BAD_TIMESTAMP');
    expect(await verify(trusted, { signers: 2 })).toBe('TALOS_AUDIT_BAD_TIMESTAMP');
    for (const usage of ['timeStamping', 'critical,serverAuth', 'critical,timeStamping,serverAuth']) {
      expect(await verify(authority({ usage })), usage).toBe('TALOS_AUDIT_BAD_TIMESTAMP');
    }
  });

  it('[TSA-ATTACKS] that is cut anywhere is refused, and with any byte changed is refused or says the same', async () => {
    const { note, checkpoint } = await checkpointOf(7);
    const token = await tokenBy(trusted, note);
    const verifier = timestampVerifier({ authorities: [trusted.root] });
    const genuine = await verifier.verify({ data: token, checkpoint, note });
    const outcomes = { refused: 0, same: 0 };
    for (let at = 0; at < token.length; at++) {
      const changed = Uint8Array.from(token);
      changed[at] = (changed[at] as number) ^ 1;
      try {
        // CMS leaves bytes unsigned: versions, and certificates that the chain does not need.
        expect(await verifier.verify({ data: changed, checkpoint, note }), `byte ${at}`).toEqual(genuine);
        outcomes.same++;
      } catch (error) {
        expect((error as { readonly code?: string }).code, `byte ${at}: ${String(error)}`).toBe('TALOS_AUDIT_BAD_TIMESTAMP');
        outcomes.refused++;
      }
      if (at % 16 === 0) expect(await codeOf(() => verifier.verify({ data: token.subarray(0, at), checkpoint, note }))).toBe('TALOS_AUDIT_BAD_TIMESTAMP');
    }
    expect(outcomes.refused).toBeGreaterThan(token.length * 0.6);
    expect(await codeOf(() => verifier.verify({ data: new Uint8Array(300 * 1024), checkpoint, note }))).toBe('TALOS_AUDIT_BAD_TIMESTAMP');
  });
});

describe.skipIf(noAuthority !== undefined)(`asking for one${noAuthority === undefined ? '' : `: ${noAuthority}`}`, () => {
  it('[TSA-REQUEST] an answer to another request is refused', async () => {
    const { note } = await checkpointOf(7);
    let kept: Buffer | undefined;
    const replaying = await listening((query) => (kept ??= trusted.answer(query)));
    const ask = () => codeOf(() => requestTimestamp({ url: replaying, checkpoint: note, authorities: [trusted.root] }));
    expect(await ask()).toBe('no error');
    expect(await ask()).toBe('TALOS_AUDIT_BAD_TIMESTAMP');
  });

  it('[TSA-REQUEST] refusal, silence, nonsense and too much are told apart, and the log goes on', async () => {
    const log = await openLog();
    const closed = await serve(() => 500);
    await closed.close();
    const refusal = Buffer.from('30053003020102', 'hex');
    const cases: [string, string][] = [
      [await listening(() => 503), 'TALOS_TRANSPORT_UNREACHABLE'],
      [closed.url, 'TALOS_TRANSPORT_UNREACHABLE'],
      [await listening(() => new Uint8Array(300 * 1024)), 'TALOS_TRANSPORT_UNREACHABLE'],
      [await listening(() => refusal), 'TALOS_TRANSPORT_REFUSED'],
      [await listening(() => Buffer.from('no answer')), 'TALOS_AUDIT_BAD_TIMESTAMP'],
      ['nowhere', 'TALOS_USAGE_ARGUMENT'],
    ];
    for (const [url, code] of cases) expect(await codeOf(() => stampCheckpoint(log, { url, authorities: [trusted.root] })), url).toBe(code);
    const broken = '-----BEGIN CERTIFICATE-----\nAAAAA\n-----END CERTIFICATE-----';
    expect(await codeOf(async () => timestampVerifier({ authorities: [broken] }))).toBe('TALOS_USAGE_ARGUMENT');
    expect(await codeOf(() => stampCheckpoint(log, { url: 'http://127.0.0.1:1/', authorities: ['no certificate'] }))).toBe('TALOS_USAGE_ARGUMENT');
    expect(log.size).toBe(1);
    await log.append({ type: 'config' });
    expect(log.size).toBe(2);
  });
});
