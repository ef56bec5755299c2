/** Writes `test/vectors/talos/v1/session.json` anew. Only when the wire format changes, which is a new version: the diff is what reviewers look at. */
import { writeFileSync } from 'node:fs';
import { playWireVector, wireVectorFile } from './wire-vector.ts';

const scripts = [
  { seed: 'talos/1 wire 1', withOneTime: true, mode: 'accountable' },
  { seed: 'talos/1 wire 2', withOneTime: false, mode: 'accountable' },
  { seed: 'talos/1 wire 3', withOneTime: true, mode: 'deniable' },
  { seed: 'talos/1 wire 4', withOneTime: true, mode: 'accountable', withPostQuantumStep: true },
] as const;
const vectors = [];
for (const script of scripts) vectors.push(await playWireVector(script));
writeFileSync(wireVectorFile, `${JSON.stringify(vectors, null, 2)}\n`);
