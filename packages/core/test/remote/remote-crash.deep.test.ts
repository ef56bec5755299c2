import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { eventually } from './support.ts';

const folder = mkdtempSync(join(tmpdir(), 'talos-remote-crash-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const both = (steps: readonly string[]) => steps.flatMap((step) => [`${step}:before`, `${step}:after`]);
const atCallee = both([
  'commit',
  'log.message.in',
  'claim',
  'log.request',
  'log.tool.request',
  'tool',
  'settle',
  'log.tool.result',
  'log.outcome',
  'log.message.out',
  'removeInbox',
  'log.countersignature',
  'acknowledge',
]);
const atCaller = both(['log.request', 'commit', 'log.message.out', 'log.message.in', 'log.outcome', 'log.countersignature', 'removeInbox']);

it.runIf(process.env['TALOS_DEEP'] === '1')(
  '[REMOTE-KILL-9] killed at every step of call and serve: no call runs twice, each has one outcome, and both logs agree on it',
  async () => {
    await end(await start('callee'));
    await end(await start('caller'));
    await end(await start('callee'));

    const caller = await start('caller');
    for (const point of atCallee) {
      const callee = await start('callee', point);
      caller.say(`callee-${point}`);
      expect([point, await callee.ended]).toEqual([point, 'killed']);
    }
    const callee = await start('callee');
    const asked = atCallee.map((point) => `callee-${point}`);
    await eventually(() => (asked.every((id) => results().has(id)) ? true : undefined));
    await end(caller);

    for (const point of atCaller) {
      const life = await start('caller', point);
      life.say(`caller-${point}`);
      expect([point, await life.ended]).toEqual([point, 'killed']);
    }
    const last = await start('caller');
    last.say('last');
    await eventually(() => (results().has('last') ? true : undefined));
    await end(last);
    await end(callee);

    const ran = lines('ran');
    expect(new Set(ran).size).toBe(ran.length);
    for (const id of asked) {
      const status = results().get(id);
      expect([id, status]).toEqual([id, expect.stringMatching(/^(ok|unknown)$/)]);
      if (status === 'ok') expect(ran).toContain(id);
    }
    // What the process did before it was killed inside the tool is unknown, never done again.
    expect(results().get('callee-tool:after')).toBe('unknown');
    const [held, kept] = [receipts('callee'), receipts('caller')];
    for (const [key, texts] of [...held, ...kept]) if (key.endsWith(' outcome')) expect([key, new Set(texts).size]).toEqual([key, 1]);
    for (const [key, texts] of held) if (kept.has(key) && key.endsWith(' outcome')) expect(kept.get(key)).toContain(texts[0]);
    for (const id of asked)
      for (const part of ['request', 'outcome', 'countersignature']) expect([id, part, kept.has(`${id} ${part}`)]).toEqual([id, part, true]);
    expect([...kept.keys(), ...held.keys()].filter((key) => key.endsWith(' dispute'))).toEqual([]);
  },
  600_000,
);

function lines(name: string): readonly string[] {
  const file = join(folder, name);
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : [];
}

function results(): ReadonlyMap<string, string> {
  return new Map(lines('results').map((line) => line.split(' ') as [string, string]));
}

/** Texts by call and part, as the log held them at the end. */
function receipts(name: string): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const line of lines(`${name}.receipts`)) {
    const [call = '', part = '', ...text] = line.split(' ');
    found.set(`${call} ${part}`, [...(found.get(`${call} ${part}`) ?? []), text.join(' ')]);
  }
  return found;
}

type Life = { readonly ended: Promise<string>; readonly say: (line: string) => void; readonly end: () => void };

/** Resolves when it is ready, or was killed before. */
async function start(name: 'caller' | 'callee', point = 'never'): Promise<Life> {
  const file = fileURLToPath(new URL('./crash-agent.ts', import.meta.url));
  const args = ['--conditions=@talosprotocol/source', '--disable-warning=ExperimentalWarning', file, folder, name, point];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  child.stdin.on('error', () => undefined);
  const ended = new Promise<string>((resolve) =>
    child.on('close', (code, signal) => resolve(signal === 'SIGKILL' ? 'killed' : code === 0 ? 'ended' : `${code}: ${errors}`)),
  );
  const ready = new Promise((resolve) => child.stdout.once('data', resolve));
  await Promise.race([ready, ended]);
  return { ended, say: (line) => void child.stdin.write(`${line}\n`), end: () => void child.stdin.end() };
}

async function end(life: Life): Promise<void> {
  life.end();
  expect(await life.ended).toBe('ended');
}
