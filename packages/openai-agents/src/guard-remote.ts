/** A peer's tools as tools of the SDK: each call travels sealed, with the capability and a proof of possession, and comes back with a receipt. @module */
import type { peerTools, PeerTool, PeerToolsSource } from '@talosprotocol/core/remote';
import { tool as sdkTool, type FunctionTool } from '@openai/agents';
import type { Details } from './guard-tool.ts';
import type { Runs } from './runs.ts';

/** A list of tools. `names`: default all that the peer shows. The capability has to be granted for the peer (`at`). */
export type GuardRemote = (peer: Parameters<typeof peerTools>[1], names?: readonly string[]) => Promise<FunctionTool[]>;

export function guardRemote(source: PeerToolsSource, runs: Runs): GuardRemote {
  return async (peer, names) => {
    const remote = await import('@talosprotocol/core/remote');
    return (await remote.peerTools(source, peer, names)).map((tool) => remoteTool(tool, runs));
  };
}

function remoteTool({ name, description, inputSchema, answer }: PeerTool, runs: Runs): FunctionTool {
  const execute = async (input: unknown, runContext: unknown, details?: Details): Promise<unknown> =>
    (await answer(input, { ...runs.idsOf(runContext), callId: details?.toolCall?.callId, signal: details?.signal })).value;
  return sdkTool({ name, description, parameters: inputSchema as never, strict: false, execute });
}
