#!/usr/bin/env node
/** The command `talos-relay`. @module */
import { readFileSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { TalosError } from '@talosprotocol/core/errors';
import { defaultLimits } from './relay-limits.ts';
import { startRelay } from './relay.ts';

type Flags = { readonly port: number; readonly host: string; readonly db: string; readonly origin?: string; readonly maxDbMib: number; readonly json?: true };

const mebibyte = 1024 * 1024;
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };

await new Command('talos-relay')
  .description('Carries sealed frames between Talos agents and keeps their prekey bundles. Reads none of it.')
  .version(version)
  .option('--port <number>', 'port to listen on, 0 for a free one', parseCount(65_535), 8787)
  .option('--host <address>', 'address to listen on; TLS is a reverse proxy’s', '127.0.0.1')
  .option('--db <file>', 'SQLite file, made if there is none', 'talos-relay.db')
  .option('--origin <url>', 'address that clients connect to, wss://relay.example (default: where it listens)')
  .option('--max-db-mib <number>', 'size of the database above which frames are refused', parseCount(2 ** 24), defaultLimits.databaseBytes / mebibyte)
  .option('--json', 'say where it listens as one line of JSON')
  .action(run)
  .parseAsync();

async function run({ port, host, db, origin, maxDbMib, json }: Flags): Promise<void> {
  try {
    const relay = await startRelay({ path: db, port, host, ...(origin === undefined ? {} : { origin }), limits: { databaseBytes: maxDbMib * mebibyte } });
    // Before it says that it is there: who started it may stop it at once.
    const stop = (): void => void relay.close();
    process.once('SIGINT', stop).once('SIGTERM', stop);
    const place = { url: relay.url, origin: relay.origin, port: relay.port, db };
    process.stdout.write(json ? `${JSON.stringify(place)}\n` : `talos-relay/1 listens at ${place.url} as ${place.origin}, mail in ${db}\n`);
  } catch (error) {
    const code = TalosError.isInstance(error) ? error.code : ((error as { readonly code?: string }).code ?? 'error');
    process.stderr.write(`talos-relay: ${code}: ${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}

function parseCount(max: number): (text: string) => number {
  return (text) => {
    if (!/^\d{1,9}$/.test(text) || Number(text) > max) throw new InvalidArgumentError(`It has to be a whole number of at most ${max}.`);
    return Number(text);
  };
}
