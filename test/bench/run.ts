/**
 * `pnpm bench [name…]` draws a table; `pnpm --silent bench --json [name…]` prints only the figures. Without names, all of them.
 * @module
 */
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { benches, sizes } from './benches/index.ts';
import { measure, type Measurement } from './measure.ts';

type Row =
  | (Measurement & { readonly floor: { readonly name: string; readonly medianMicros: number } | null; readonly ratio: number | null })
  | { readonly name: string; readonly bytes: number };

const { values, positionals } = parseArgs({ options: { json: { type: 'boolean', default: false } }, allowPositionals: true });
const known = [...benches, ...sizes].map(({ name }) => name);
const unknown = positionals.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`no bench named ${unknown.join(', ')}; there are ${known.join(', ')}\n`);
  process.exit(2);
}
const wanted = new Set(positionals.length === 0 ? known : positionals);
for (const { name, skip } of benches) {
  const reason = wanted.has(name) ? await skip?.() : undefined;
  if (reason === undefined) continue;
  wanted.delete(name);
  process.stderr.write(`skipped ${name}: ${reason}\n`);
}
const chosen = benches.filter(({ name }) => wanted.has(name));
const floors = new Set(chosen.flatMap(({ floor }) => floor ?? []));
const measured = new Map((await measure(benches.filter(({ name }) => wanted.has(name) || floors.has(name)))).map((row) => [row.name, row]));
const rows: Row[] = [];
for (const { name, floor } of chosen) {
  const own = measured.get(name);
  const under = measured.get(floor ?? '');
  if (own !== undefined) rows.push(withFloor(own, under));
}
for (const { name, bytes } of sizes) if (wanted.has(name)) rows.push({ name, bytes: await bytes() });

process.stdout.write(`${values.json ? JSON.stringify(rows) : table(rows)}\n`);

function withFloor(own: Measurement, under: Measurement | undefined): Row {
  const figures = { name: own.name, opsPerSecond: Math.round(own.opsPerSecond), medianMicros: round(own.medianMicros), p99Micros: round(own.p99Micros) };
  if (under === undefined) return { ...figures, floor: null, ratio: null };
  return { ...figures, floor: { name: under.name, medianMicros: round(under.medianMicros) }, ratio: round(under.medianMicros / own.medianMicros) };
}

function round(value: number): number {
  return Number(value.toFixed(3));
}

function table(all: readonly Row[]): string {
  const drawn = new Table({
    head: ['bench', 'ops/s', 'median µs', 'p99 µs', 'floor', '× floor'],
    style: { head: [], border: [] },
    colAligns: ['left', 'right', 'right', 'right', 'left', 'right'],
  });
  for (const row of all) {
    if ('bytes' in row) drawn.push([row.name, `${row.bytes.toLocaleString('en')} bytes`, '', '', '', '']);
    else drawn.push([row.name, row.opsPerSecond.toLocaleString('en'), row.medianMicros, row.p99Micros, row.floor?.name ?? '', row.ratio ?? '']);
  }
  return drawn.toString();
}
