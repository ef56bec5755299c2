import { createHash } from 'node:crypto';
import { statSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { systemEnv, type Env } from '@talosprotocol/core';
import {
  memoryAuditStore,
  memoryCosignatureStore,
  measureUnwitnessed,
  openAuditLog,
  parseCosignerKey,
  parseTlogPolicy,
  parseEquivocation,
  parseVerifierKey,
  signCheckpoint,
  verifyCosignatures,
  verifyEquivocation,
  formatWitnessRequest,
  type AuditLog,
  type Witness,
} from '@talosprotocol/core/audit';
import { generateSigner } from '@talosprotocol/core/identity';
import { httpWitness } from '@talosprotocol/core/web';
import { runWitnessToEnd, witnessProcess } from './relay-process.ts';
import { closeAll, codeOf, onClose, temporaryFolder, until as untilWithin, witnessHere } from './support.ts';

afterEach(closeAll);

/** On a loaded machine too. */
const until = (condition: () => boolean | Promise<boolean>): Promise<void> => untilWithin(condition, 60_000);

const origin = 'acme.example/talos';
const [logSigner, witnessSigner] = [generateSigner(systemEnv), generateSigner(systemEnv)];
const name = 'witness.example/w1';
/** No checkpoint by itself: the tests say when. */
const never = { entries: 1e9, ms: 3_600_000 };

type Options = { readonly witnesses?: readonly Witness[]; readonly env?: Env };
async function logHere({ witnesses = [], env = systemEnv }: Options = {}) {
  const [store, cosignatures, errors] = [memoryAuditStore(), memoryCosignatureStore(), [] as unknown[]];
  const log = await openAuditLog({
    store,
    signer: logSigner,
    origin,
    env,
    checkpointEvery: never,
    witnesses: { list: witnesses, cosignatures },
    onError: (error) => errors.push(error),
  });
  onClose(() => log.close());
  return { log, store, cosignatures, errors };
}

async function grow(log: AuditLog, count: number): Promise<string> {
  await Promise.all(Array.from({ length: count }, (_, n) => log.append({ type: 'config', n })));
  return log.checkpoint();
}

async function proof(log: AuditLog, oldSize: number, newSize: number): Promise<readonly Uint8Array[]> {
  return oldSize === 0 ? [] : (await log.proveConsistency(oldSize, newSize)).proof;
}

function post(url: string, body: string | Uint8Array): Promise<Response> {
  return fetch(`${url}/add-checkpoint`, { method: 'POST', body: body as string });
}

describe('tlog-witness', () => {
  it('[WIT-PROTOCOL] cosigns a first checkpoint and each that continues it, and shows the last to monitors', async () => {
    const { log } = await logHere();
    const witness = await witnessHere({ name, signer: witnessSigner, logs: [log.verifierKey] });
    const key = parseCosignerKey(witness.key);
    let oldSize = 0;
    for (const count of [1, 3, 8]) {
      const note = await grow(log, count);
      const answer = await post(witness.url, formatWitnessRequest({ oldSize, proof: await proof(log, oldSize, log.size), note }));
      expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/plain; charset=utf-8']);
      const lines = await answer.text();
      expect(lines).toMatch(/^\u2014 witness\.example\/w1 \S+\n$/);
      expect(verifyCosignatures(`${note}${lines}`, [key], { notAfter: (Date.now() / 1000 + 60) | 0 })).toHaveLength(1);
      const hash = createHash('sha256').update(origin).digest('hex');
      const shown = await fetch(`${witness.url}/${hash}/checkpoint`);
      expect(await shown.text()).toBe(`${note}${lines}`);
      oldSize = log.size;
    }
    // The same again: a log whose answer was lost.
    const again = await post(witness.url, formatWitnessRequest({ oldSize, proof: [], note: await log.checkpoint() }));
    expect(again.status).toBe(200);
  });

  it('[WIT-PROTOCOL] refuses with 400, 403, 404, 409 and 422, each for its reason', async () => {
    const { log } = await logHere();
    const witness = await witnessHere({ name, signer: witnessSigner, logs: [log.verifierKey] });
    const first = await grow(log, 4);
    const size = log.size;
    expect((await post(witness.url, formatWitnessRequest({ oldSize: 0, proof: [], note: first }))).status).toBe(200);
    const note = await grow(log, 4);
    const good = await proof(log, size, log.size);
    const at = async (body: string) => (await post(witness.url, body)).status;
    for (const body of [
      '',
      'old 0\n',
      'old 01\n\nx',
      `old +0\n\n${note}`,
      `old 0\n${note}`,
      `old 0\nAAAA\n\n${note}`,
      `old 9007199254740993\n\n${note}`,
      'old 0\n\nhello\n',
    ])
      expect(await at(body), body.slice(0, 20)).toBe(400);
    expect(await at(formatWitnessRequest({ oldSize: log.size + 1, proof: [], note }))).toBe(400);
    expect(await at(formatWitnessRequest({ oldSize: size, proof: Array.from({ length: 64 }, () => new Uint8Array(32)), note }))).toBe(400);
    const foreign = await signCheckpoint({ origin: 'other.example', size: 1, root: new Uint8Array(32) }, logSigner);
    expect(await at(formatWitnessRequest({ oldSize: 0, proof: [], note: foreign }))).toBe(404);
    const forged = await signCheckpoint({ origin, size: 100, root: new Uint8Array(32) }, witnessSigner);
    expect(await at(formatWitnessRequest({ oldSize: size, proof: good, note: forged }))).toBe(403);
    for (const oldSize of [0, size - 1, size + 1]) {
      const answer = await post(witness.url, formatWitnessRequest({ oldSize, proof: [], note }));
      expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([409, 'text/x.tlog.size', `${size}\n`]);
    }
    for (const bad of [[], good.slice(1), [...good, new Uint8Array(32)], good.map(() => new Uint8Array(32))])
      expect(await at(formatWitnessRequest({ oldSize: size, proof: bad, note }))).toBe(422);
    expect(await at(formatWitnessRequest({ oldSize: size, proof: good, note }))).toBe(200);
    expect((await fetch(`${witness.url}/add-checkpoint`)).status).toBe(405);
    expect((await fetch(`${witness.url}/${'0'.repeat(64)}/checkpoint`)).status).toBe(404);
  });

  it('[WIT-NO-FORK] another root of a cosigned size is refused, and the proof of it verifies with the log’s key alone', async () => {
    const [{ log }, { log: fork }] = [await logHere(), await logHere()];
    const witness = await witnessHere({ name, signer: witnessSigner, logs: [log.verifierKey] });
    const [note, other] = [await grow(log, 4), await grow(fork, 4)];
    expect((await post(witness.url, formatWitnessRequest({ oldSize: 0, proof: [], note }))).status).toBe(200);
    const answer = await post(witness.url, formatWitnessRequest({ oldSize: log.size, proof: [], note: other }));
    expect([answer.status, answer.headers.get('content-type')]).toEqual([409, 'text/plain; charset=utf-8']);
    const files = witness.equivocations(origin);
    expect(files).toHaveLength(1);
    const { older, newer } = verifyEquivocation(parseEquivocation(files[0] as string), log.verifierKey);
    expect([older.size, newer.size]).toEqual([5, 5]);
    // A longer one of the fork is inconsistent.
    const longer = await grow(fork, 4);
    const answer422 = await post(witness.url, formatWitnessRequest({ oldSize: 5, proof: await proof(fork, 5, fork.size), note: longer }));
    expect(answer422.status).toBe(422);
  });

  it('[WIT-NO-FORK] of two logs that race with one old size one is cosigned', async () => {
    const [{ log }, { log: fork }] = [await logHere(), await logHere()];
    const witness = await witnessHere({ name, signer: witnessSigner, logs: [log.verifierKey] });
    const notes = [await grow(log, 4), await grow(fork, 7)];
    const racing = Array.from({ length: 40 }, (_, n) => post(witness.url, formatWitnessRequest({ oldSize: 0, proof: [], note: notes[n % 2] as string })));
    const cosigned = (await Promise.all(racing)).map(({ status }, n) => ({ status, fork: n % 2 })).filter(({ status }) => status === 200);
    expect(cosigned).toHaveLength(1);
  });

  it('[WIT-BOUNDED] an over-long request, a flood, and a log of nobody are refused', async () => {
    const { log } = await logHere();
    const env: Env = { ...systemEnv, monotonic: () => 0 };
    const witness = await witnessHere({ name, signer: witnessSigner, logs: [log.verifierKey], env, limits: { requestsPerMinute: 3 } });
    expect(await tooLong(witness.url)).toBe(413);
    const note = await grow(log, 1);
    const statuses: number[] = [];
    for (let n = 0; n < 5; n++) statuses.push((await post(witness.url, formatWitnessRequest({ oldSize: 0, proof: [], note }))).status);
    // A size that it does not know costs no signature. The same tree again does, and anybody can ask for it.
    expect(statuses).toEqual([200, 409, 409, 409, 409]);
    const again = async (): Promise<number> => (await post(witness.url, formatWitnessRequest({ oldSize: log.size, proof: [], note }))).status;
    expect([await again(), await again(), await again(), await again()]).toEqual([200, 200, 200, 429]);
    for (const status of [200, 200, 429]) {
      const oldSize = log.size;
      const larger = await grow(log, 1);
      expect((await post(witness.url, formatWitnessRequest({ oldSize, proof: await proof(log, oldSize, log.size), note: larger }))).status).toBe(status);
    }
    // Who has not the log's key takes nothing of its share, and is answered.
    const forged = await signCheckpoint({ origin, size: 100, root: new Uint8Array(32) }, witnessSigner);
    expect((await post(witness.url, formatWitnessRequest({ oldSize: 0, proof: [], note: forged }))).status).toBe(403);
    const tooMany = Array.from({ length: 2 }, () => log.verifierKey);
    expect(await codeOf(witnessHere({ name, signer: witnessSigner, logs: tooMany, limits: { logs: 1 } }))).toBe('TALOS_USAGE_OPTIONS');
  });
});

function tooLong(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const sending = httpRequest(`${url}/add-checkpoint`, { method: 'POST' }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sending.on('error', reject);
    sending.write(Buffer.alloc(70 * 1024, 'x'));
  });
}

describe('a log and its witnesses', () => {
  it('[AUDIT-WITNESS] [AUDIT-UNWITNESSED] every checkpoint is handed in, what comes back is kept and verifies, and the longest span between is told', async () => {
    const signers = [generateSigner(systemEnv), generateSigner(systemEnv)];
    const { log: unwitnessed } = await logHere();
    const servers = await Promise.all(signers.map((signer, n) => witnessHere({ name: `w${n}.example`, signer, logs: [unwitnessed.verifierKey] })));
    const { log, store, cosignatures, errors } = await logHere({ witnesses: servers.map(({ url, key }) => httpWitness({ url, key })) });
    await grow(log, 3);
    await until(() => log.witnesses.every(({ cosignedSize }) => cosignedSize === 4));
    await grow(log, 3);
    await until(() => log.witnesses.every(({ cosignedSize }) => cosignedSize === 7));
    const policy = parseTlogPolicy(`${servers.map(({ key }, n) => `witness w${n} ${key}\n`).join('')}group both all w0 w1\nquorum both\n`);
    const key = parseVerifierKey(log.verifierKey);
    expect(await cosignatures.loadCosignatures(0, 100)).toHaveLength(4);
    const found = await measureUnwitnessed({ store, cosignatures, policy, log: key });
    expect(found).toMatchObject({ witnessedSize: 7, longest: { from: 0, to: 4 } });
    await Promise.all(Array.from({ length: 9 }, () => log.append({ type: 'config' })));
    expect(await measureUnwitnessed({ store, cosignatures, policy, log: key, nowS: (found.witnessedAt as number) + 500 })).toMatchObject({
      longest: { from: 7, to: 16 },
      longestSeconds: 500,
    });
    expect(errors).toEqual([]);
  });

  it('[AUDIT-WITNESS] a witness that is away delays nothing, and is asked again until it answers', async () => {
    const folder = temporaryFolder();
    const gone = await witnessHere({ name, signer: witnessSigner, logs: [], path: join(folder, 'w.db') });
    await gone.close();
    // Retries come when this clock says so.
    const due: (() => void)[] = [];
    const env: Env = { ...systemEnv, after: (_, run) => (due.push(run), () => undefined) };
    const { log, errors } = await logHere({ env, witnesses: [httpWitness({ url: gone.url, key: gone.key })] });
    for (let n = 0; n < 3; n++) await grow(log, 10);
    expect(log.size).toBe(31);
    await until(() => errors.length > 0);
    expect(errors[0]).toMatchObject({ code: 'TALOS_TRANSPORT_UNREACHABLE', retryable: true });
    const back = await witnessHere({ name, signer: witnessSigner, logs: [log.verifierKey], path: join(folder, 'w.db'), port: gone.port });
    await until(() => {
      for (const run of due.splice(0)) run();
      return log.witnesses[0]?.cosignedSize === 31;
    });
    expect(back.equivocations(origin)).toEqual([]);
  });

  it('[AUDIT-WITNESS] an answer without the witness’s cosignature is not kept', async () => {
    const { log: other } = await logHere();
    const liar = await witnessHere({ name, signer: generateSigner(systemEnv), logs: [other.verifierKey] });
    const honest = await witnessHere({ name, signer: witnessSigner, logs: [other.verifierKey] });
    const { log, cosignatures, errors } = await logHere({ witnesses: [httpWitness({ url: liar.url, key: honest.key })] });
    await grow(log, 3);
    await until(() => errors.length > 0);
    expect(errors[0]).toMatchObject({ code: 'TALOS_TRANSPORT_PROTOCOL' });
    expect(await cosignatures.loadCosignatures(0, 10)).toEqual([]);
  });

  it('[AUDIT-WITNESS-ROLLBACK] a log that is behind what its witness cosigned signs nothing more', async () => {
    const { log: first } = await logHere();
    const witness = await witnessHere({ name, signer: witnessSigner, logs: [first.verifierKey] });
    const note = await grow(first, 20);
    expect((await post(witness.url, formatWitnessRequest({ oldSize: 0, proof: [], note }))).status).toBe(200);
    // A copy from before, heads and all: nothing on this machine can know.
    const { log: copy } = await logHere({ witnesses: [httpWitness({ url: witness.url, key: witness.key })] });
    await grow(copy, 3);
    await until(async () => (await codeOf(copy.append({ type: 'config' }))) === 'TALOS_AUDIT_STOPPED');
    await expect(copy.checkpoint()).rejects.toMatchObject({ code: 'TALOS_AUDIT_STOPPED', cause: { code: 'TALOS_AUDIT_ROLLED_BACK' } });
  });

  it('[AUDIT-WITNESS-ROLLBACK] a witness that only claims it stops nothing', async () => {
    const { log: first } = await logHere();
    const real = await witnessHere({ name, signer: witnessSigner, logs: [first.verifierKey] });
    const forged = await signCheckpoint({ origin, size: 999, root: new Uint8Array(32) }, witnessSigner);
    const claims = [undefined, 'hello', forged, await signCheckpoint({ origin: 'other.example', size: 999, root: new Uint8Array(32) }, logSigner)];
    for (const claim of claims) {
      const liar: Witness = { key: parseCosignerKey(real.key), addCheckpoint: async () => ({ knownSize: 999 }), latest: async () => claim };
      const { log, errors } = await logHere({ witnesses: [liar] });
      await grow(log, 3);
      await until(() => errors.length > 0);
      await log.append({ type: 'config' });
      expect(errors[0]).toMatchObject({ code: 'TALOS_TRANSPORT_PROTOCOL' });
    }
  });
});

describe('talos-witness', () => {
  const rounds = process.env['TALOS_DEEP'] === '1' ? 20 : 3;

  it('[WIT-DURABLE] killed in the middle of requests, again and again, it cosigns no second history', { timeout: 120_000 }, async () => {
    const dir = temporaryFolder();
    const [{ log }, { log: fork }] = [await logHere(), await logHere()];
    const args = ['--dir', dir, '--name', name, '--log', log.verifierKey];
    let key: string | undefined;
    let cosignedSize = 0;
    for (let round = 0; round < rounds; round++) {
      const witness = await witnessProcess([...args, '--port', '0']);
      key ??= witness.key;
      expect(witness.key).toBe(key);
      const knows = async (): Promise<number> =>
        Number(
          await (
            await post(
              witness.url,
              formatWitnessRequest({ oldSize: 1e6, proof: [], note: await signCheckpoint({ origin, size: 1e6, root: new Uint8Array(32) }, logSigner) }),
            )
          ).text(),
        );
      expect(await knows()).toBeGreaterThanOrEqual(cosignedSize);
      cosignedSize = await knows();
      for (let n = 0; n < 5; n++) {
        const note = await grow(log, 2);
        const answer = await post(witness.url, formatWitnessRequest({ oldSize: cosignedSize, proof: await proof(log, cosignedSize, log.size), note }));
        expect(answer.status).toBe(200);
        cosignedSize = log.size;
      }
      const other = await grow(fork, 20);
      expect((await post(witness.url, formatWitnessRequest({ oldSize: 0, proof: [], note: other }))).status).toBe(409);
      const late = post(
        witness.url,
        formatWitnessRequest({ oldSize: cosignedSize, proof: await proof(log, cosignedSize, log.size), note: await grow(log, 1) }),
      ).catch(() => undefined);
      await witness.kill();
      await late;
    }
    expect(statSync(join(dir, 'witness.db')).mode & 0o077).toBe(0);
  });

  it('[WIT-CLI] a second one of the same folder is refused, and a file of something else too', { timeout: 120_000 }, async () => {
    const { log } = await logHere();
    const dir = temporaryFolder();
    const args = ['--dir', dir, '--name', name, '--log', log.verifierKey, '--port', '0'];
    const first = await witnessProcess(args);
    expect(first.key).toMatch(/^witness\.example\/w1\+[0-9a-f]{8}\+B/);
    const second = await runWitnessToEnd(args);
    expect([second.code, second.stderr]).toEqual([1, expect.stringContaining('TALOS_STORE_CONFLICT')]);
    await first.kill();
    const elsewhere = temporaryFolder();
    writeFileSync(join(elsewhere, 'witness.db'), 'not a database, and longer than a header of one would have to be'.repeat(100));
    expect((await runWitnessToEnd(['--dir', elsewhere, ...args.slice(2)])).stderr).toContain('talos-witness: TALOS_STORE_');
    expect((await runWitnessToEnd(['--dir', dir, '--name', name, '--log', 'x', '--port', '0'])).stderr).toContain('TALOS_AUDIT_BAD_NOTE');
  });
});

it('[WIT-PROTOCOL] the client refuses addresses that are none, or are not encrypted', () => {
  const key = 'remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2';
  for (const url of ['', 'x', 'ftp://a.example', 'http://a.example', 'https://a.example/?q', 'https://a.example/#f'])
    expect(() => httpWitness({ url, key }), url).toThrow(expect.objectContaining({ code: 'TALOS_USAGE_OPTIONS' }));
  for (const url of ['https://a.example', 'https://a.example/w1/', 'http://127.0.0.1:1', 'http://localhost'])
    expect(httpWitness({ url, key }).key.name).toBe('remora.n621.de');
  expect(httpWitness({ url: 'http://a.example', key, unsafeCleartext: true }).key.name).toBe('remora.n621.de');
});
