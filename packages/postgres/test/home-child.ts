/** A process over a home that another one uses at the same time: an agent that spends, takes back or talks when it is told. @module */
import { writeSync } from 'node:fs';
import { TalosClient } from '@talosprotocol/core';
import type { AgentId } from '@talosprotocol/core/identity';
import type { Transport } from '@talosprotocol/core/message';
import { postgresHome } from '../src/postgres-home.ts';
import { createInterface } from 'node:readline';

type Options = {
  readonly url: string;
  readonly home: string;
  readonly log: string;
  readonly stateDir: string;
  readonly key: string;
  readonly name: string;
  readonly issuer: AgentId;
};
const { url, home, log, stateDir, key, name, issuer } = JSON.parse(process.argv[2] ?? '{}') as Options;

const say = (line: string): void => void writeSync(1, `${line}\n`);
/** Frames go to the parent, which has the other end. */
const transport: Transport = {
  send: async (to, frame) => say(`frame ${to} ${Buffer.from(frame).toString('base64')}`),
  receive: async () => ({ close: async () => undefined }),
};
const stores = postgresHome(url, { home, log, stateDir, keyProvider: async () => new Uint8Array(Buffer.from(key, 'hex')) });
const client = await TalosClient.create(name, { stores, transport, trust: { issuers: [issuer] } });
say(`did ${client.did}`);

const tasks: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
  spend: async (tokens) => {
    for (const capability of tokens) {
      const outcome = await client.guard({ capability }).run({ tool: 'pay', input: {} }, () => 'paid');
      say(`spent ${outcome.status === 'denied' ? outcome.denial.code : outcome.status}`);
    }
  },
  revoke: async ([token = '']) => client.revoke(token),
  send: async ([peer, count]) => {
    for (let i = 0; i < Number(count); i++) await client.send(peer as AgentId, `child ${i}`);
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const [task = '', ...args] = line.split(' ');
  if (task === 'end') break;
  await tasks[task]!(args);
  say(`done ${task}`);
}
await client.close();
process.exit(0);
