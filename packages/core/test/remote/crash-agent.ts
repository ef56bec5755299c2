/**
 * An agent in a process of its own, to be killed: `node crash-agent.ts <folder> caller|callee <crash point> <occurrence>`. Real homes on
 * disk, a mailbox in a folder, and kill -9 on itself when the named step is reached for the given time. Lives until its standard input ends.
 * @module
 */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { anyArgs } from '../../src/capability/index.ts';
import type { AuditLog } from '../../src/audit/audit-log.ts';
import { TalosClient, type Home } from '../../src/index.ts';
import type { AgentId } from '../../src/identity/agent-id.ts';
import { nodeHome } from '../../src/node/node-home.ts';
import { readReceiptEntry } from '../../src/receipt/index.ts';
import type { CallStore } from '../../src/remote/call-store.ts';
import { folderTransport } from './folder-transport.ts';
import { crashPoint } from '../message/crash-point.ts';

const [folder = '', name = '', crashAt = '', occurrence = '1'] = process.argv.slice(2);
const { reach, around } = crashPoint(crashAt, Number(occurrence));

const file = (...parts: readonly string[]) => join(folder, ...parts);
const note = (to: string, line: string) => appendFileSync(file(to), `${line}\n`);

/** What the log is given, by what it is: `log.tool.request`, `log.outcome`. */
function crashingLog(log: AuditLog): AuditLog {
  const append: AuditLog['append'] = (entry) => around(`log.${(entry['receipt'] as string | undefined) ?? entry.type}`, () => log.append(entry));
  return new Proxy(log, {
    get: (target, member) => {
      if (member === 'append') return append;
      const value: unknown = Reflect.get(target, member);
      return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
    },
  });
}

function crashingCalls(calls: CallStore): CallStore {
  return {
    ...calls,
    claim: (...args) => around('claim', () => calls.claim(...args)),
    settle: (...args) => around('settle', () => calls.settle(...args)),
    acknowledge: (...args) => around('acknowledge', () => calls.acknowledge(...args)),
  };
}

function crashingHome(home: Home): Home {
  let opened: AuditLog | undefined;
  return {
    ...home,
    log: (env) => {
      const shared = home.log(env);
      return { ...shared, acquire: async () => (opened ??= crashingLog(await shared.acquire())) };
    },
    calls: async (agent, env) => {
      const calls = await home.calls!(agent, env);
      return { ...calls, store: crashingCalls(calls.store) };
    },
    sessions: async (agent) => {
      const sessions = await home.sessions(agent);
      const { store } = sessions;
      return {
        ...sessions,
        store: {
          ...store,
          commit: (...args) => around('commit', () => store.commit(...args)),
          removeInbox: (ids) => around('removeInbox', () => store.removeInbox(ids)),
        },
      };
    },
  };
}

const stores = crashingHome(nodeHome({ dir: file(name), stateDir: file('state') }));
const client = await TalosClient.create(name, { stores, transport: folderTransport(folder, name) });
client.on('error', (error) => note('errors', `${name} ${(error as { code?: string }).code ?? String(error)}`));
if (name === 'callee') await serve();
else await call();
process.stdout.write('ready\n');
await new Promise((resolve) => process.stdin.on('close', resolve).resume());
await writeReceipts();
await client.close();

async function serve(): Promise<void> {
  await client.serve({
    tools: [
      {
        name: 'work',
        description: 'Works.',
        inputSchema: { type: 'object' },
        execute: (_, { callId: id }) => {
          reach('tool:before');
          note('ran', id);
          reach('tool:after');
          return { did: id };
        },
      },
    ],
  });
  if (existsSync(file('caller.did')) && !existsSync(file('capability'))) {
    const to = readFileSync(file('caller.did'), 'utf8') as AgentId;
    writeFileSync(file('capability'), await client.grant({ to, at: client.did, for: '1h', tools: { work: anyArgs() } }));
  }
  if (existsSync(file('callee.json'))) return;
  writeFileSync(file('bundle'), await client.bundle());
  writeFileSync(file('callee.json'), JSON.stringify({ did: client.did }));
}

/** Each line of standard input is a call. */
async function call(): Promise<void> {
  const { did } = JSON.parse(readFileSync(file('callee.json'), 'utf8')) as { did: AgentId };
  writeFileSync(file('caller.did'), client.did);
  if (!existsSync(file('session'))) {
    await client.establishSession(did, new Uint8Array(readFileSync(file('bundle'))));
    writeFileSync(file('session'), '');
  }
  // From now on it listens: answers to calls of earlier lives are taken in.
  await client.serve({ tools: [] });
  const ask = async (callId: string): Promise<void> => {
    const capability = readFileSync(file('capability'), 'utf8');
    const { status } = await client.call(did, 'work', { id: callId }, { capability, callId, timeoutMs: 300_000 });
    note('results', `${callId} ${status}`);
  };
  createInterface(process.stdin).on('line', (callId) => void ask(callId).catch((error: unknown) => note('errors', `caller ${String(error)}`)));
}

/** What this log holds of each call, when the agent ends. */
async function writeReceipts(): Promise<void> {
  const lines: string[] = [];
  for (let index = 0; index < client.log.size; index++) {
    const { entry } = await client.log.entry(index);
    const part = readReceiptEntry(entry);
    if (part !== undefined && entry.agent === client.did) lines.push(`${entry['call'] as string} ${part.part} ${part.text}`);
  }
  writeFileSync(file(`${name}.receipts`), `${lines.join('\n')}\n`);
}
