/** A LangChain agent behind signed HTTP, as a process of its own. Says on a line where it listens and what the caller may present; writes its log on another when it is told to end. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { any, eq, memoryHome, systemEnv, TalosClient } from '@talosprotocol/core';
import { guardRequest } from '@talosprotocol/core/web';
import { createAgent, tool } from 'langchain';
import { z } from 'zod';
import { talosGuard } from '@talosprotocol/langchain';
import { go, modelCalling } from './support.ts';

const callerDid = process.argv[2] as TalosClient['did'];
// The replay set knows of no proof from before it began.
let offsetMs = 0;
const client = await TalosClient.create('researcher', { stores: memoryHome(), env: { ...systemEnv, now: () => systemEnv.now() + offsetMs } });
offsetMs = 2000;
const guard = talosGuard({ client, capability: await client.grant({ to: client.did, tools: { read: { path: eq('docs/a.md') } } }) });
const ran: string[] = [];
const read = tool(async ({ path }) => `contents of ${(ran.push(path), path)}`, { name: 'read', description: 'Reads.', schema: z.object({ path: z.string() }) });

async function work(): Promise<string> {
  const calls = ['docs/a.md', 'etc/passwd'].map((path, i) => ({ name: 'read', args: { path }, id: `call_${i}` }));
  const agent = createAgent({ model: modelCalling(calls), tools: guard.tools([read]), middleware: [guard.middleware()], name: 'researcher' });
  const { messages } = (await agent.invoke(go())) as { messages: { text: string }[] };
  return JSON.stringify(messages.map(({ text }) => text));
}

async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const headers = Object.entries(incoming.headers).map(([name, value]) => [name, String(value)] as [string, string]);
  const url = `http://${incoming.headers.host ?? ''}${incoming.url ?? ''}`;
  const response = await verify(
    new Request(url, { method: incoming.method ?? 'GET', headers, body: Readable.toWeb(incoming) as never, duplex: 'half' } as RequestInit),
    async (request, caller) => Response.json({ caller: caller.did, asked: await request.json(), answer: await work() }),
  );
  outgoing.writeHead(response.status, Object.fromEntries(response.headers)).end(Buffer.from(await response.arrayBuffer()));
}

const server = createServer((incoming, outgoing) => void answer(incoming, outgoing)).listen(0, '127.0.0.1');
await once(server, 'listening');
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const verify = guardRequest({ client, origin });
const http = { method: eq('POST'), path: eq('/runs/wait'), body: any() };
const capability = await client.grant({ to: callerDid, at: client.did, tools: { http } });
process.stdout.write(`${JSON.stringify({ origin, did: client.did, capability })}\n`);

await once(process.stdin, 'data');
const entries: unknown[] = [];
for (let index = 0; index < client.log.size; index++) entries.push((await client.log.entry(index)).entry);
process.stdout.write(`${JSON.stringify({ ran, entries })}\n`);
await client.close();
server.close();
server.closeAllConnections();
