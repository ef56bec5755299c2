/**
 * An audit trail for people who will not write code: exported for a SIEM, one row altered there and found, and a report for an auditor.
 * @module
 */
import assert from 'node:assert/strict';
import { createReadStream, createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { TalosClient, subpath } from '@talosprotocol/core';
import { storeSource } from '@talosprotocol/core/audit';
import { exportLog, verifySiem } from '@talosprotocol/core/export';
import { nodeHome, readHomeLog } from '@talosprotocol/core/node';
import { collectReport, formatReportHtml, formatReportMarkdown } from '@talosprotocol/core/report';

const dir = mkdtempSync(join(tmpdir(), 'talos-example-'));
const file = join(dir, 'siem.ndjson');
const passphrase = 'correct horse battery staple';

try {
  await main();
} finally {
  rmSync(dir, { recursive: true, force: true });
}

async function main(): Promise<void> {
  const home = { dir: join(dir, 'home'), stateDir: join(dir, 'state'), passphrase };
  const client = await TalosClient.create('reader', { stores: nodeHome(home) });
  const capability = await client.grant({ to: client.did, for: '15m', tools: { read_file: { path: subpath('docs') } } });
  const guard = client.guard({ capability });
  await guard.run({ tool: 'read_file', input: { path: 'docs/a.md' } }, () => 'text');
  await guard.run({ tool: 'read_file', input: { path: '/etc/passwd' } }, () => 'never');
  const { verifierKey } = client.log;
  await client.close();

  const reader = await readHomeLog({ ...home, verifierKey });
  const source = storeSource(reader.store);

  // #region export
  await pipeline(Readable.from(exportLog({ source, verifierKey, format: 'ocsf' })), createWriteStream(file));

  const before = await verifySiem({ format: 'ocsf', rows: createReadStream(file), against: { source, verifierKey } });
  // #endregion export
  assert.equal(before.sound, true);

  // Somebody turns the refusal into a success where the log was exported to.
  const text = readFileSync(file, 'utf8');
  const altered = text.replace('"status":"Failure"', '"status":"Success"');
  assert.notEqual(altered, text);
  writeFileSync(file, altered);
  const { sound, findings } = await verifySiem({ format: 'ocsf', rows: createReadStream(file), against: { source, verifierKey } });
  assert.equal(sound, false);
  assert.deepEqual(
    findings.map(({ code }) => code),
    ['ROW_ALTERED'],
  );

  // #region report
  const facts = await collectReport({ source, verifierKey });
  writeFileSync(join(dir, 'report.html'), formatReportHtml(facts));
  writeFileSync(join(dir, 'report.md'), formatReportMarkdown(facts));
  // #endregion report
  assert.deepEqual(facts.tools, [{ tool: 'read_file', requested: 1, ok: 1, failed: 0, refused: 1 }]);
  assert.equal(
    findings[0]?.index,
    (await reader.log.proveRange({ start: 0, end: facts.end })).entries.findIndex((entry) => Buffer.from(entry).includes('deny')),
  );
  await reader.close();
  process.stdout.write(`${before.matched} rows exported; row ${findings[0]?.index} was altered and found; reported on ${facts.end - facts.start} entries\n`);
}
