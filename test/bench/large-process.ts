/**
 * One process of `pnpm bench:large`, so that its memory is its own: prints the figures of one task as JSON. It is run without its types, and on the
 * build, as whoever installs Talos runs it: where Node strips types itself, its compiler is 30 MB of what is measured.
 * @module
 */
import { statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { getHeapSpaceStatistics } from 'node:v8';
import { systemEnv } from '@talosprotocol/core';
import { fsck, openAuditLog, storeSource, verifyEntryProof, type AuditLog, type AuditStore } from '@talosprotocol/core/audit';
import { generateIdentitySecrets, restoreIdentity } from '@talosprotocol/core/identity';
import { openSqliteAuditStore } from '@talosprotocol/core/node';

type Task = 'append' | 'own' | 'check';

/** Callers at once: what they hold themselves counts as memory too. With 8,192 of them it is 250 MB, whatever the log does. */
const wave = 256;
const proofs = 2000;
/** What a busy agent writes, and for how long. */
const ordinary = { perSecond: 200, seconds: 5 };
const sampleMs = 10;

const [task, path, count] = process.argv.slice(1) as [Task, string, string];
const entries = Number(count);
// The same key in every process: they open one log.
const { did, signer } = await restoreIdentity(await generateIdentitySecrets({ ...systemEnv, randomBytes: (length) => new Uint8Array(length).fill(7) }));

const beforeOpening = process.memoryUsage.rss();
let peak = { rss: 0, young: 0 };
const sampler = setInterval(sample, sampleMs).unref();
const figures = await { append, own, check }[task]();
clearInterval(sampler);
sample();
const memoryMegabytes = { beforeOpening: megabytes(beforeOpening), peak: megabytes(peak.rss), ofWhichYoungGeneration: megabytes(peak.young) };
process.stdout.write(JSON.stringify({ ...figures, memoryMegabytes }));

/** At full speed. Closed as a crash leaves it: the next start hashes what came after the last checkpoint of the interval. */
async function append(): Promise<object> {
  const { store, log } = await open();
  const started = performance.now();
  for (let done = 0; done < entries; done += wave) {
    await Promise.all(Array.from({ length: Math.min(wave, entries - done) }, (_, n) => appendOne(log, done + n)));
    sample();
    if (done % (wave * 2000) === 0) process.stderr.write(`  ${done} of ${entries} entries, ${megabytes(peak.rss)} MB\n`);
  }
  const appendsPerSecond = Math.round((entries / (performance.now() - started)) * 1000);
  await store.close();
  return { appendsPerSecond, fileMegabytes: megabytes(statSync(path).size) };
}

/** What an agent does that owns such a log: it writes at its pace, and proves. */
async function own(): Promise<object> {
  const { store, log, millis } = await open();
  const { size, checkpointSize } = log.recovery;
  const appendMicros = await appendSteadily(log);
  const proofMicros = await proveAll(log);
  await log.close();
  await store.close();
  return {
    startMillisAfterCrash: millis,
    entriesHashedAtStart: size - checkpointSize,
    appendsAtOrdinaryRate: quantiles(appendMicros),
    'proof-inclusion-disk': quantiles(proofMicros),
  };
}

async function check(): Promise<object> {
  const { store, log, millis } = await open();
  await log.checkpoint();
  const started = performance.now();
  const { sound } = await fsck(storeSource(store), { verifierKey: log.verifierKey });
  const fsckSeconds = Number(((performance.now() - started) / 1000).toFixed(1));
  await log.close();
  await store.close();
  return { startMillisAtCheckpoint: millis, fsckSeconds, sound };
}

async function open(): Promise<{ readonly store: AuditStore; readonly log: AuditLog; readonly millis: number }> {
  const started = performance.now();
  const store = await openSqliteAuditStore({ path });
  const log = await openAuditLog({ store, signer, origin: 'large.example/talos', env: systemEnv });
  return { store, log, millis: Math.round(performance.now() - started) };
}

function appendOne(log: AuditLog, number: number): Promise<unknown> {
  return log.append({ type: 'model.turn', agent: did, call: `call-${number}`, tool: 'send_mail' });
}

async function appendSteadily(log: AuditLog): Promise<number[]> {
  const micros: number[] = [];
  const started = performance.now();
  for (let n = 0; n < ordinary.perSecond * ordinary.seconds; n++) {
    await sleep(Math.max(0, started + (n * 1000) / ordinary.perSecond - performance.now()));
    const from = performance.now();
    await appendOne(log, entries + n);
    micros.push((performance.now() - from) * 1000);
  }
  return micros;
}

async function proveAll(log: AuditLog): Promise<number[]> {
  const micros: number[] = [];
  for (let n = 0; n < proofs; n++) {
    const from = performance.now();
    const proof = await log.proveInclusion((n * 7_919_317) % entries);
    micros.push((performance.now() - from) * 1000);
    if (n % 100 === 0) verifyEntryProof(proof, log.verifierKey);
  }
  return micros;
}

function sample(): void {
  const rss = process.memoryUsage.rss();
  if (rss <= peak.rss) return;
  const young = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space');
  peak = { rss, young: young?.physical_space_size ?? 0 };
}

function quantiles(micros: readonly number[]): { readonly medianMicros: number; readonly p99Micros: number } {
  const sorted = micros.toSorted((a, b) => a - b);
  const at = (share: number): number => Math.round(sorted[Math.floor(sorted.length * share)] as number);
  return { medianMicros: at(0.5), p99Micros: at(0.99) };
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6);
}
