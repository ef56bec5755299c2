/**
 * An agent in a process of its own, to be killed: `node crash-agent.ts <folder> alice|bob <crash point> <occurrence>`. Real sessions in
 * SQLite, a mailbox in a folder, and kill -9 on itself when the named step is reached for the given time.
 * @module
 */
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeHex } from '../../src/bytes/hex.ts';
import { loadIdentity } from '../../src/client/load-identity.ts';
import { systemEnv } from '../../src/env/env.ts';
import { parseAgentId, type AgentId } from '../../src/identity/agent-id.ts';
import type { MessageLog } from '../../src/message/message-log.ts';
import { openMessenger } from '../../src/message/messenger.ts';
import type { Transport } from '../../src/message/transport.ts';
import { nodeHome } from '../../src/node/node-home.ts';
import type { RollbackFence } from '../../src/session/fence.ts';
import { hashFrame } from '../../src/session/frame.ts';
import type { SessionStore } from '../../src/session/session-store.ts';
import { crashPoint } from './crash-point.ts';

const [folder = '', name = '', crashAt = '', occurrence = '2'] = process.argv.slice(2);
const messages = 200;
/** Sends at a time, and letters that are taken in at a time: small, so that every life meets more than one batch. */
const [together, lettersAtOnce] = [4, 3];
const { reach, around } = crashPoint(crashAt, Number(occurrence));

const file = (...parts: readonly string[]) => join(folder, ...parts);
const note = (to: string, line: string) => appendFileSync(file(to), `${line}\n`);
const lines = (of: string) => (existsSync(file(of)) ? readFileSync(file(of), 'utf8').split('\n').filter(Boolean) : []);

function crashing(store: SessionStore, fence: RollbackFence): { readonly store: SessionStore; readonly fence: RollbackFence } {
  return {
    store: {
      ...store,
      commit: (...args) => {
        const [, , { outbox = [], inbox = [] }] = args;
        note(`${name}.commits`, String(outbox.length + inbox.length));
        return around('commit', () => store.commit(...args));
      },
      removeOutbox: (ids) => (ids.length === 0 ? Promise.resolve() : around('removeOutbox', () => store.removeOutbox(ids))),
      removeInbox: (ids) => around('removeInbox', () => store.removeInbox(ids)),
    },
    fence: { ...fence, raise: (...args) => around('fence', () => fence.raise(...args)) },
  };
}

const log: MessageLog = {
  append: async (entry) => {
    reach('log:before');
    const line = 'messageHash' in entry ? `${entry.type} ${entry.messageHash}` : entry.type;
    if (!lines(`${name}.log`).includes(line)) note(`${name}.log`, line);
    reach('log:after');
  },
};

let serial = 0;
const boxOf = (did: AgentId) => file('mail', encodeHex(parseAgentId(did).bytes));
function post(to: AgentId, frame: Uint8Array): void {
  reach('send:before');
  note('wire', hashFrame(frame));
  mkdirSync(boxOf(to), { recursive: true });
  const letter = `${Date.now()}-${String(serial++).padStart(6, '0')}`;
  writeFileSync(file(`${letter}.part`), frame);
  renameSync(file(`${letter}.part`), join(boxOf(to), letter));
  reach('send:after');
}

const transport: Transport = {
  send: async (to, frame) => post(to, frame),
  sendBatch: async (to, frames) => {
    for (const frame of frames) post(to, frame);
    return frames.length;
  },
  receive: () => Promise.reject(new Error('batches are received')),
  receiveBatches: async (own, handler) => {
    mkdirSync(boxOf(own), { recursive: true });
    const state = { isClosed: false };
    const loop = (async () => {
      while (!state.isClosed) {
        const paths = readdirSync(boxOf(own))
          .toSorted()
          .slice(0, lettersAtOnce)
          .map((letter) => join(boxOf(own), letter));
        const taken = paths.length === 0 ? 0 : await handler(paths.map((path) => new Uint8Array(readFileSync(path))));
        for (const path of paths.slice(0, taken)) {
          reach('acknowledge:before');
          unlinkSync(path);
          reach('acknowledge:after');
        }
        await sleep(2);
      }
    })();
    return {
      close: async () => {
        state.isClosed = true;
        await loop;
      },
    };
  },
};

const home = nodeHome({ dir: file(name), stateDir: file('state') });
const { identity } = await loadIdentity({ name, keys: home.keys, env: systemEnv });
const sessions = await home.sessions(identity.did);
const failures = (what: string) => () => note('failures', `${name} ${what}`);
const messenger = await openMessenger({
  identity,
  ...crashing(sessions.store, sessions.fence),
  transport,
  log,
  onError: (error) => note('failures', `${name} ${(error as { code?: string }).code ?? String(error)}`),
  onLost: failures('lost'),
  onPeerRollback: failures('saw a key used twice'),
});

if (name === 'alice') await send();
else await receive();
await messenger.close();
await sessions.close();

/** Goes on where the last life stopped; a message whose `send` did not resolve is sent again, as a caller would. */
async function send(): Promise<void> {
  const peer = readFileSync(file('bob.did'), 'utf8') as AgentId;
  if ((await sessions.store.sessionsWith(peer)).length === 0) await messenger.establishSession(peer, new Uint8Array(readFileSync(file('bundle'))));
  const sendOne = async (i: number): Promise<void> => note('sent', (await messenger.send(peer, `m${i}`)).id);
  for (let first = lines('sent').length; first < messages; first += together)
    await Promise.all(Array.from({ length: Math.min(together, messages - first) }, (_, i) => sendOne(first + i)));
}

async function receive(): Promise<void> {
  if (!existsSync(file('bundle'))) {
    writeFileSync(file('bob.did'), identity.did);
    writeFileSync(file('bundle'), await messenger.bundle());
    return;
  }
  messenger.onMessage(({ id, content, redelivered }) => {
    reach('handler:before');
    note('received', `${id} ${String(content)} ${redelivered}`);
    reach('handler:after');
  });
  while (readdirSync(boxOf(identity.did)).length > 0 || (await sessions.store.inbox()).length > 0) await sleep(5);
}
