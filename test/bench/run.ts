/** Draws a table of the benches that were asked for, or prints their figures as JSON: `pnpm bench --help`. @module */
import Table from 'cli-table3';
import { benches, sizes } from './benches/index.ts';
import { measure, type Measurement } from './measure.ts';
import { peers } from './peers/index.ts';
import { installPeers } from './peers/load-peer.ts';
import { readArguments, usage } from './read-arguments.ts';

type Row =
  | (Measurement & { readonly floor: { readonly name: string; readonly medianMicros: number } | null; readonly ratio: number | null })
  | { readonly name: string; readonly bytes: number };

const asked = readArguments(process.argv.slice(2));
if ('fault' in asked) refuse(asked.fault);
const peerNames = peers.map(({ name }) => name);
const ownNames = [...benches, ...sizes].map(({ name }) => name);
if (asked.help) {
  process.stdout.write(usage({ benches: ownNames, peers: peerNames }));
  process.exit(0);
}
const all = asked.peers ? [...benches, ...peers] : benches;
const known = asked.peers ? [...ownNames, ...peerNames] : ownNames;
const unknown = asked.names.filter((name) => !known.includes(name));
if (unknown.length > 0) refuse(`no bench is named ${unknown.join(', ')}`);
// Of the peers' own run those of ours are a part that a peer is held against.
const standard = asked.peers ? all.filter(({ name }) => peers.some((peer) => peer.name === name || peer.floor === name)).map(({ name }) => name) : known;
const wanted = new Set(asked.names.length === 0 ? standard : asked.names);
if (asked.peers) await installPeers();
for (const { name, skip } of all) {
  const reason = wanted.has(name) ? await skip?.() : undefined;
  if (reason === undefined) continue;
  wanted.delete(name);
  process.stderr.write(`skipped ${name}: ${reason}\n`);
}
const chosen = all.filter(({ name }) => wanted.has(name));
const floors = new Set(chosen.flatMap(({ floor }) => floor ?? []));
const measured = new Map((await measure(all.filter(({ name }) => wanted.has(name) || floors.has(name)))).map((row) => [row.name, row]));
const rows: Row[] = [];
for (const { name, floor } of chosen) {
  const own = measured.get(name);
  const under = measured.get(floor ?? '');
  if (own !== undefined) rows.push(withFloor(own, under));
}
for (const { name, bytes } of sizes) if (wanted.has(name)) rows.push({ name, bytes: await bytes() });

process.stdout.write(`${asked.json ? JSON.stringify(rows) : table(rows)}\n`);

function refuse(fault: string): never {
  process.stderr.write(`${fault}: pnpm bench --help lists what there is\n`);
  process.exit(2);
}

function withFloor(own: Measurement, under: Measurement | undefined): Row {
  const figures = { name: own.name, opsPerSecond: Math.round(own.opsPerSecond), medianMicros: round(own.medianMicros), p99Micros: round(own.p99Micros) };
  if (under === undefined) return { ...figures, floor: null, ratio: null };
  return { ...figures, floor: { name: under.name, medianMicros: round(under.medianMicros) }, ratio: round(under.medianMicros / own.medianMicros) };
}

function round(value: number): number {
  return Number(value.toFixed(3));
}

function table(drawnRows: readonly Row[]): string {
  const drawn = new Table({
    head: ['bench', 'ops/s', 'median µs', 'p99 µs', 'floor', '× floor'],
    style: { head: [], border: [] },
    colAligns: ['left', 'right', 'right', 'right', 'left', 'right'],
  });
  for (const row of drawnRows) {
    if ('bytes' in row) drawn.push([row.name, `${row.bytes.toLocaleString('en')} bytes`, '', '', '', '']);
    else drawn.push([row.name, row.opsPerSecond.toLocaleString('en'), row.medianMicros, row.p99Micros, row.floor?.name ?? '', row.ratio ?? '']);
  }
  return drawn.toString();
}
