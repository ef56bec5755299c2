/** A PostgreSQL of this test's own: what may be killed and misconfigured. Needs Debian's binaries; root runs them as the user postgres. @module */
import { execFileSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const binaries = globSync('/usr/lib/postgresql/*/bin/pg_ctl').toSorted();

/** Why there is none here. */
export const noCluster = binaries.length > 0 && process.platform === 'linux' ? undefined : 'no PostgreSQL binaries in /usr/lib/postgresql';

export class Cluster {
  readonly url: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'talos-pg-'));
  readonly #bin = (binaries.at(-1) as string).slice(0, -'pg_ctl'.length);
  readonly #port = 20_000 + (process.pid % 20_000);

  constructor() {
    if (process.getuid?.() === 0) execFileSync('chown', ['postgres', this.#folder]);
    this.#run('initdb', ['-D', `${this.#folder}/data`, '-A', 'trust', '-U', 'postgres', '-E', 'UTF8', '--locale=C']);
    this.start();
    this.url = `postgres://postgres@127.0.0.1:${this.#port}/postgres`;
  }

  start(): void {
    const options = `-p ${this.#port} -k ${this.#folder} -c listen_addresses=127.0.0.1`;
    this.#run('pg_ctl', ['-D', `${this.#folder}/data`, '-s', '-w', '-t', '30', '-l', `${this.#folder}/log`, '-o', options, 'start']);
  }

  /** As a crash does: nothing is flushed, no client is told. */
  kill(): void {
    process.kill(Number(readFileSync(`${this.#folder}/data/postmaster.pid`, 'utf8').split('\n')[0]), 'SIGKILL');
  }

  remove(): void {
    this.#run('pg_ctl', ['-D', `${this.#folder}/data`, '-s', '-m', 'immediate', 'stop']);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #run(program: string, args: readonly string[]): void {
    const command = [`${this.#bin}${program}`, ...args];
    const [file = '', ...rest] = process.getuid?.() === 0 ? ['runuser', '-u', 'postgres', '--', ...command] : command;
    execFileSync(file, rest, { stdio: 'ignore', cwd: tmpdir() });
  }
}
