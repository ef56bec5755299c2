/** What a case of the adapter suite stands on: an owner, an agent that trusts it, one log, a clock that can be moved. @module */
import type { AuditLog, EntryInput } from '../audit/audit-log.ts';
import { withMethods } from '../guard/with-methods.ts';
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
import { memoryTransport } from '../message/memory-transport.ts';
import type { Transport } from '../message/transport.ts';
import type { AdapterGuardOptions, AdapterHarness, AdapterMode, AdapterOutcome, AdapterRun, RemoteRun } from './adapter-harness.ts';

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
  /** An agent with no tool but those that `peer` serves. @throws {@link Error} if the harness has no `remote` and does not say why. */
  readonly remote: (run: Pick<RemoteRun<Guard>, 'guards' | 'turns' | 'peer' | 'offered'> & Partial<RemoteRun<Guard>>) => Promise<AdapterOutcome>;
  /** What carries the frames of `client`. */
  readonly transport: Transport;
  /** The frames that went over it. */
  readonly wire: () => readonly Uint8Array[];
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
  const { transport, frames } = tappedTransport(env);
  const client = await TalosClient.create('agent', { stores, env, transport, trust: { issuers: [owner.did, issuer] } });
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
      remote: async (run) => {
        if (harness.remote === undefined) throw new Error('the harness has no remote(): write it, or say in `cannot` why the framework cannot express this');
        return harness.remote({ mode, agentName: 'suite', tools: [], ...run });
      },
      transport,
      wire: () => frames,
      entries: () => settledEntries(client),
    });
  } finally {
    await Promise.all([owner.close(), client.close()]);
  }
}

async function settledEntries(client: TalosClient): Promise<readonly LoggedEntry[]> {
  let entries: readonly LoggedEntry[] = [];
  const settled = async (): Promise<boolean> => {
    entries = await entriesOf(client, ['tool.request', 'tool.result', 'policy.decision']);
    const count = (type: string): number => entries.filter((entry) => entry.type === type).length;
    return count('tool.request') === count('tool.result');
  };
  await waitFor('every request has its result', settled);
  return entries;
}

/** Asks again until it holds. */
export async function waitFor(what: string, holds: () => Promise<boolean>): Promise<void> {
  const until = systemEnv.monotonic() + settleMs;
  while (!(await holds())) {
    if (systemEnv.monotonic() > until) throw new Error(`waited in vain until ${what}`);
    await new Promise<void>((resolve) => systemEnv.after(5, resolve));
  }
}

/** The entries of these types, oldest first. */
export async function entriesOf({ log }: Pick<TalosClient, 'log'>, types: readonly string[]): Promise<readonly LoggedEntry[]> {
  const entries: LoggedEntry[] = [];
  for (let index = 0; index < log.size; index++) {
    const { entry } = await log.entry(index);
    if (types.includes(entry.type)) entries.push(entry);
  }
  return entries;
}

/** A network of its own that keeps what went over it. */
function tappedTransport(env: Env): { readonly transport: Transport; readonly frames: readonly Uint8Array[] } {
  const inner = memoryTransport({ env });
  const frames: Uint8Array[] = [];
  const send: Transport['send'] = (to, frame) => {
    frames.push(Uint8Array.from(frame));
    return inner.send(to, frame);
  };
  return { transport: { ...inner, send }, frames };
}

/** A home in memory whose log takes entries until `fail` is called. */
function failingHome(): { readonly stores: Home; readonly fail: () => void } {
  const home = memoryHome();
  let failing = false;
  const failable = (log: AuditLog): AuditLog =>
    withMethods(log, {
      append: async (entry: EntryInput) => {
        if (failing) throw new Error('no space left on device');
        return log.append(entry);
      },
    });
  const log = (env: Env) => {
    const shared = home.log(env);
    return { release: () => shared.release(), acquire: async () => failable(await shared.acquire()) };
  };
  return { stores: { ...home, log }, fail: () => void (failing = true) };
}
