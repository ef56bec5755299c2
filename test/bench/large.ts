/**
 * `pnpm bench:large [entries]`: a log on disk of a million entries or as many as asked, grown through the public API. Prints as JSON what a
 * bench in rounds cannot show: start time after a crash, proofs from disk, memory. Not part of CI: it writes half a gigabyte.
 * @module
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemEnv } from '@talosprotocol/core';
import { fsck, openAuditLog, storeSource, verifyEntryProof, type AuditLog, type AuditStore } from '@talosprotocol/core/audit';
import { generateIdentitySecrets, restoreIdentity } from '@talosprotocol/core/identity';
import { openSqliteAuditStore } from '@talosprotocol/core/node';

const entries = Number(process.argv[2] ?? 1_000_000);
/** Callers at once: what they hold themselves counts as memory too. With 8,192 of them it is 250 MB, whatever the log does. */
const wave = 256;
const proofs = 2000;

const folder = mkdtempSync(join(tmpdir(), 'talos-large-'));
const path = join(folder, 'audit.db');
const { did, signer } = await restoreIdentity(await generateIdentitySecrets(systemEnv));
const open = async (): Promise<{ readonly store: AuditStore; readonly log: AuditLog; readonly millis: number }> => {
  const started = performance.now();
  const store = await openSqliteAuditStore({ path });
  const log = await openAuditLog({ store, signer, origin: 'large.example/talos', env: systemEnv });
  return { store, log, millis: performance.now() - started };
};
const megabytes = (bytes: number): number => Math.round(bytes / 1e6);
const quantile = (sorted: readonly number[], share: number): number => Math.round(sorted[Math.floor(sorted.length * share)] ?? Number.NaN);

const idle = process.memoryUsage().rss;
const first = await open();
const started = performance.now();
let peak = 0;
for (let done = 0; done < entries; done += wave) {
  const count = Math.min(wave, entries - done);
  await Promise.all(Array.from({ length: count }, (_, n) => first.log.append({ type: 'model.turn', agent: did, call: `call-${done + n}`, tool: 'send_mail' })));
  peak = Math.max(peak, process.memoryUsage().rss);
}
const appendsPerSecond = Math.round((entries / (performance.now() - started)) * 1000);
// Closed as a crash leaves it: the next start hashes what came after the last checkpoint of the interval.
await first.store.close();

const replayed = await open();
const { size, checkpointSize } = replayed.log.recovery;
await replayed.log.close();
await replayed.store.close();
const signed = await open();
await signed.log.checkpoint();

const micros: number[] = [];
for (let n = 0; n < proofs; n += 1) {
  const index = (n * 7_919_317) % entries;
  const from = performance.now();
  const proof = await signed.log.proveInclusion(index);
  micros.push((performance.now() - from) * 1000);
  if (n % 100 === 0) verifyEntryProof(proof, signed.log.verifierKey);
}
micros.sort((a, b) => a - b);
const checkedFrom = performance.now();
const { sound } = await fsck(storeSource(signed.store), { verifierKey: signed.log.verifierKey });
const fsckSeconds = (performance.now() - checkedFrom) / 1000;
await signed.log.close();
await signed.store.close();
const fileBytes = statSync(path).size;
rmSync(folder, { recursive: true });

const figures = {
  entries,
  appendsPerSecond,
  startMillisAfterCrash: Math.round(replayed.millis),
  entriesHashedAtStart: size - checkpointSize,
  startMillisAtCheckpoint: Math.round(signed.millis),
  'proof-inclusion-disk': { medianMicros: quantile(micros, 0.5), p99Micros: quantile(micros, 0.99) },
  fsckSeconds: Number(fsckSeconds.toFixed(1)),
  sound,
  fileMegabytes: megabytes(fileBytes),
  memoryMegabytes: { beforeOpening: megabytes(idle), whileAppending: megabytes(peak), afterFsck: megabytes(process.memoryUsage().rss) },
};
process.stdout.write(`${JSON.stringify(figures, undefined, 2)}\n`);
process.exitCode = sound ? 0 : 1;
