/** A log of calls and their results, written straight into a store and signed: what is measured afterwards is reading. @module */
import type { Env } from '@talosprotocol/core';
import { CompactRange, hashLeaf, openAuditLog, type AuditStore } from '@talosprotocol/core/audit';
import { generateIdentitySecrets, restoreIdentity } from '@talosprotocol/core/identity';

const batch = 10_000;
const commitment = 'mvDQ1wMTdRuxbhTOOQoPqKyv2ZGQpoDGzC1aM5sNJ3Q';

/** @returns the log's verifier key. One entry is added by opening, one by closing. */
export async function signGrownLog(store: AuditStore, { entries, env }: { readonly entries: number; readonly env: Env }): Promise<string> {
  const { did, signer } = await restoreIdentity(await generateIdentitySecrets(env));
  const range = new CompactRange();
  let previous: string | undefined;
  let request = '';
  for (let from = 0; from < entries; from += batch) {
    const expected = range.head();
    const rows = Array.from({ length: Math.min(batch, entries - from) }, (_, n) => {
      const bytes = entryBytes({ n: from + n, agent: did, previous, request });
      const leafHash = hashLeaf(bytes);
      previous = Buffer.from(leafHash).toString('base64url');
      if ((from + n) % 2 === 0) request = previous;
      return { bytes, hashes: range.append(leafHash), keys: [], openings: [] };
    });
    await store.append({ expected, head: range.head(), rows });
  }
  const log = await openAuditLog({ store, signer, origin: 'bench.example/talos', env });
  await log.close();
  return log.verifierKey;
}

type Numbered = { readonly n: number; readonly agent: string; readonly previous: string | undefined; readonly request: string };

/** As the guard writes it: members in canonical order. */
function entryBytes({ n, agent, previous, request }: Numbered): Uint8Array {
  const call = `call-${Math.floor(n / 2)}`;
  const isRequest = n % 2 === 0;
  const text = {
    agent,
    call,
    cap: commitment,
    commit: isRequest ? { args: commitment } : { result: commitment },
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.call.id': call,
    'gen_ai.tool.name': `tool_${n % 7}`,
    id: `0199d6a8-0000-7000-8000-${String(n).padStart(12, '0')}`,
    ...(isRequest ? {} : { intent: request, outcome: 'ok' }),
    ...(isRequest ? { policy: { decision: 'allow' } } : {}),
    recorder: 'bench',
    ...(previous === undefined ? {} : { recorder_prev: previous }),
    recorder_seq: n,
    ...(isRequest ? {} : { result_form: 'json' }),
    time: new Date(Date.UTC(2026, 0, 1) + n * 10).toISOString(),
    type: isRequest ? 'tool.request' : 'tool.result',
    v: 1,
  };
  return new TextEncoder().encode(JSON.stringify(text));
}
