/** Asks a peer what it serves, and answers the same (docs/spec/07 §9). @module */
import { encodeBase64url } from '../bytes/base64url.ts';
import type { JsonValue } from '../bytes/json-value.ts';
import type { Env } from '../env/env.ts';
import { RemoteError } from '../errors/remote-error.ts';
import { UsageError } from '../errors/usage-error.ts';
import type { AgentId } from '../identity/agent-id.ts';
import { Budget } from '../message/budget.ts';
import { defaultTimeoutMs, describeBudget, maxTimeoutMs } from './bounds.ts';
import type { RemoteMessage } from './remote-message.ts';
import type { Say } from './remote-wire.ts';
import { checkDefinition, type DescribedTool } from './tool.ts';
import type { ToolTable } from './tool-table.ts';

export type DescribeOptions = {
  /** What the peer shows may depend on it: the tools that it covers. */
  readonly capability?: string;
  /** Default a minute, at most a day. */
  readonly timeoutMs?: number;
};

type Asking = { readonly peer: AgentId; readonly resolve: (tools: readonly JsonValue[]) => void; readonly reject: (reason: RemoteError) => void };

export class Describer {
  readonly #parts: { readonly env: Env; readonly say: Say; readonly tools: ToolTable };
  readonly #budget: Budget;
  readonly #asking = new Map<string, Asking>();

  constructor(parts: { readonly env: Env; readonly say: Say; readonly tools: ToolTable }) {
    this.#parts = parts;
    this.#budget = new Budget(describeBudget, parts.env);
  }

  /** @throws {@link RemoteError} `TALOS_REMOTE_NO_ANSWER`, `_MALFORMED`; {@link SessionError} without a session. */
  async describe(peer: AgentId, { capability, timeoutMs = defaultTimeoutMs }: DescribeOptions): Promise<readonly DescribedTool[]> {
    const { env, say } = this.#parts;
    // A timer takes what is none, or too long, for no time at all.
    if (!(timeoutMs > 0 && timeoutMs <= maxTimeoutMs))
      throw new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message: `timeoutMs is above 0 and at most ${maxTimeoutMs}` });
    const id = encodeBase64url(env.randomBytes(16));
    let cancel = (): void => undefined;
    const answered = new Promise<readonly JsonValue[]>((resolve, reject) => {
      this.#asking.set(id, { peer, resolve, reject });
      cancel = env.after(timeoutMs, () => reject(noAnswer()));
    });
    try {
      const [tools] = await Promise.all([answered, say(peer, { kind: 'describe', id, ...(capability === undefined ? {} : { capability }) })]);
      return tools.map(readTool);
    } finally {
      cancel();
      this.#asking.delete(id);
    }
  }

  /** Nobody answers any more: a timer alone does not keep the process, which would end with the question open. */
  close(): void {
    for (const { reject } of this.#asking.values()) reject(noAnswer());
  }

  async asked(from: AgentId, { id, capability }: Extract<RemoteMessage, { readonly kind: 'describe' }>): Promise<void> {
    // Not even an answer: who asks this often is not waiting for one.
    if (this.#budget.isSpent(from)) return;
    this.#budget.spend(from);
    await this.#parts.say(from, { kind: 'described', id, tools: await this.#parts.tools.describe(from, capability) });
  }

  answered(from: AgentId, { id, tools }: Extract<RemoteMessage, { readonly kind: 'described' }>): void {
    const asking = this.#asking.get(id);
    if (asking?.peer === from) asking.resolve(tools);
  }
}

/** What a peer says of a tool is for a model to read: bounded, and under the digest that it computes to here. */
function readTool(value: JsonValue): DescribedTool {
  try {
    const { name, description, inputSchema, tool_digest: said } = value as { name: string; description: string; inputSchema: JsonValue; tool_digest: string };
    const described = checkDefinition({ name, description, inputSchema });
    if (described.toolDigest === said) return described;
  } catch (error) {
    if (error instanceof UsageError) throw error;
  }
  throw new RemoteError({ code: 'TALOS_REMOTE_MALFORMED', message: 'the peer describes a tool that is none' });
}

function noAnswer(): RemoteError {
  return new RemoteError({
    code: 'TALOS_REMOTE_NO_ANSWER',
    message: 'the peer did not say in time what it serves: is it running, and does it serve anything?',
    retryable: true,
  });
}
