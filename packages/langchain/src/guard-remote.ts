/** A peer's tools as LangChain tools: each call travels sealed, with the capability and a proof of possession, and comes back with a receipt. @module */
import { TalosDeniedError } from '@talosprotocol/core/errors';
import type { peerTools, PeerTool, PeerToolsSource } from '@talosprotocol/core/remote';
import { ToolMessage } from '@langchain/core/messages/tool';
import { DynamicStructuredTool, type ToolRunnableConfig } from '@langchain/core/tools';
import { agentNameOf } from './tool-call-of.ts';

/** `remote(peer)` gives all that the peer shows under this capability, `remote(peer, names)` those. The capability has to be granted for the peer (`at`). */
export type GuardRemote = (peer: Parameters<typeof peerTools>[1], names?: readonly string[]) => Promise<DynamicStructuredTool[]>;

export function guardRemote(source: PeerToolsSource): GuardRemote {
  return async (peer, names) => {
    const remote = await import('@talosprotocol/core/remote');
    return (await remote.peerTools(source, peer, names)).map(langchainTool);
  };
}

function langchainTool(remote: PeerTool): DynamicStructuredTool {
  return new DynamicStructuredTool({
    name: remote.name,
    description: remote.description,
    schema: remote.inputSchema as Record<string, unknown>,
    func: (input: unknown, _runManager: unknown, config?: ToolRunnableConfig) => run(remote, input, config),
  }) as unknown as DynamicStructuredTool;
}

async function run(remote: PeerTool, input: unknown, config: ToolRunnableConfig | undefined): Promise<unknown> {
  const callId = config?.toolCall?.id;
  try {
    const value = await remote.execute(input, { callId, agentName: agentNameOf(config?.metadata), signal: config?.signal });
    return typeof value === 'string' ? value : JSON.stringify(value ?? null);
  } catch (error) {
    // Nothing but a tool call can take a message: a tool that was called directly throws.
    if (!TalosDeniedError.isInstance(error) || callId === undefined) throw error;
    return new ToolMessage({ status: 'error', content: error.message, tool_call_id: callId, name: remote.name });
  }
}
