#!/usr/bin/env node
/** The command `talos-witness`. @module */
import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { systemEnv } from '@talosprotocol/core';
import { TalosError } from '@talosprotocol/core/errors';
import { fileKeyStore } from '@talosprotocol/core/node';
import { loadWitnessSigner } from './witness-key.ts';
import { startWitness } from './witness.ts';

type Flags = { readonly name: string; readonly log: string[]; readonly dir: string; readonly port: number; readonly host: string; readonly json?: true };

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
const maxPort = 65_535;

await new Command('talos-witness')
  .description('Cosigns the checkpoints of the logs it is given, if each continues the one before. Reads no entry.')
  .version(version)
  .requiredOption('--name <name>', 'name under which it cosigns, a URL without scheme: witness.example')
  .requiredOption('--log <vkey>', 'verifier key of a log that it follows; may be given again', (vkey: string, before: string[]) => [...before, vkey], [])
  .option('--dir <folder>', 'its key and database; the passphrase is read from TALOS_PASSPHRASE', 'talos-witness')
  .option('--port <number>', 'port to listen on, 0 for a free one', parsePort, 8788)
  .option('--host <address>', 'address to listen on; TLS is a reverse proxy’s', '127.0.0.1')
  .option('--json', 'say where it listens as one line of JSON')
  .action(run)
  .parseAsync();

async function run({ name, log, dir, port, host, json }: Flags): Promise<void> {
  try {
    const passphrase = process.env['TALOS_PASSPHRASE'];
    const keys = fileKeyStore({ dir, protection: passphrase === undefined ? { unsafeUnprotected: true } : { passphrase } });
    const signer = await loadWitnessSigner(keys, systemEnv);
    const witness = await startWitness({ path: path.join(dir, 'witness.db'), name, signer, logs: log, port, host });
    // Before it says that it is there: who started it may stop it at once.
    const stop = (): void => void witness.close();
    process.once('SIGINT', stop).once('SIGTERM', stop);
    const place = { url: witness.url, port: witness.port, key: witness.key };
    process.stdout.write(json ? `${JSON.stringify(place)}\n` : `talos-witness listens at ${place.url}; trust it as ${place.key}\n`);
  } catch (error) {
    const code = TalosError.isInstance(error) ? error.code : ((error as { readonly code?: string }).code ?? 'error');
    process.stderr.write(`talos-witness: ${code}: ${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}

function parsePort(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > maxPort) throw new InvalidArgumentError(`It has to be a whole number of at most ${maxPort}.`);
  return Number(text);
}
