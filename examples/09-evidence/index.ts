/** What an auditor gets: one file, checked offline under one key that he knows. Then somebody changes a byte of it. @module */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TalosClient, subpath } from '@talosprotocol/core';
import { verifyEvidence } from '@talosprotocol/core/evidence';
import { nodeHome } from '@talosprotocol/core/node';

const dir = mkdtempSync(join(tmpdir(), 'talos-example-'));
const file = join(dir, 'agent.talos-evidence.json');

try {
  await main();
} finally {
  rmSync(dir, { recursive: true, force: true });
}

async function main(): Promise<void> {
  const client = await TalosClient.create('reader', { stores: nodeHome({ dir: join(dir, 'home'), stateDir: join(dir, 'state') }) });
  const capability = await client.grant({ to: client.did, for: '15m', tools: { read_file: { path: subpath('docs') } } });
  const guard = client.guard({ capability });
  await guard.run({ tool: 'read_file', input: { path: 'docs/a.md' } }, () => 'text');
  await guard.run({ tool: 'read_file', input: { path: '/etc/passwd' } }, () => 'never');
  const { verifierKey } = client.log;

  // #region make
  writeFileSync(file, await client.evidence());
  // #endregion make
  await client.close();

  // #region verify
  const report = await verifyEvidence(readFileSync(file), { logs: [verifierKey] });
  // #endregion verify
  assert.equal(report.verdict, 'verified');
  assert.deepEqual(
    report.entries.map(({ entry }) => entry.type),
    ['gap', 'key.bound', 'capability.issued', 'tool.request', 'tool.result', 'policy.decision'],
  );

  const evidence = JSON.parse(readFileSync(file, 'utf8')) as { logs: [{ ranges: [{ entries: string[] }] }] };
  const [{ entries }] = evidence.logs[0].ranges;
  entries[5] = Buffer.from(
    Buffer.from(entries[5] as string, 'base64')
      .toString()
      .replace('"deny"', '"allow"'),
  ).toString('base64');
  const altered = await verifyEvidence(JSON.stringify(evidence), { logs: [verifierKey] });
  assert.equal(altered.verdict, 'failed');
  const failed = altered.claims.find(({ status }) => status === 'failed');
  process.stdout.write(`${report.claims.length} claims verified, ${report.entries.length} entries; one altered: ${altered.verdict}, ${failed?.at}\n`);
}
