import type { AuditLog } from '@talosprotocol/core/audit';

type Appending = { readonly log: AuditLog; readonly agent: string; readonly callers: number; readonly turns: number };

/** One round of durable appends: so many callers, each waiting `turns` times for its own entry, as concurrent tool calls do. */
export function appendRound({ log, agent, callers, turns }: Appending): () => Promise<{ readonly micros: number[]; readonly totalMicros: number }> {
  let call = 0;
  const caller = async (micros: number[]): Promise<void> => {
    for (let turn = 0; turn < turns; turn += 1) {
      const started = performance.now();
      await log.append({
        type: 'tool.request',
        agent,
        call: `call-${(call += 1)}`,
        tool: 'send_mail',
        commit: { args: { to: 'ops@acme.example', body: 'It is attached.' } },
      });
      micros.push((performance.now() - started) * 1000);
    }
  };
  return async () => {
    const micros: number[] = [];
    const started = performance.now();
    await Promise.all(Array.from({ length: callers }, () => caller(micros)));
    return { micros, totalMicros: (performance.now() - started) * 1000 };
  };
}
