/** Handoffs: where an agent's turn goes on in another agent, as a tool's result says. @module */
import type { Guard, ToolCall } from '@talosprotocol/core/guard';

/** Before it is handed on, so that none goes unrecorded. */
export async function recordHandoff(guard: Guard, call: ToolCall, output: unknown): Promise<void> {
  const { callId, runId, agentName, framework, input } = call;
  for (const to of destinationsOf(call, output)) await guard.record({ type: 'handoff', to, callId, runId, agentName, framework, input, outcome: 'ok' });
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
