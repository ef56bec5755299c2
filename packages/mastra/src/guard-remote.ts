/** A peer's tools as Mastra tools: each call travels sealed, with the capability and a proof of possession, and comes back with a receipt. @module */
import type { peerTools, PeerTool, PeerToolsSource } from '@talosprotocol/core/remote';
import { createTool, type Tool } from '@mastra/core/tools';
import { toldOf } from './guard-execute.ts';

/** A record by tool name, for an agent's `tools`. `names`: default all that the peer shows. The capability has to be granted for the peer (`at`). */
export type GuardRemote = (peer: Parameters<typeof peerTools>[1], names?: readonly string[]) => Promise<Record<string, Tool>>;

export function guardRemote(source: PeerToolsSource): GuardRemote {
  return async (peer, names) => {
    const remote = await import('@talosprotocol/core/remote');
    const tools = await remote.peerTools(source, peer, names);
    return Object.fromEntries(tools.map((tool) => [tool.name, mastraTool(tool)]));
  };
}

/** A refusal is thrown as `TalosDeniedError`. */
function mastraTool(remote: PeerTool): Tool {
  return createTool({
    id: remote.name,
    description: remote.description,
    inputSchema: remote.inputSchema as never,
    execute: (input: unknown, context?: unknown) => remote.execute(input, toldOf(context)),
  }) as unknown as Tool;
}
