/** What a case of the adapter suite stands on: an owner, an agent that trusts it, one log, a clock that can be moved. @module */
import type { AuditLog } from '../audit/audit-log.ts';
import type { JsonObject } from '../bytes/json-value.ts';
import type { ToolGrant } from '../capability/capability.ts';
import type { ToolArgs } from '../capability/constraint.ts';
import { issueCapability } from '../capability/issue.ts';
import type { GrantOptions } from '../client/client-capabilities.ts';
import { memoryHome, type Home } from '../client/home.ts';
import { TalosClient } from '../client/talos-client.ts';
import { systemEnv, type Env } from '../env/env.ts';
import { formatAgentId, parseAgentId } from '../identity/agent-id.ts';
import { generateSigner } from '../identity/signer.ts';
import type { AdapterGuardOptions, AdapterHarness, AdapterMode, AdapterOutcome, AdapterRun } from './adapter-harness.ts';

/** An entry of the log, read as JSON. */
export type LoggedEntry = { readonly type: string } & JsonObject;

export type AdapterWorld<Guard> = {
  readonly harness: AdapterHarness<Guard>;
  readonly owner: TalosClient;
  readonly client: TalosClient;
  readonly env: Env;
  /** From now on, as a full disk would. */
  readonly failLog: () => void;
  readonly advance: (ms: number) => void;
  readonly grant: (tools: { readonly [tool: string]: ToolArgs }, more?: Partial<GrantOptions>) => Promise<string>;
  /** The same from another issuer that the agent trusts, with grants as they stand in a token. */
  readonly issue: (grants: readonly ToolGrant[]) => Promise<string>;
  readonly guard: (capability: string, more?: Partial<AdapterGuardOptions>) => Guard;
  readonly run: (run: Pick<AdapterRun<Guard>, 'guards' | 'tools' | 'turns'> & Partial<AdapterRun<Guard>>) => Promise<AdapterOutcome>;
  /** What the agent's calls left in the log, oldest first; waits until every request has its result. */
  readonly entries: () => Promise<readonly LoggedEntry[]>;
};

/** The longest that a tool that was left alone may take to end. */
const settleMs = 10_000;

export async function withWorld<Guard>(
  { harness, mode }: { readonly harness: AdapterHarness<Guard>; readonly mode: AdapterMode },
  check: (world: AdapterWorld<Guard>) => Promise<void>,
): Promise<void> {
  let offsetMs = 0;
  const env: Env = { ...systemEnv, now: () => systemEnv.now() + offsetMs };
  const { stores, fail } = failingHome();
  const owner = await TalosClient.create('owner', { stores, env });
  const signer = generateSigner(env);
  const issuer = formatAgentId(signer.publicKey);
  const client = await TalosClient.create('agent', { stores, env, trust: { issuers: [owner.did, issuer] } });
  try {
    await check({
      harness,
      owner,
      client,
      env,
      failLog: fail,
      advance: (ms) => void (offsetMs += ms),
      grant: (tools, more = {}) => owner.grant({ to: client.did, for: '15m', tools, ...more }),
      issue: (grants) => issueCapability({ holder: parseAgentId(client.did), grants }, { signer, issuer, env }),
      guard: (capability, more = {}) => harness.guard({ client, capability, ...more }),
      run: (run) => harness.run({ mode, agentName: 'suite', ...run }),
      entries: () => settledEntries(client),
    });
  } finally {
    await Promise.all([owner.close(), client.close()]);
  }
}

async function settledEntries(client: TalosClient): Promise<readonly LoggedEntry[]> {
  const until = systemEnv.monotonic() + settleMs;
  for (;;) {
    const entries = await readEntries(client);
    const count = (type: string): number => entries.filter((entry) => entry.type === type).length;
    if (count('tool.request') === count('tool.result')) return entries;
    if (systemEnv.monotonic() > until) throw new Error('a request has no result: the tool ended and nobody recorded it');
    await new Promise<void>((resolve) => systemEnv.after(5, resolve));
  }
}

const ofCalls: ReadonlySet<string> = /* @__PURE__ */ new Set(['tool.request', 'tool.result', 'policy.decision']);

async function readEntries({ log }: TalosClient): Promise<readonly LoggedEntry[]> {
  const entries: LoggedEntry[] = [];
  for (let index = 0; index < log.size; index++) {
    const { entry } = await log.entry(index);
    if (ofCalls.has(entry.type)) entries.push(entry);
  }
  return entries;
}

/** A home in memory whose log takes entries until `fail` is called. */
function failingHome(): { readonly stores: Home; readonly fail: () => void } {
  const home = memoryHome();
  let failing = false;
  const failable = (log: AuditLog): AuditLog =>
    new Proxy(log, {
      get: (target, name) => {
        if (name === 'append' && failing) return () => Promise.reject(new Error('no space left on device'));
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
      },
    });
  const log = (env: Env) => {
    const shared = home.log(env);
    return { release: () => shared.release(), acquire: async () => failable(await shared.acquire()) };
  };
  return { stores: { ...home, log }, fail: () => void (failing = true) };
}
