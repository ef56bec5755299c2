import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemEnv } from '@talosprotocol/core';
import { storeSource } from '@talosprotocol/core/audit';
import { exportFormats, exportLog, type ExportFormat } from '@talosprotocol/core/export';
import { openSqliteAuditStore } from '@talosprotocol/core/node';
import { signGrownLog } from '../grow-log.ts';
import type { Bench } from '../measure.ts';

const entries = 50_000;

/** A log of fifty thousand calls and results on disk, read, hashed, parsed and written in one format; the bytes are counted and dropped. */
function exportBench(format: ExportFormat): Bench {
  return {
    name: `export-${format}`,
    maxRounds: 3,
    async open() {
      const folder = mkdtempSync(join(tmpdir(), 'talos-bench-'));
      const store = await openSqliteAuditStore({ path: join(folder, 'audit.db') });
      const verifierKey = await signGrownLog(store, { entries, env: systemEnv });
      return {
        async round() {
          const started = performance.now();
          let characters = 0;
          for await (const piece of exportLog({ source: storeSource(store), verifierKey, format })) characters += piece.length;
          const totalMicros = (performance.now() - started) * 1000;
          if (characters < entries * 100) throw new Error('the export is too short');
          return { micros: Array.from({ length: entries }, () => totalMicros / entries), totalMicros };
        },
        close: async () => {
          await store.close();
          rmSync(folder, { recursive: true });
        },
      };
    },
  };
}

export const exportBenches: readonly Bench[] = exportFormats.map(exportBench);
