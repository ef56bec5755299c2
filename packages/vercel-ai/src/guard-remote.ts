/** A peer's tools as AI SDK tools: each call travels sealed, with the capability and a proof of possession, and comes back with a receipt. @module */
import type { peerTools, PeerTool, PeerToolsSource } from '@talosprotocol/core/remote';
import { dynamicTool, jsonSchema, type Tool } from 'ai';

/** A record by tool name, for `generateText` or `ToolLoopAgent`. `names`: default all that the peer shows. The capability has to be granted for the peer (`at`). */
export type GuardRemote = (peer: Parameters<typeof peerTools>[1], names?: readonly string[]) => Promise<Record<string, Tool>>;

export function guardRemote({ agent, ...source }: PeerToolsSource & { readonly agent?: string }): GuardRemote {
  return async (peer, names) => {
    const remote = await import('@talosprotocol/core/remote');
    const tools = await remote.peerTools(source, peer, names);
    return Object.fromEntries(tools.map((tool) => [tool.name, sdkTool(tool, agent)]));
  };
}

/** A refusal is a `tool-error` part whose error is a `TalosDeniedError`. */
function sdkTool(remote: PeerTool, agentName: string | undefined): Tool {
  return dynamicTool({
    description: remote.description,
    inputSchema: jsonSchema(remote.inputSchema as never),
    execute: (input, { toolCallId: callId, abortSignal: signal }) => remote.execute(input, { callId, agentName, signal }),
  });
}
