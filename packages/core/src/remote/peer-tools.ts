/** A peer's tools for an adapter: by the options that its guard was made with, and in spans if that has a tracer. @module */
import type { JsonValue } from '../bytes/json-value.ts';
import { TalosDeniedError } from '../errors/denied-error.ts';
import { UsageError } from '../errors/usage-error.ts';
import { recordable } from '../guard/call-entries.ts';
import { inSpan, type Spans } from '../guard/traced-guard.ts';
import type { AgentId } from '../identity/agent-id.ts';
import type { RemoteTool, RemoteToolsOptions } from './remote-tool.ts';
import type { DescribedTool } from './tool.ts';

/** As the adapter's guard was made. */
export type PeerToolsSource = {
  /** A client that makes remote calls: others have guards alone. */
  readonly client: object;
  /** Held by the client, granted for the peer (`at`). */
  readonly capability?: string | undefined;
  readonly spans?: Spans | undefined;
};

/** As a framework's tool is called: `callId` is the model's, and stands in both logs if it looks like a name. */
export type PeerToolCall = { readonly callId?: string | undefined; readonly agentName?: string | undefined; readonly signal?: AbortSignal | undefined };

/** A peer's tool, for an adapter to make a tool of its framework of. */
export type PeerTool = DescribedTool & {
  /** @throws as `RemoteTool.execute`. */
  readonly execute: (input: unknown, call?: PeerToolCall) => Promise<JsonValue | undefined>;
  /** The same with a refusal as text, for the model: for frameworks that hide from it what is thrown. */
  readonly answer: (input: unknown, call?: PeerToolCall) => Promise<PeerAnswer>;
};

/** `refused`: `value` is the refusal as JSON text. */
export type PeerAnswer = { readonly value: JsonValue | undefined; readonly refused: boolean };

type RemoteClient = { remoteTools(peer: AgentId, options: RemoteToolsOptions): Promise<readonly RemoteTool[]> };

/**
 * Decides nothing: the peer's guard does.
 * @param names - Default: all that the peer shows.
 * @throws {@link UsageError} `TALOS_USAGE_OPTIONS` if `client` makes no remote calls, or there is no capability; {@link RemoteError} as `remoteTools`.
 */
export async function peerTools({ client, capability, spans }: PeerToolsSource, peer: AgentId, names?: readonly string[]): Promise<PeerTool[]> {
  if (typeof (client as Partial<RemoteClient>).remoteTools !== 'function') throw badOptions('remote() needs a TalosClient as client');
  if (capability === undefined) throw badOptions('remote() needs a guard with a capability: pass one to talosGuard');
  const tools = await (client as RemoteClient).remoteTools(peer, { capability, names });
  return tools.map(({ name, description, inputSchema, toolDigest, execute: remote }) => {
    const execute: PeerTool['execute'] = (input, { callId, agentName, signal } = {}) => {
      const call = () => remote(input, { signal, ...recordable('callId', callId) });
      return spans === undefined ? call() : inSpan(spans, { tool: name, input, callId, agentName }, call);
    };
    return {
      name,
      description,
      inputSchema,
      toolDigest,
      execute,
      answer: (input, call) => execute(input, call).then((value) => ({ value, refused: false }), refused),
    };
  });
}

function refused(error: unknown): PeerAnswer {
  if (TalosDeniedError.isInstance(error)) return { value: error.message, refused: true };
  throw error;
}

function badOptions(message: string): UsageError {
  return new UsageError({ code: 'TALOS_USAGE_OPTIONS', message });
}
