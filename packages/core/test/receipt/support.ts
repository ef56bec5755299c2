/** A caller, a callee and a call between them, with fixed randomness. */
import { importEd25519SecretKey } from '#suite';
import type { JsonObject, JsonValue } from '../../src/bytes/json-value.ts';
import { issueInvocation } from '../../src/capability/invocation.ts';
import { formatAgentId } from '../../src/identity/agent-id.ts';
import { localSigner } from '../../src/identity/signer.ts';
import {
  agentKey,
  ChunkHash,
  commitToResult,
  countersign,
  hashRequest,
  signOutcome,
  verifyOutcome,
  type OutcomeClaims,
  type Receipt,
  type ReceiptKeys,
} from '../../src/receipt/index.ts';
import { seededEnv, startMs } from '../session/support.ts';

export type Party = { readonly did: ReturnType<typeof formatAgentId>; readonly signer: ReturnType<typeof localSigner> };

export function party(fill: number): Party {
  const key = importEd25519SecretKey(new Uint8Array(32).fill(fill));
  return { did: formatAgentId(key.publicKey), signer: localSigner(key) };
}

export const [caller, callee, stranger]: [Party, Party, Party] = [party(1), party(2), party(3)];
export const keys: ReceiptKeys = { caller: agentKey(caller.did), callee: agentKey(callee.did) };
export const salt = new Uint8Array(32).fill(7);
const cap = 'A'.repeat(43);

export async function makeRequest(
  seed: string,
  call: { readonly tool: string; readonly input: JsonObject; readonly signer?: Party['signer'] },
): Promise<string> {
  const { tool, input, signer = caller.signer } = call;
  const request = { tool, input, aud: callee.did, cap, call: 'call-1', log: 'talos.local/log/caller' };
  return (await issueInvocation(request, { signer, env: seededEnv(seed) })).token;
}

export function claimsOf(request: string, more: Partial<OutcomeClaims> = {}): OutcomeClaims {
  return {
    v: 1,
    request: hashRequest(request),
    decision: 'allow',
    outcome: 'ok',
    form: 'none',
    times: { received: startMs, ended: startMs + 5 },
    log: 'talos.local/log/callee',
    decisionIndex: 4,
    ...more,
  };
}

export function withValue(value: JsonValue): Partial<OutcomeClaims> {
  return { form: 'json', result_commit: commitToResult({ salt, value }), units: { calls: 1, ms: 5 } };
}

export function withChunks(chunks: readonly JsonValue[]): Partial<OutcomeClaims> {
  const hash = chunkHash(chunks);
  return { form: 'stream', result_commit: commitToResult({ salt, chunks: hash }), chunks: hash.count };
}

export function chunkHash(chunks: readonly JsonValue[]): ChunkHash {
  const hash = new ChunkHash();
  for (const chunk of chunks) hash.add(chunk);
  return hash;
}

export async function makeReceipt(seed: string, more: Partial<OutcomeClaims> = {}): Promise<Required<Receipt>> {
  const request = await makeRequest(seed, { tool: 'render_chart', input: { rows: 3 } });
  const outcome = await signOutcome(claimsOf(request, more), callee.signer);
  const read = verifyOutcome(outcome, { request: { hash: hashRequest(request) }, callee: keys.callee });
  return { request, outcome, countersignature: await countersign(read, caller.signer) };
}
