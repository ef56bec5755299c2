/** A peer's tools as Mastra tools: each call travels sealed, with the capability and a proof of possession, and comes back with a receipt. @module */
import type { TalosClient } from '@talosprotocol/core';
import { UsageError } from '@talosprotocol/core/errors';
import type { createTool, Tool } from '@mastra/core/tools';

/** A record by tool name, for an agent's `tools`. `names`: default all that the peer shows. The capability has to be granted for the peer (`at`). */
export type GuardRemote = (peer: PeerId, names?: readonly string[]) => Promise<Record<string, Tool>>;

type PeerId = Parameters<TalosClient['remoteTools']>[0];
type RemoteTool = Awaited<ReturnType<TalosClient['remoteTools']>>[number];
type Create = typeof createTool;

/** Decides nothing: the peer's guard does. A refusal is thrown as `TalosDeniedError`. @throws {@link UsageError} `TALOS_USAGE_OPTIONS` if `client` makes no remote calls. */
export function guardRemote({ client, capability }: { readonly client: object; readonly capability: string }): GuardRemote {
  return async (peer, names) => {
    const { remoteTools } = client as Partial<Pick<TalosClient, 'remoteTools'>>;
    if (typeof remoteTools !== 'function') throw new UsageError({ code: 'TALOS_USAGE_OPTIONS', message: 'remote() needs a TalosClient as client' });
    const [framework, tools] = await Promise.all([import('@mastra/core/tools'), remoteTools.call(client as TalosClient, peer, { capability, names })]);
    return Object.fromEntries(tools.map((tool) => [tool.name, mastraTool(framework.createTool, tool)]));
  };
}

function mastraTool(create: Create, remote: RemoteTool): Tool {
  return create({
    id: remote.name,
    description: remote.description,
    inputSchema: remote.inputSchema as never,
    execute: (input: unknown, context?: { readonly abortSignal?: AbortSignal | undefined }) => remote.execute(input, { signal: context?.abortSignal }),
  }) as unknown as Tool;
}
