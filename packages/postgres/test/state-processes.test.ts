import type { AgentId } from '@talosprotocol/core/identity';
import { describe, expect, it } from 'vitest';
import { postgresSessionStore } from '../src/postgres-session-store.ts';
import { startChild, type Child } from './child.ts';
import { freshLog, noServer, openState, sql, url } from './support.ts';

const saidBy = (children: readonly Child[], start: string): string[] => children.flatMap(({ lines }) => lines.filter((line) => line.startsWith(start)));

/** Three processes that begin together; the first is killed in the midst of it, a fourth comes for it. */
async function compete(home: string, task: string, times: number): Promise<readonly Child[]> {
  const start = (): Child => startChild(new URL('state-child.ts', import.meta.url), [url, home, task, String(times)]);
  const children = [start(), start(), start()];
  await Promise.all(children.map((child) => child.line('ready')));
  const victim = children[0]!;
  // A step ahead: on a busy machine the others could leave nothing for it.
  victim.say('go');
  await victim.line(task === 'spend' ? 'spent' : task === 'prove' ? 'new' : 'sent');
  for (const child of children.slice(1)) child.say('go');
  victim.kill();
  expect(await victim.ended).toBe(null);
  const fourth = start();
  await fourth.line('ready');
  fourth.say('go');
  const all = [...children, fourth];
  expect(await Promise.all(all.slice(1).map(({ ended }) => ended))).toEqual([0, 0, 0]);
  return all;
}

describe.skipIf(noServer !== undefined)(`several processes over one home${noServer === undefined ? '' : `: ${noServer}`}`, () => {
  it('[PG-STATE-PROCESSES] a limit is given out once, and what a killed process had reserved stays spent', async () => {
    const home = freshLog();
    const children = await compete(home, 'spend', 120);
    const [row] = await sql(`SELECT (used + held)::text AS gone, held::text FROM "${home}".counter WHERE key = 'a'`);
    expect(row!['gone']).toBe('120');
    const spent = saidBy(children, 'spent').length;
    // The killed one may have reserved one more than it could say.
    expect([119, 120]).toContain(spent);
    expect(Number(row!['held'])).toBeLessThanOrEqual(1);
  });

  it('[PG-STATE-PROCESSES] a proof is new for one of them', async () => {
    const children = await compete(freshLog(), 'prove', 60);
    const said = saidBy(children, 'new');
    expect(new Set(said).size).toBe(said.length);
    expect([59, 60]).toContain(said.length);
  });

  it('[PG-STATE-PROCESSES] each version of a session has one winner, none is lost, and nothing is half-written when one is killed', async () => {
    const home = freshLog();
    const children = await compete(home, 'talk', 90);
    const state = await openState({ home, part: 'sessions' });
    const store = postgresSessionStore(state, { agent: 'did:key:z6Mkagent' as AgentId, key: new Uint8Array(32).fill(5) });
    const last = Number((await store.load('s'))?.version);
    expect(last).toBe(90);
    const [outbox, inbox] = [await store.outbox(), await store.inbox()];
    expect(outbox.map(({ sessionVersion }) => sessionVersion)).toEqual(Array.from({ length: last }, (_, i) => i + 1));
    expect(inbox.map(({ id }) => id)).toEqual(outbox.map(({ id }) => id));
    for (let i = 0; i < last; i += 13) expect(await store.opened('s', `1/${i}`)).toBeDefined();
    const ids = new Set(outbox.map(({ id }) => id));
    const acknowledged = saidBy(children, 'sent').map((line) => line.slice(5));
    for (const id of acknowledged) expect(ids.has(id)).toBe(true);
    expect(acknowledged.length).toBeGreaterThanOrEqual(last - 1);
    // They did meet: else this test shows nothing.
    expect(saidBy(children, 'lost').length).toBeGreaterThan(0);
    await state.close();
  });
});
