/** A Talos agent that trusts itself, and what its calls left in its log. @module */
import { memoryHome, TalosClient } from '@talosprotocol/core';

type Tools = Parameters<TalosClient['grant']>[0]['tools'];
export type TestHome = ReturnType<typeof memoryHome>;
export type LogEntry = { readonly type: string } & Record<string, unknown>;

export type GrantedAgent = {
  readonly client: TalosClient;
  readonly capability: string;
  /** Entries of tool calls, decisions, model turns and handoffs. */
  readonly log: () => Promise<readonly LogEntry[]>;
  readonly logText: () => Promise<string>;
};

/** An agent that trusts itself and grants itself `tools`. */
export async function grantedAgent(tools: Tools, stores: TestHome = memoryHome()): Promise<GrantedAgent> {
  const client = await TalosClient.create('agent', { stores });
  const capability = await client.grant({ to: client.did, for: '15m', tools });
  const texts = async (): Promise<readonly string[]> => {
    const entries: string[] = [];
    for (let index = 0; index < client.log.size; index++) entries.push(new TextDecoder().decode((await client.log.entry(index)).bytes));
    return entries;
  };
  const log = async (): Promise<readonly LogEntry[]> =>
    (await texts()).map((text) => JSON.parse(text) as LogEntry).filter(({ type }) => /^(tool|policy|model|handoff)/.test(type));
  return { client, capability, log, logText: async () => (await texts()).join('\n') };
}

/** A home whose log takes entries until `fail` is called, as a full disk would. */
export function failingHome(): { readonly stores: TestHome; readonly fail: () => void } {
  const home = memoryHome();
  let failing = false;
  const stores: TestHome = {
    ...home,
    log: (env) => {
      const shared = home.log(env);
      return {
        ...shared,
        acquire: async () => {
          const log = await shared.acquire();
          return new Proxy(log, {
            get: (target, name) => (name === 'append' && failing ? () => Promise.reject(new Error('no space left on device')) : bound(target, name)),
          });
        },
      };
    },
  };
  return { stores, fail: () => (failing = true) };
}

function bound(target: object, name: string | symbol): unknown {
  const value: unknown = Reflect.get(target, name);
  return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
}
