import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openHomePrivacy } from '@talosprotocol/core/node';
import type { Bench } from '../measure.ts';

const entries = 1000;
const order = { reason: 'gdpr-17-1-a', authority: 'office' };

/** One person with a thousand entries of a home on disk: key, payloads, files emptied of both, counterparties looked up, and the entry that says so. */
export const erasePerson1000: Bench = {
  name: 'erase-person-1000',
  maxRounds: 5,
  async open() {
    const folder = mkdtempSync(join(tmpdir(), 'talos-bench-erase-'));
    const { privacy, close } = await openHomePrivacy({ dir: join(folder, 'home'), stateDir: join(folder, 'state') });
    let made = 0;
    const append = (name: string): Promise<unknown> => {
      const log = privacy.about(name);
      const entry = (n: number) => ({ type: 'tool.request' as const, call: `${name}-${n}`, commit: { args: { to: `a${n}@b.example`, text: 'hello' } } });
      return Promise.all(Array.from({ length: entries }, (_, n) => log.append(entry(n))));
    };
    for (let other = 0; other < 9; other += 1) await append(`other-${other}`);
    return {
      round: async () => {
        const name = `person-${(made += 1)}`;
        await append(name);
        const start = performance.now();
        await privacy.eraseSubject(name, order);
        const micros = (performance.now() - start) * 1000;
        return { micros: [micros], totalMicros: micros };
      },
      close: async () => {
        await close();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  },
};
