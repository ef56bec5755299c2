/** What an agent does beside calling tools, put on record as commitments: turns of its model and handoffs to other agents (docs/spec/03 §3). @module */
import { sha256 } from '#suite';
import { canonicalJson } from '../bytes/canonical-json.ts';
import type { JsonValue } from '../bytes/json-value.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import type { EntryInput } from '../audit/audit-log.ts';
import type { AuditWriter } from '../audit/audit-writer.ts';
import type { AgentId } from '../identity/agent-id.ts';
import { recordable } from './call-entries.ts';
import { copyPlain } from './plain-json.ts';

type Recorder = { readonly agent: AgentId; readonly capabilityHash: string; readonly log: Pick<AuditWriter, 'append'> };

type EventIds = {
  readonly runId?: string | undefined;
  readonly agentName?: string | undefined;
  readonly framework?: string | undefined;
  readonly callId?: string | undefined;
};

type EventOutcome = {
  /** What went in and what came out. Neither is kept: the entry commits to the SHA-256 of its canonical JSON. */
  readonly input?: unknown;
  readonly output?: unknown;
  readonly outcome: 'ok' | 'error' | 'cancelled';
};

/** A tool call as the model made it. One without an entry of its own was never decided: the framework did not know the tool, or its input did not fit. */
export type TurnCall = {
  readonly tool: string;
  readonly callId?: string | undefined;
  /** It ran at the model's provider; nobody was asked. */ readonly atProvider?: boolean;
};

export type AgentEvent = EventIds &
  EventOutcome &
  (
    | {
        readonly type: 'model.turn';
        readonly model?: string | undefined;
        readonly provider?: string | undefined;
        readonly calls?: readonly TurnCall[];
        /** Tools of the provider that were taken out of the request. */
        readonly stripped?: readonly string[];
      }
    | { readonly type: 'handoff'; /** The agent that goes on. */ readonly to: string }
  );

/** Calls and stripped tools that one entry lists: a model under attack makes more, and an entry has 65,535 bytes. */
const maxListed = 64;

export async function recordEvent(context: Recorder, event: AgentEvent): Promise<void> {
  await context.log.append(eventEntry(context, event));
}

function eventEntry({ agent, capabilityHash: cap }: Recorder, event: AgentEvent): EntryInput {
  const own = event.type === 'handoff' ? recordable('to', event.to) : turnMembers(event);
  return {
    type: event.type,
    agent,
    cap,
    ...recordable('gen_ai.agent.name', event.agentName),
    ...recordable('run', event.runId),
    ...recordable('framework', event.framework),
    ...recordable('gen_ai.tool.call.id', event.callId),
    ...own,
    outcome: event.outcome,
    ...committed(event),
  };
}

function turnMembers({ model, provider, calls = [], stripped = [] }: Extract<AgentEvent, { readonly type: 'model.turn' }>): object {
  const listed = calls.slice(0, maxListed).map(({ tool, callId, atProvider }) => ({
    ...recordable('tool', tool),
    ...recordable('call', callId),
    ...(atProvider === true ? { at_provider: true } : {}),
  }));
  const names = stripped.slice(0, maxListed).map((name) => recordable('tool', name)['tool'] ?? '');
  return {
    'gen_ai.operation.name': 'chat',
    ...recordable('gen_ai.request.model', model),
    ...recordable('gen_ai.provider.name', provider),
    ...(listed.length === 0 ? {} : { calls: listed, call_count: calls.length }),
    ...(names.length === 0 ? {} : { stripped: names }),
  };
}

/** What is no plain JSON (a file, a stream) is recorded as such and not committed to: its bytes would mean nothing. */
function committed({ input, output }: EventOutcome): object {
  const commit: Record<string, Uint8Array> = {};
  const opaque: string[] = [];
  for (const [field, value] of Object.entries({ input, output })) {
    if (value === undefined) continue;
    const plain = copyPlain(value);
    if ('copy' in plain) commit[field] = digestOf(plain.copy);
    else opaque.push(field);
  }
  return { ...(Object.keys(commit).length === 0 ? {} : { commit }), ...(opaque.length === 0 ? {} : { opaque }) };
}

function digestOf(value: JsonValue): Uint8Array {
  return sha256(encodeUtf8(canonicalJson(value)));
}
