/** Agent A: a LangChain agent whose model calls a tool of agent B, which lives in another process, over a relay that both do not trust. @module */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { eq, TalosClient, TalosError, type AgentId } from '@talosprotocol/core';
import { parseProof, verifyEntryProof } from '@talosprotocol/core/audit';
import { nodeHome } from '@talosprotocol/core/node';
import { agentKey, readReceiptEntry, receiptEntryId, verifyReceipt, type Receipt, type ReceiptPart, type VerifiedReceipt } from '@talosprotocol/core/receipt';
import { talosGuard } from '@talosprotocol/langchain';
import { startRelay } from '@talosprotocol/relay';
import { AIMessage, createAgent, fakeModel, HumanMessage, ToolMessage } from 'langchain';
import { tappedTransport } from './tap.ts';

export type Told = {
  /** What A's model was shown. */
  readonly answer: string;
  /** The same receipt, from each log, verified. */
  readonly receipts: { readonly a: VerifiedReceipt; readonly b: VerifiedReceipt };
  readonly isSame: boolean;
  /** Calls that B's own guard refused. */
  readonly refusals: number;
  readonly wire: Buffer;
};

type FromB = { readonly did: AgentId; readonly capability: string };
type ProofsOfB = { readonly proofs: readonly string[]; readonly verifierKey: string; readonly refusals: number; readonly wire: string };

const parts: readonly ReceiptPart[] = ['request', 'outcome', 'countersignature'];

export async function runTwoProcesses(): Promise<Told> {
  const dir = await mkdtemp(path.join(tmpdir(), 'talos-two-'));
  const relay = await startRelay({ path: path.join(dir, 'relay.db') });
  const { transport, frames } = tappedTransport(relay.url);
  const client = await TalosClient.create('asker', { stores: nodeHome({ dir: `${dir}/a`, stateDir: `${dir}/a-state` }), transport });
  const child = fork(new URL('./agent-b.ts', import.meta.url), [relay.url, dir, client.did], { execArgv: [...process.execArgv] });
  try {
    const peer = (await messageFrom(child)) as FromB;
    const answer = await askPeer(client, peer);
    const request = await lastRequest(client);
    child.send({ ask: 'proofs', request });
    const told = (await messageFrom(child)) as ProofsOfB;
    const [a, b] = [await ownReceipt(client, request), receiptFrom(told)];
    const keys = { caller: agentKey(client.did), callee: agentKey(peer.did) };
    return {
      answer,
      receipts: { a: verifyReceipt(a, keys), b: verifyReceipt(b, keys) },
      isSame: parts.every((part) => a[part as keyof Receipt] === b[part as keyof Receipt] && a[part as keyof Receipt] !== undefined),
      refusals: told.refusals,
      wire: Buffer.concat([...frames, Buffer.from(told.wire, 'latin1')]),
    };
  } finally {
    if (child.connected) child.send({ ask: 'end' });
    if (child.exitCode === null) await once(child, 'exit');
    await client.close();
    await relay.close();
    await rm(dir, { recursive: true, force: true });
  }
}

async function askPeer(client: TalosClient, { did, capability }: FromB): Promise<string> {
  await connected(client, did);
  // #region remote
  // What B may do in A's name, and nothing else: the sales of the north.
  await client.send(did, await client.grant({ to: did, for: '15m', tools: { query_sales: { region: eq('north') } } }));

  const guard = talosGuard({ client, capability });
  const agent = createAgent({ model: scriptedModel(), tools: await guard.remote(did, ['write_report']) });
  // #endregion remote
  const { messages } = await agent.invoke({ messages: [new HumanMessage({ id: 'ask', content: 'Get me a report on the north.' })] });
  return messages.find((message) => ToolMessage.isInstance(message))?.text ?? '';
}

/** B may not have left its bundles at the relay yet. */
async function connected(client: TalosClient, did: AgentId): Promise<void> {
  for (;;) {
    try {
      return await client.connect(did);
    } catch (error) {
      if (!TalosError.isInstance(error) || error.code !== 'TALOS_TRANSPORT_NO_BUNDLE') throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

function scriptedModel(): ReturnType<typeof fakeModel> {
  const call = { type: 'tool_call' as const, id: 'call-1', name: 'write_report', args: { region: 'north' } };
  return fakeModel()
    .respond(new AIMessage({ id: 'turn-1', content: '', tool_calls: [call] }))
    .respond(new AIMessage({ id: 'turn-2', content: 'Here it is.' }));
}

/** The hash of the last request in A's log. */
async function lastRequest({ log }: TalosClient): Promise<string> {
  for (let index = log.size - 1; index >= 0; index--) {
    const part = readReceiptEntry((await log.entry(index)).entry);
    if (part?.part === 'request') return part.request;
  }
  throw new Error('no request was recorded');
}

async function ownReceipt({ log }: TalosClient, request: string): Promise<Receipt> {
  const indices = await Promise.all(parts.map((part) => log.find('id', receiptEntryId(request, part))));
  const proved = await Promise.all(indices.map(async (index) => verifyEntryProof(await log.proveInclusion(index as number), log.verifierKey)));
  return receiptOf(proved);
}

function receiptFrom({ proofs, verifierKey }: ProofsOfB): Receipt {
  return receiptOf(proofs.map((proof) => verifyEntryProof(parseProof(proof), verifierKey)));
}

function receiptOf(proved: readonly ReturnType<typeof verifyEntryProof>[]): Receipt {
  return Object.fromEntries(proved.flatMap(({ entry }) => readReceiptEntry(entry) ?? []).map(({ part, text }) => [part, text])) as Receipt;
}

/** The next message of the child, or its end. */
async function messageFrom(child: ChildProcess): Promise<unknown> {
  const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`agent B ended with ${String(code)}`)));
  ended.catch(() => undefined);
  const [message] = (await Promise.race([once(child, 'message'), ended])) as [unknown];
  return message;
}
