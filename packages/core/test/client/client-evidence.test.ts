import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { cosignCheckpoint, formatCosignerKey, makeCosignerKey } from '../../src/audit/cosignature.ts';
import { memoryAuditStore } from '../../src/audit/memory-audit-store.ts';
import { memoryCosignatureStore } from '../../src/audit/cosignature-store.ts';
import { formatSignature } from '../../src/audit/signed-note.ts';
import type { Witness } from '../../src/audit/witness.ts';
import { anyArgs } from '../../src/capability/constraints/any.ts';
import { assembleHome } from '../../src/client/home.ts';
import { TalosClient } from '../../src/client/talos-client.ts';
import { assembleEvidence } from '../../src/evidence/assemble-evidence.ts';
import { verifyEvidence } from '../../src/evidence/verify-evidence.ts';
import { memoryKeyStore } from '../../src/identity/memory-key-store.ts';
import { nodeHome } from '../../src/node/node-home.ts';
import { readHomeLog } from '../../src/node/read-home-log.ts';
import { testSigner } from '../audit/support.ts';
import { eventually, makePair, receiptsIn, tool } from '../remote/support.ts';

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

async function homeOptions() {
  const folder = await mkdtemp(path.join(tmpdir(), 'talos-evidence-'));
  folders.push(folder);
  return { dir: path.join(folder, 'home'), stateDir: path.join(folder, 'state') };
}

async function worked(client: TalosClient) {
  const guard = client.guard({ capability: await client.grant({ to: client.did, tools: { pay: anyArgs() } }) });
  const paid = await guard.run({ tool: 'pay', input: { to: 'alice-7719' } }, () => 'receipt-5521');
  const refused = await guard.run({ tool: 'delete', input: {} }, () => 'never');
  return { paid: paid.entryId as string, refused: refused.entryId as string };
}

describe('the evidence of a client', () => {
  it('[EVIDENCE-CLIENT] is of all that its log holds, complete and green for whoever trusts its key, and opens nothing', async () => {
    const client = await TalosClient.create('agent');
    await worked(client);
    const file = await client.evidence();
    const report = await verifyEvidence(file, { logs: [client.log.verifierKey] });
    expect(report).toMatchObject({ verdict: 'verified', logs: [{ origin: client.log.origin, size: client.log.size, level: 'signed' }] });
    expect(report.entries.map(({ index }) => index)).toEqual(Array.from({ length: client.log.size }, (_, index) => index));
    expect(JSON.parse(file)).toMatchObject({ logs: [{ disclosures: [] }] });
    const other = await TalosClient.create('other');
    expect((await verifyEvidence(file, { logs: [other.log.verifierKey] })).verdict).toBe('incomplete');
    await Promise.all([client.close(), other.close()]);
  });

  it('[EVIDENCE-CLIENT] holds what was named: entries by id or index, windows, and the payloads that were opened', async () => {
    const client = await TalosClient.create('agent');
    const { paid, refused } = await worked(client);
    const request = (await client.log.find('id', paid)) as number;
    const file = await client.evidence({
      entries: [refused, 0],
      ranges: [{ start: request, end: request + 2 }],
      disclose: [{ index: request, fields: ['args'] }],
    });
    const { verdict, entries } = await verifyEvidence(file, { logs: [client.log.verifierKey] });
    expect(verdict).toBe('verified');
    expect(entries.map(({ entry }) => entry.type)).toEqual(expect.arrayContaining(['policy.decision', 'gap', 'tool.request', 'tool.result']));
    expect(entries).toHaveLength(4);
    const payloads = (JSON.parse(file) as { logs: [{ disclosures: { field: string; payload: string }[] }] }).logs[0].disclosures;
    expect(payloads.map(({ field, payload }) => [field, Buffer.from(payload, 'base64').toString()])).toEqual([['args', '{"to":"alice-7719"}']]);
    await expect(client.evidence({ entries: ['no-such-entry'] })).rejects.toMatchObject({ code: 'TALOS_AUDIT_NOT_FOUND' });
    await expect(client.evidence({ entries: [client.log.size] })).rejects.toMatchObject({ code: 'TALOS_AUDIT_NOT_FOUND' });
    await expect(client.evidence({ disclosed: [] } as never)).rejects.toMatchObject({ code: 'TALOS_USAGE_OPTIONS' });
    await client.close();
  });

  it('[EVIDENCE-CLIENT] brings R, S and A of a remote call with the histories that their keys need', async () => {
    const pair = await makePair({ serve: [tool('echo', () => 'hi')] });
    await pair.a.rotate();
    const { receipt } = await eventually(async () => {
      // It is bound to the new key as soon as the news of it has come.
      const capability = await pair.b.grant({ to: pair.a.did, at: pair.b.did, tools: { echo: anyArgs() } });
      const result = await pair.a.call(pair.b.did, 'echo', {}, { capability });
      return result.status === 'ok' ? result : undefined;
    });
    await eventually(async () => (await receiptsIn(pair.b)).find(({ text }) => text === receipt.countersignature));
    for (const client of [pair.a, pair.b]) {
      const file = await client.evidence({ receipts: [receipt] });
      const report = await verifyEvidence(file, { logs: [client.log.verifierKey], agents: [pair.a.did, pair.b.did] });
      expect(report).toMatchObject({ verdict: 'verified', receipts: [{ state: 'both-signed', caller: pair.a.did, callee: pair.b.did }] });
      expect(report.entries).toHaveLength(3);
    }
    await expect(pair.a.evidence({ receipts: [{ ...receipt, request: 'another' }] })).rejects.toMatchObject({ code: 'TALOS_AUDIT_NOT_FOUND' });
    await pair.close();
  });

  it('[EVIDENCE-CLIENT] leads to a checkpoint that witnesses cosigned, where one covers it', async () => {
    const { home, policy, cosigned } = witnessedHome();
    const client = await TalosClient.create('agent', { stores: home });
    const { refused } = await worked(client);
    const index = (await client.log.find('id', refused)) as number;
    await client.log.checkpoint();
    await eventually(async () => ((await client.log.cosigned(index + 1))?.match(/w[12]\.example/gu)?.length === 2 ? true : undefined));
    // The log goes on, and nobody has cosigned that.
    cosigned.stopped = true;
    await worked(client);
    const trust = { logs: [client.log.verifierKey], policy };
    expect(await verifyEvidence(await client.evidence({ entries: [refused] }), trust)).toMatchObject({ verdict: 'verified', logs: [{ level: 'witnessed' }] });
    expect(await verifyEvidence(await client.evidence(), trust)).toMatchObject({ verdict: 'failed' });
    await client.close();
  });

  it('[EVIDENCE-CLIENT] is made beside a process that writes the log', async () => {
    const options = await homeOptions();
    const client = await TalosClient.create('agent', { stores: nodeHome(options) });
    await worked(client);
    await client.log.checkpoint();
    const reader = await readHomeLog(options);
    const size = reader.log.size;
    const file = await assembleEvidence({ logs: [{ log: reader.log, ranges: [{ start: 0, end: size }] }] });
    await worked(client);
    expect(await verifyEvidence(file, { logs: [client.log.verifierKey] })).toMatchObject({ verdict: 'verified', logs: [{ size }] });
    expect((await client.log.proveRange({ start: 0, end: size })).entries).toHaveLength(size);
    await reader.close();
    await client.close();
  });
});

/** Witnesses that sign what they are shown, until they are stopped. */
function witnessedHome() {
  const signers = ['w1.example', 'w2.example'].map((name, i) => ({
    name,
    signer: testSigner(31 + i),
    key: makeCosignerKey(name, testSigner(31 + i).publicKey),
  }));
  const cosigned = { stopped: false };
  const witnesses = signers.map(({ name, signer, key }): Witness => ({
    key,
    addCheckpoint: async ({ note }) => {
      if (cosigned.stopped) return { knownSize: 0 };
      return { cosignatures: `${formatSignature(await cosignCheckpoint(note, { name, signer, time: 1_790_000_000 }))}\n` };
    },
    latest: async () => undefined,
  }));
  const opened = { store: memoryAuditStore(), cosignatures: memoryCosignatureStore(), close: async () => undefined };
  const home = assembleHome({ keys: memoryKeyStore(), openStore: async () => opened, witnesses });
  const lines = signers.map(({ name, key }) => `witness ${name} ${formatCosignerKey(key)}`);
  return { home, cosigned, policy: [...lines, 'group all all w1.example w2.example', 'quorum all', ''].join('\n') };
}
