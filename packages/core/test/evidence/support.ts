/** A log with calls, commitments and witnesses, and an evidence file in which every claim is green. @module */
import { openAuditLog, type AuditLog } from '../../src/audit/audit-log.ts';
import { cosignCheckpoint, formatCosignerKey, makeCosignerKey } from '../../src/audit/cosignature.ts';
import { memoryAuditStore } from '../../src/audit/memory-audit-store.ts';
import { formatNote, parseNote } from '../../src/audit/signed-note.ts';
import { canonicalJson } from '../../src/bytes/canonical-json.ts';
import type { JsonValue } from '../../src/bytes/json-value.ts';
import { systemEnv } from '../../src/env/env.ts';
import { assembleEvidence, type LogSelection } from '../../src/evidence/assemble-evidence.ts';
import type { EvidenceTrust, ForeignVerifier } from '../../src/evidence/trust.ts';
import { formatAgentId } from '../../src/identity/agent-id.ts';
import { createKeyHistory, rotateKeyHistory } from '../../src/identity/key-history.ts';
import { testSigner } from '../audit/support.ts';

export const origin = 'acme.example/talos';
export const agent = formatAgentId(testSigner(21).publicKey);

export async function logOf(entries: number, options: { readonly origin?: string; readonly seed?: number } = {}): Promise<AuditLog> {
  const log = await openAuditLog({ store: memoryAuditStore(), signer: testSigner(options.seed), origin: options.origin ?? origin, env: systemEnv });
  for (let n = 1; n < entries; n += 1)
    await log.append({ type: 'tool.request', call: `call-${n}`, policy: { decision: 'allow' }, commit: { args: { to: `a${n}@b.example`, n } } });
  return log;
}

export const witnesses = ['w1.example', 'w2.example'].map((name, i) => ({ name, signer: testSigner(31 + i) }));

export async function cosigned(note: string, by = witnesses): Promise<string> {
  const { text, signatures } = parseNote(note);
  const lines = await Promise.all(by.map((witness) => cosignCheckpoint(note, { ...witness, time: 1_790_000_000 })));
  return formatNote({ text, signatures: [...signatures, ...lines] });
}

/** Both have to have cosigned. */
export const policy = [
  ...witnesses.map(({ name, signer }) => `witness ${name} ${formatCosignerKey(makeCosignerKey(name, signer.publicKey))}`),
  `group all all ${witnesses.map(({ name }) => name).join(' ')}`,
  'quorum all',
  '',
].join('\n');

export async function historyOf(seed = 21) {
  const [first, second, third] = [testSigner(seed), testSigner(seed + 100), testSigner(seed + 101)];
  const created = await createKeyHistory({ signer: first, nextKey: second.publicKey, now: 1_780_000_000_000 });
  return rotateKeyHistory(created, { signer: first, nextSigner: second, followingKey: third.publicKey, now: 1_785_000_000_000, reason: 'weekly' });
}

/** Stands for a plug-in: true of exactly these bytes about a checkpoint of this log. */
export const anchorVerifier: ForeignVerifier = {
  type: 'anchor-of-test',
  verify({ data, checkpoint }) {
    if (new TextDecoder().decode(data) !== `${checkpoint.origin} ${checkpoint.size}`) throw new Error('another text');
    return { detail: 'anchored', time: 1_790_000_100 };
  },
};

export type Full = { readonly text: string; readonly trust: EvidenceTrust; readonly log: AuditLog; readonly seen: string };

/** Every kind of claim, each verified under the trust that comes with it. */
export async function fullEvidence(more: Partial<LogSelection> = {}): Promise<Full> {
  const log = await logOf(20);
  const seen = await cosigned(await log.checkpoint());
  for (let n = 20; n < 45; n += 1) await log.append({ type: 'policy.decision', call: `call-${n}`, policy: { decision: 'deny', code: 'ARG_REFUSED' } });
  const last = await cosigned(await log.checkpoint());
  const text = await assembleEvidence({
    logs: [
      {
        log,
        entries: [2, 3, 30],
        ranges: [
          { start: 5, end: 9 },
          { start: 33, end: 37 },
        ],
        disclose: [
          { index: 2, fields: ['args'] },
          { index: 6, fields: ['args'] },
        ],
        since: [20],
        cosigned: [seen, last],
        ...more,
      },
    ],
    histories: [await historyOf()],
    foreign: [{ type: 'anchor-of-test', origin, size: 45, data: new TextEncoder().encode(`${origin} 45`) }],
  });
  const trust = { logs: [{ verifierKey: log.verifierKey, lastSeen: seen }], policy, agents: [agent], verifiers: [anchorVerifier] };
  return { text, trust, log, seen };
}

/** A file's JSON as an attacker sees it: anything may stand anywhere. */
// oxlint-disable-next-line typescript/no-explicit-any -- anything may stand anywhere
export type Json = any;

/** The file with one part exchanged: `path` as claims name it, `logs[0].entries[1].index`. */
export function edited(text: string, path: string, change: (value: Json) => unknown): string {
  const root = JSON.parse(text) as Json;
  const steps = path.split(/[.[\]]+/).filter((step) => step !== '');
  const last = steps.pop() as string;
  const holder = steps.reduce((at, step) => at[step] as Json, root);
  holder[last] = change(holder[last] as Json) as Json;
  return canonicalJson(root as JsonValue);
}
