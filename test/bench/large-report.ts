/**
 * `pnpm bench:report [entries]`: report, export and check of a log of a million entries or as many as asked, each in a process of its own, so that
 * its peak of memory is its own. Prints JSON. Not part of CI: it writes half a gigabyte.
 * @module
 */
import { execFileSync } from 'node:child_process';
import { createReadStream, createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { systemEnv } from '@talosprotocol/core';
import { storeSource } from '@talosprotocol/core/audit';
import { exportLog, verifySiem } from '@talosprotocol/core/export';
import { openSqliteAuditSnapshot, openSqliteAuditStore } from '@talosprotocol/core/node';
import { collectReport, formatReportHtml, formatReportMarkdown } from '@talosprotocol/core/report';
import { signGrownLog } from './grow-log.ts';

type Task = 'report' | 'report-of-a-period' | 'export' | 'check';

const [first = '1000000', path, verifierKey] = process.argv.slice(2);
if (path === undefined || verifierKey === undefined) await parent(Number(first));
else await child(first as Task, { path, verifierKey });

async function parent(entries: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'talos-report-'));
  try {
    const database = join(folder, 'audit.db');
    const store = await openSqliteAuditStore({ path: database });
    const key = await signGrownLog(store, { entries, env: systemEnv });
    await store.close();
    const figures: Record<string, unknown> = { entries };
    for (const task of ['report', 'report-of-a-period', 'export', 'check'] satisfies readonly Task[]) {
      const options = ['--conditions=@talosprotocol/source', '--disable-warning=ExperimentalWarning', import.meta.filename, task, database, key];
      figures[task] = JSON.parse(execFileSync(process.execPath, options, { encoding: 'utf8', maxBuffer: 2 ** 26 })) as unknown;
    }
    process.stdout.write(`${JSON.stringify(figures, undefined, 2)}\n`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function child(task: Task, { path: database, verifierKey: key }: { readonly path: string; readonly verifierKey: string }): Promise<void> {
  const store = await openSqliteAuditSnapshot({ path: database });
  const started = performance.now();
  const source = storeSource(store);
  const file = `${database}.jsonl`;
  const options = { source, verifierKey: key };
  let result: unknown;
  if (task === 'export') {
    await pipeline(Readable.from(exportLog({ ...options, format: 'jsonl' })), createWriteStream(file));
    result = { fileMegabytes: Math.round(statSync(file).size / 1e6) };
  } else if (task === 'check') {
    const { sound, matched } = await verifySiem({ format: 'jsonl', rows: createReadStream(file), against: options });
    result = { sound, matched };
  } else {
    const facts = await collectReport(task === 'report' ? options : { ...options, from: Date.UTC(2026, 0, 1, 1), to: Date.UTC(2027, 0, 1) });
    result = { population: facts.end - facts.start, characters: formatReportHtml(facts).length + formatReportMarkdown(facts).length };
  }
  const seconds = (performance.now() - started) / 1000;
  await store.close();
  const peakMegabytes = Math.round(process.resourceUsage().maxRSS / 1000);
  process.stdout.write(JSON.stringify({ seconds: Number(seconds.toFixed(1)), peakMegabytes, ...(result as object) }));
}
