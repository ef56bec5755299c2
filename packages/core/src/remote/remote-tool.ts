/** A peer's tool in the form that no framework has and every adapter can wrap: the base of `guard.remote()`. @module */
import type { JsonValue } from '../bytes/json-value.ts';
import { RemoteError } from '../errors/remote-error.ts';
import { deny } from '../capability/denial.ts';
import { deniedError, refusalOf } from '../guard/refusal.ts';
import type { AgentId } from '../identity/agent-id.ts';
import type { CallOptions } from './caller.ts';
import type { Remote } from './remote.ts';
import type { RemoteResult } from './remote-result.ts';
import type { DescribedTool } from './tool.ts';

export type RemoteToolCall = Pick<CallOptions, 'signal' | 'timeoutMs' | 'callId'>;

export type RemoteTool = DescribedTool & {
  /**
   * Calls it, as a framework's tool is called. The receipt stands in the log.
   * @throws {@link TalosDeniedError} if it was refused: its message is what a model may read. {@link RemoteError} `TALOS_REMOTE_TOOL_FAILED` if the tool threw; `TALOS_REMOTE_NOT_DONE` if it was cancelled, is unknown or disputed.
   */
  readonly execute: (input: unknown, call?: RemoteToolCall) => Promise<JsonValue | undefined>;
  /** The same with all that is known of the call: receipt, denial, whether it may have run. */
  readonly call: (input: unknown, call?: RemoteToolCall) => Promise<RemoteResult>;
  /** For tools that yield. */
  readonly stream: (input: unknown, call?: RemoteToolCall) => AsyncGenerator<JsonValue, RemoteResult, undefined>;
};

export type RemoteToolsOptions = {
  /** Held by this agent, granted for the peer's DID. */
  readonly capability: string;
  /** Which ones. Default: all that the peer shows. */
  readonly names?: readonly string[] | undefined;
  readonly timeoutMs?: number;
};

/**
 * Asks the peer what it serves and gives each as a tool.
 * @throws {@link RemoteError} `TALOS_REMOTE_BAD_TOOL` if it does not serve one of `names` to this agent; as `Remote.describe`.
 */
export async function remoteTools(remote: Pick<Remote, 'call' | 'stream' | 'describe'>, peer: AgentId, options: RemoteToolsOptions): Promise<RemoteTool[]> {
  const { capability, names, timeoutMs } = options;
  const described = await remote.describe(peer, { capability });
  const missing = names?.find((name) => !described.some((tool) => tool.name === name));
  if (missing !== undefined)
    throw new RemoteError({ code: 'TALOS_REMOTE_BAD_TOOL', message: `the peer does not serve ${JSON.stringify(missing.slice(0, 64))} under this capability` });
  const chosen = described.filter(({ name }) => names === undefined || names.includes(name));
  const base = { capability, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
  return chosen.map((tool) => {
    const { name } = tool;
    const call: RemoteTool['call'] = (input, own) => remote.call(peer, { tool: name, input }, { ...base, ...own });
    return {
      ...tool,
      call,
      execute: async (input, own) => valueOf(await call(input, own)),
      stream: (input, own) => remote.stream(peer, { tool: name, input }, { ...base, ...own }),
    };
  });
}

/** What a framework's tool gives back. @throws as `RemoteTool.execute`. */
function valueOf(result: RemoteResult): JsonValue | undefined {
  switch (result.status) {
    case 'ok':
      return result.value;
    case 'denied':
      throw deniedError(refusalOf(deny(result.denial.code as 'RATE', result.denial)));
    case 'error':
      throw new RemoteError({
        code: 'TALOS_REMOTE_TOOL_FAILED',
        message: `the remote tool failed: ${result.error.name}`,
        cause: result.error,
      });
    default:
      throw new RemoteError({ code: 'TALOS_REMOTE_NOT_DONE', message: notDone(result) });
  }
}

function notDone({ status, reason }: Extract<RemoteResult, { readonly reason: string }>): string {
  if (status === 'unknown') return `nobody can say whether the remote tool ran (${reason}): do not simply call it again`;
  return status === 'cancelled' ? `the remote tool was stopped: ${reason}` : `the peer's answer is disputed: ${reason}`;
}
