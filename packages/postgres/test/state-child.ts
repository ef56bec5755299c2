/** A process over a home that others use too. Prints each thing it did once it is durable, and is killed or ends. @module */
import { writeSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import type { AgentId } from '@talosprotocol/core/identity';
import { postgresLimitStore } from '../src/postgres-limit-store.ts';
import { postgresReplayStore } from '../src/postgres-replay-store.ts';
import { postgresSessionStore } from '../src/postgres-session-store.ts';
import { PostgresState } from '../src/postgres-state.ts';

const [url = '', home = '', task = '', times = '1'] = process.argv.slice(2);
const state = new PostgresState({ url, home, timeoutMs: 60_000 });
await state.open('rights');
await state.open('sessions');
const now = 1_767_225_600_000;

async function spend(): Promise<void> {
  const limits = postgresLimitStore(state);
  const rule = { kind: 'total', max: Number(times) } as const;
  const charges = ['b', 'a'].map((key) => ({ key, rule, amount: 1, from: now, until: now + 3_600_000 }));
  while ((await limits.reserve(charges, now)) === undefined) {
    say('spent');
    await limits.settle(charges.map(({ key }) => ({ key, rule, held: 1, used: 1 })));
  }
}

async function prove(): Promise<void> {
  const replay = postgresReplayStore(state);
  for (let i = 0; i < Number(times); i++) {
    if ((await replay.add({ id: `proof ${i}`, from: now, until: now + 60_000 }, now)) === 'new') say(`new ${i}`);
  }
}

/** Compare-and-set until the session has that many versions. */
async function talk(): Promise<void> {
  const peer = 'did:key:z6Mkpeer' as AgentId;
  const store = postgresSessionStore(state, { agent: 'did:key:z6Mkagent' as AgentId, key: new Uint8Array(32).fill(5) });
  for (;;) {
    const version = (await store.load('s'))?.version ?? 0;
    if (version >= Number(times)) return;
    const id = randomBytes(8).toString('hex');
    const named = { id, sessionId: 's', sessionVersion: version + 1 };
    const opened = [{ name: `1/${version}`, headerHash: new Uint8Array(8) }];
    const inbox = [{ ...named, from: peer, contents: new Uint8Array(3), frameBytes: 1, receivedAt: 1 }];
    try {
      await store.commit('s', version, { state: new Uint8Array(400), peer, opened, inbox, outbox: [{ ...named, to: peer, frame: new Uint8Array(100) }] });
      say(`sent ${id}`);
    } catch (error) {
      if ((error as { code?: string }).code !== 'TALOS_STORE_CONFLICT') throw error;
      say('lost');
    }
  }
}

function say(line: string): void {
  writeSync(1, `${line}\n`);
}

say('ready');
await new Promise((resolve) => process.stdin.once('data', resolve));
await { spend, prove, talk }[task]!();
await state.close();
process.exit(0);
