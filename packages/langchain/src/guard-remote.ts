/** A peer's tools as LangChain tools: each call travels sealed, with the capability and a proof of possession, and comes back with a receipt. @module */
import type { TalosClient } from '@talosprotocol/core';
import { TalosDeniedError, UsageError } from '@talosprotocol/core/errors';
import { ToolMessage } from '@langchain/core/messages/tool';
import { DynamicStructuredTool, type ToolRunnableConfig } from '@langchain/core/tools';

/** `remote(peer)` gives all that the peer shows under this capability, `remote(peer, names)` those. The capability has to be granted for the peer (`at`). */
export type GuardRemote = (peer: PeerId, names?: readonly string[]) => Promise<DynamicStructuredTool[]>;

type PeerId = Parameters<TalosClient['remoteTools']>[0];
type RemoteTool = Awaited<ReturnType<TalosClient['remoteTools']>>[number];

/** Decides nothing: the peer's guard does. @throws {@link UsageError} `TALOS_USAGE_OPTIONS` if `client` makes no remote calls, or the guard has no capability of its own. */
export function guardRemote({ client, capability }: { readonly client: object; readonly capability?: string }): GuardRemote {
  return async (peer, names) => {
    const { remoteTools } = client as Partial<Pick<TalosClient, 'remoteTools'>>;
    if (typeof remoteTools !== 'function') throw new UsageError({ code: 'TALOS_USAGE_OPTIONS', message: 'remote() needs a TalosClient as client' });
    if (capability === undefined)
      throw new UsageError({ code: 'TALOS_USAGE_OPTIONS', message: 'remote() needs a guard with a capability: pass one to talosGuard' });
    return (await remoteTools.call(client as TalosClient, peer, { capability, names })).map(langchainTool);
  };
}

function langchainTool(remote: RemoteTool): DynamicStructuredTool {
  return new DynamicStructuredTool({
    name: remote.name,
    description: remote.description,
    schema: remote.inputSchema as Record<string, unknown>,
    func: (input: unknown, _runManager: unknown, config?: ToolRunnableConfig) => run(remote, input, config),
  }) as unknown as DynamicStructuredTool;
}

async function run(remote: RemoteTool, input: unknown, config: ToolRunnableConfig | undefined): Promise<unknown> {
  const callId = config?.toolCall?.id;
  try {
    const value = await remote.execute(input, { signal: config?.signal });
    return typeof value === 'string' ? value : JSON.stringify(value ?? null);
  } catch (error) {
    // Nothing but a tool call can take a message: a tool that was called directly throws.
    if (!TalosDeniedError.isInstance(error) || callId === undefined) throw error;
    return new ToolMessage({ status: 'error', content: error.message, tool_call_id: callId, name: remote.name });
  }
}
