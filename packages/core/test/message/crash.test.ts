import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'talos-crash-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const sending = ['commit', 'fence', 'log', 'send', 'removeOutbox'];
const receiving = ['commit', 'fence', 'log', 'acknowledge', 'handler', 'removeInbox'];
const points = (steps: readonly string[]) => steps.flatMap((step) => [`${step}:before`, `${step}:after`]);

it('[MSG-KILL-9] [MSG-GROUP-COMMIT] killed at every step of send and receive, in the middle of a batch too: nothing is lost, nothing encrypted twice, repeats are marked', async () => {
  expect(await live('bob')).toBe('ended');
  // The first commit of a life may be the session's, the others are of messages: both are met.
  for (const point of points(sending)) for (const occurrence of [1, 2]) expect([point, await live('alice', point, occurrence)]).toEqual([point, 'killed']);
  expect(await live('alice')).toBe('ended');
  for (const point of points(receiving)) expect([point, await live('bob', point)]).toEqual([point, 'killed']);
  expect(await live('bob')).toBe('ended');

  const [sent, received, wire] = [lines('sent'), lines('received').map((line) => line.split(' ')), lines('wire')];
  expect(lines('failures')).toEqual([]);
  expect(sent.length).toBe(200);
  const ids = new Set(received.map(([id]) => id));
  expect(sent.filter((id) => !ids.has(id))).toEqual([]);
  // A frame that goes twice is the same frame, and what was opened was on the wire.
  expect(wire.length).toBeGreaterThan(new Set(wire).size);
  for (const id of ids) expect(wire).toContain(id);
  const repeats = received.filter(([id], i) => received.findIndex(([other]) => other === id) < i);
  expect(repeats.length).toBeGreaterThan(0);
  expect(repeats.every(([, , redelivered]) => redelivered === 'true')).toBe(true);
  // Both ends did work in batches.
  expect(Math.max(...batches('alice'), 0)).toBeGreaterThan(1);
  expect(Math.max(...batches('bob'), 0)).toBeGreaterThan(1);
  // Both ends recorded what they sent and took in, once.
  const hashes = (name: string, type: string) => lines(`${name}.log`).filter((line) => line.startsWith(type));
  for (const id of ids) expect(hashes('alice', `message.out ${id}`).length + hashes('bob', `message.in ${id}`).length).toBe(2);
}, 120_000);

function lines(name: string): readonly string[] {
  const file = join(folder, name);
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
}

/** Rows of each commit. */
function batches(name: string): readonly number[] {
  return lines(`${name}.commits`).map(Number);
}

function live(name: 'alice' | 'bob', point = 'never', occurrence = 2): Promise<string> {
  const file = fileURLToPath(new URL('./crash-agent.ts', import.meta.url));
  const args = ['--conditions=@talosprotocol/source', file, folder, name, point, String(occurrence)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  return new Promise((resolve) => child.on('close', (code, signal) => resolve(signal === 'SIGKILL' ? 'killed' : code === 0 ? 'ended' : `${code}: ${errors}`)));
}
