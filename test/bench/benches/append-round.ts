import type { AuditLog } from '@talosprotocol/core/audit';
import { concurrentRound } from './concurrent-round.ts';

type Appending = { readonly log: AuditLog; readonly agent: string; readonly callers: number; readonly turns: number };

/** One round of durable appends, each caller waiting for its own entry. */
export function appendRound({ log, agent, callers, turns }: Appending): ReturnType<typeof concurrentRound> {
  let calls = 0;
  const call = () =>
    log.append({
      type: 'tool.request',
      agent,
      call: `call-${(calls += 1)}`,
      tool: 'send_mail',
      commit: { args: { to: 'ops@acme.example', body: 'It is attached.' } },
    });
  return concurrentRound({ callers, turns, call });
}
