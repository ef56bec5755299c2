/** A peer's tools as AI SDK tools: each call travels sealed, with the capability and a proof of possession, and comes back with a receipt. @module */
import type { TalosClient } from '@talosprotocol/core';
import { UsageError } from '@talosprotocol/core/errors';
import type { dynamicTool, jsonSchema, Tool } from 'ai';

/** A record by tool name, for `generateText` or `ToolLoopAgent`. `names`: default all that the peer shows. The capability has to be granted for the peer (`at`). */
export type GuardRemote = (peer: PeerId, names?: readonly string[]) => Promise<Record<string, Tool>>;

type PeerId = Parameters<TalosClient['remoteTools']>[0];
type RemoteTool = Awaited<ReturnType<TalosClient['remoteTools']>>[number];
type Sdk = { readonly dynamicTool: typeof dynamicTool; readonly jsonSchema: typeof jsonSchema };

/** Decides nothing: the peer's guard does. A refusal is a `tool-error` part whose error is a `TalosDeniedError`. @throws {@link UsageError} `TALOS_USAGE_OPTIONS` if `client` makes no remote calls. */
export function guardRemote({ client, capability }: { readonly client: object; readonly capability: string }): GuardRemote {
  return async (peer, names) => {
    const { remoteTools } = client as Partial<Pick<TalosClient, 'remoteTools'>>;
    if (typeof remoteTools !== 'function') throw new UsageError({ code: 'TALOS_USAGE_OPTIONS', message: 'remote() needs a TalosClient as client' });
    const [sdk, tools] = await Promise.all([import('ai'), remoteTools.call(client as TalosClient, peer, { capability, names })]);
    return Object.fromEntries(tools.map((tool) => [tool.name, sdkTool(sdk, tool)]));
  };
}

function sdkTool(sdk: Sdk, remote: RemoteTool): Tool {
  return sdk.dynamicTool({
    description: remote.description,
    inputSchema: sdk.jsonSchema(remote.inputSchema as never),
    execute: (input, options) => remote.execute(input, { signal: options.abortSignal }),
  });
}
