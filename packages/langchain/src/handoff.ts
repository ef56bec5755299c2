/** Handoffs: where an agent's turn goes on in another agent, as a tool's result says. @module */
import type { Guard, ToolCall } from '@talosprotocol/core/guard';

/** Before it is handed on, so that none goes unrecorded. Undefined if there is none. */
export function recordHandoff(guard: Guard, call: ToolCall, output: unknown): Promise<void> | undefined {
  const destinations = destinationsOf(call, output);
  return destinations.length === 0 ? undefined : recordAll(guard, call, destinations);
}

async function recordAll(guard: Guard, { callId, runId, agentName, framework, input }: ToolCall, destinations: readonly string[]): Promise<void> {
  for (const to of destinations) await guard.record({ type: 'handoff', to, callId, runId, agentName, framework, input, outcome: 'ok' });
}

/** A LangGraph `Command` names the nodes that go on (supervisor, swarm); Deep Agents' `task` names in its arguments whom it asked. */
function destinationsOf({ tool, input }: ToolCall, output: unknown): readonly string[] {
  const asked: unknown = tool === 'task' && typeof input === 'object' && input !== null ? Reflect.get(input, 'subagent_type') : undefined;
  if (typeof asked === 'string') return [asked];
  if (!isNamed(output, 'Command')) return [];
  const goto: unknown = Reflect.get(output, 'goto');
  return (Array.isArray(goto) ? (goto as unknown[]) : [goto]).map(nodeOf).filter((node) => node !== undefined && node !== '__end__') as string[];
}

function nodeOf(goto: unknown): string | undefined {
  const node: unknown = isNamed(goto, 'Send') ? Reflect.get(goto, 'node') : goto;
  return typeof node === 'string' ? node : undefined;
}

/** LangGraph's own mark, so that a second copy of it is known too. */
function isNamed(value: unknown, name: string): value is object {
  return typeof value === 'object' && value !== null && Reflect.get(value, 'lg_name') === name;
}
