/** A log with calls, refusals, failures and hostile texts, and helpers for its exports. @module */
import { openAuditLog, type AuditLog } from '../../src/audit/audit-log.ts';
import { storeSource, type FsckSource } from '../../src/audit/fsck-source.ts';
import { memoryAuditStore } from '../../src/audit/memory-audit-store.ts';
import { encodeBase64url } from '../../src/bytes/base64url.ts';
import { exportLog } from '../../src/export/export-log.ts';
import type { ExportFormat } from '../../src/export/record-format.ts';
import { verifySiem, type SiemReport, type VerifySiemOptions } from '../../src/export/verify-siem.ts';
import { systemEnv } from '../../src/env/env.ts';
import { testSigner } from '../audit/support.ts';

export const origin = 'acme.example/talos';
export const secret = 'the payload that stays inside';

/** What a model, a peer or a framework may have called something. */
export const hostile = [
  '=HYPERLINK("http://evil.example","click")',
  '+1+cmd|calc',
  '-2+3',
  '@SUM(A1)',
  '  =1+1',
  '\t=1',
  '\r\n=1,"a","b"',
  'line\none\u2028two\u0085three',
  'quote " comma , semicolon ;',
  '\uff1d1+1',
  'smile 😀 ümlaut \u202Ertl',
  '<script>alert(1)</script>',
  '"}],"x":1',
] as const;

export type Exported = { readonly log: AuditLog; readonly source: FsckSource; readonly verifierKey: string };

export async function hostileLog(): Promise<Exported> {
  const store = memoryAuditStore();
  const log = await openAuditLog({ store, signer: testSigner(), origin, env: systemEnv });
  for (const [n, text] of hostile.entries()) {
    const call = `call-${n}`;
    const shared = { agent: text, call, 'gen_ai.tool.name': text, 'gen_ai.operation.name': 'execute_tool', cap: 'capability', framework: 'langchain' };
    const request = await log.append({ ...shared, type: 'tool.request', policy: { decision: 'allow' }, commit: { args: { secret } } });
    await log.append({ ...shared, type: 'tool.result', intent: encodeBase64url(request.leafHash), outcome: n % 2 === 0 ? 'ok' : 'tool_error', note: text });
  }
  await log.append({ type: 'policy.decision', call: 'refused', 'gen_ai.tool.name': 'wipe', policy: { decision: 'deny', code: 'ARG_VIOLATES' } });
  await log.append({
    type: 'tool.result',
    call: 'alone',
    intent: 'no hash',
    outcome: 'ok',
    trace_id: '0af7651916cd43dd8448eb211c80319c',
    span_id: 'b7ad6b7169203331',
  });
  await log.append({ type: 'config', nested: { list: [1, 'two', true], deep: { er: -5 } } });
  await log.checkpoint();
  return { log, source: storeSource(store), verifierKey: log.verifierKey };
}

export async function textOf(
  { source, verifierKey }: Exported,
  format: ExportFormat,
  window: { readonly start?: number; readonly end?: number } = {},
): Promise<string> {
  let text = '';
  for await (const piece of exportLog({ source, verifierKey, format, ...window })) text += piece;
  return text;
}

export function check(
  { source, verifierKey }: Exported,
  rows: string,
  more: Partial<VerifySiemOptions> & { readonly format: ExportFormat },
): Promise<SiemReport> {
  return verifySiem({ rows: [rows], against: { source, verifierKey }, ...more });
}
