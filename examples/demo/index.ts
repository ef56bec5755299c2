/**
 * The whole of Talos in a few seconds: three agents in three frameworks, each limited to docs/; a call to an agent in another process; a sealed
 * message; a log that is proved.
 * Offline, scripted models, real tools, real files, real SQLite. Checks its own result and exits with 1 if anything differs.
 * @module
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { any, subpath, TalosClient, type AgentId } from '@talosprotocol/core';
import { verifyCheckpoint, verifyConsistency } from '@talosprotocol/core/audit';
import { memoryTransport } from '@talosprotocol/core/message';
import { nodeHome } from '@talosprotocol/core/node';
import { runTwoProcesses } from '../06-two-processes/two-processes.ts';
import { runLangChain, runMastra, runVercelAi, type Ask, type Held, type Seen } from './agents.ts';
import { touched } from './files.ts';
import { end, fact, heading, say, short } from './story.ts';

const started = performance.now();
const folder = await mkdtemp(path.join(tmpdir(), 'talos-demo-'));
const home = nodeHome({ dir: path.join(folder, 'home'), stateDir: path.join(folder, 'state') });

say();
say(' Talos demo: who may call what, sealed messages, and a log that anyone can check.');

const owner = await TalosClient.create('owner', { stores: home });
heading('owner', `${short(owner.did)} grants each agent one tool, in docs/ only`);

const inDocs = { path: subpath('docs') };
const frames: Uint8Array[] = [];
const network = memoryTransport();
/** A tap on the wire: what whoever carries the frames gets to see. */
const tapped = {
  ...network,
  send: (to: AgentId, frame: Uint8Array) => {
    frames.push(frame);
    return network.send(to, frame);
  },
};

const researcher = await hire('langchain-agent', { read_file: inDocs });
await act('LangChain agent', researcher, runLangChain, [
  { id: 'c1', tool: 'read_file', input: { path: 'docs/architecture.md' } },
  { id: 'c2', tool: 'read_file', input: { path: '../../etc/passwd' } },
]);
const earlier = await owner.log.checkpoint();

const librarian = await hire('mastra-agent', { list_files: inDocs });
await act('Mastra agent', librarian, runMastra, [
  { id: 'c1', tool: 'list_files', input: { path: 'docs' } },
  { id: 'c2', tool: 'list_files', input: { path: 'docs', recursive: true } },
]);

const searcher = await hire('ai-sdk-agent', { search_files: { ...inDocs, text: any() } });
await act('AI SDK agent', searcher, runVercelAi, [
  { id: 'c1', tool: 'search_files', input: { path: 'docs', text: 'checkpoint' } },
  { id: 'c2', tool: 'search_files', input: { path: 'docs/../../../etc', text: 'root' } },
]);

await askAcross();
const messageHash = await sendSealed('The architecture is in docs/architecture.md.');
await proveLog(messageHash);

for (const { client } of [researcher, librarian, searcher]) await client.close();
await owner.close();
await rm(folder, { recursive: true, force: true });
end((performance.now() - started) / 1000);

async function hire(name: string, tools: Parameters<TalosClient['grant']>[0]['tools']): Promise<Held> {
  const client = await TalosClient.create(name, { stores: home, trust: { issuers: [owner.did] }, transport: tapped });
  return { client, capability: await owner.grant({ to: client.did, for: '15m', tools }) };
}

/** One call that is allowed, one that is refused. */
async function act(title: string, held: Held, run: (held: Held, asks: readonly Ask[]) => Promise<readonly Seen[]>, asks: readonly [Ask, Ask]): Promise<void> {
  heading(title, short(held.client.did));
  const [before, wasTouched] = [held.client.log.size, touched.length];
  const seen = await run(held, asks);
  const [allowed, refused] = asks.map(({ id }) => seen.find((shown) => shown.id === id)?.text ?? '');
  fact(allowed !== '' && !isRefusal(allowed), `allowed  ${describe(asks[0])}`, `the model got ${allowed?.length} characters`);
  fact(isRefusal(refused) && touched.length === wasTouched + 1, `refused  ${describe(asks[1])}`, 'the tool was not run');
  say(`       the model saw: ${refusalOf(refused)}`);
  const types = await entryTypes(held.client, before);
  fact(types.toSorted().join() === 'policy.decision,tool.request,tool.result', 'recorded request and result of the one, the decision of the other');
}

/** A tool of another process, by way of a relay. */
async function askAcross(): Promise<void> {
  heading('remote call', 'LangChain agent to a Mastra agent in another process, over a relay');
  const { answer, receipts, isSame, refusals, wire } = await runTwoProcesses();
  fact(answer.includes('1200 in the north'), 'answered    the report, with a tool that the other agent may use in the first one’s name');
  fact(refusals === 1, 'refused     the region that it may not ask for', 'by its own guard');
  fact(receipts.a.state === 'both-signed' && isSame, 'receipt     request, outcome and countersignature, the same bytes proved from both logs');
  fact(wire.length > 0 && !wire.includes('north'), `sealed      ${wire.length} bytes on the wire`, 'no word of it in them');
}

async function sendSealed(text: string): Promise<string> {
  heading('sealed message', 'LangChain agent to Mastra agent');
  const received = new Promise<unknown>((resolve) => librarian.client.on('message', ({ content }) => resolve(content)));
  await researcher.client.establishSession(librarian.client.did, await librarian.client.bundle());
  const sent = await researcher.client.send(librarian.client.did, text);
  fact((await received) === text, `arrived  "${text}"`);
  const wire = Buffer.concat(frames);
  fact(frames.length > 0 && !wire.includes(Buffer.from('architecture')), `sealed   ${wire.length} bytes on the wire`, 'no word of it in them');
  return sent.messageHash;
}

async function proveLog(messageHash: string): Promise<void> {
  const { log } = owner;
  heading('the log', `${log.size} entries of four agents in ${path.basename(folder)}/audit.db`);
  const proof = await owner.getMerkleProof(messageHash);
  const { entry } = owner.verifyProof(proof);
  fact(entry.type === 'message.out', `included    entry ${proof.index} is the message, by ${proof.proof.length} hashes and one signature`);

  const later = await log.checkpoint();
  const [oldTree, newTree] = [verifyCheckpoint(earlier, log.verifierKey), verifyCheckpoint(later, log.verifierKey)];
  const { proof: hashes } = await log.proveConsistency(oldTree.size, newTree.size);
  const isConsistent = codeOf(() =>
    verifyConsistency({ oldSize: oldTree.size, oldRoot: oldTree.root, newSize: newTree.size, newRoot: newTree.root, proof: hashes }),
  );
  fact(
    isConsistent === undefined && oldTree.size < newTree.size,
    `consistent  the log of ${newTree.size} entries continues that of ${oldTree.size}: nothing was cut, moved or changed`,
  );

  const flipped = Uint8Array.from(proof.entry, (byte, index) => (index === 20 ? byte ^ 1 : byte));
  const caught = codeOf(() => owner.verifyProof({ ...proof, entry: flipped }));
  fact(caught === 'TALOS_AUDIT_INCLUSION', 'caught      one flipped bit in the entry', caught);
}

async function entryTypes(client: TalosClient, from: number): Promise<string[]> {
  const types: string[] = [];
  for (let index = from; index < client.log.size; index++) types.push((await client.log.entry(index)).entry.type);
  return types;
}

function describe({ tool, input }: Ask): string {
  return `${tool}(${Object.entries(input)
    .map(([name, value]) => `${name}: ${JSON.stringify(value)}`)
    .join(', ')})`;
}

function isRefusal(text: string | undefined): boolean {
  return text?.includes('"denied":true') === true;
}

function refusalOf(text: string | undefined): string {
  const { code, message } = JSON.parse(/\{.*\}/s.exec(text ?? '')?.[0] ?? '{}') as { code?: string; message?: string };
  return `${code} "${message}"`;
}

function codeOf(check: () => unknown): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    return (error as { readonly code?: string }).code ?? 'uncoded';
  }
}
