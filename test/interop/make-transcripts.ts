/** Freezes one live conversation of each case: `node --conditions=@talosprotocol/source test/interop/make-transcripts.ts`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { interopCases } from './cases.ts';
import { hex } from './foreign-ratchet.ts';
import { converseLive } from './live.ts';

const folder = new URL('transcripts/', import.meta.url);
mkdirSync(folder, { recursive: true });
for (const each of interopCases) {
  const { bundle, sent } = await converseLive(each);
  const messages = sent.map(({ from, text, wire }) => ({ from, text, wire: hex(wire) }));
  writeFileSync(new URL(`${each.name}.json`, folder), `${JSON.stringify({ bundle, messages }, undefined, 1)}\n`);
}
