import { TextDecoder } from 'node:util';
import { importEd25519SecretKey } from '#suite';
import { openAuditLog, type AuditLog } from '../../src/audit/audit-log.ts';
import type { Entry } from '../../src/audit/entry.ts';
import { memoryAuditStore } from '../../src/audit/memory-audit-store.ts';
import type { ToolArgs } from '../../src/capability/constraint.ts';
import { TalosClient } from '../../src/client/talos-client.ts';
import { memoryHome, type Home } from '../../src/client/home.ts';
import { systemEnv } from '../../src/env/env.ts';
import type { Guard } from '../../src/guard/guard.ts';
import { localSigner } from '../../src/identity/signer.ts';

export type World = {
  readonly client: TalosClient;
  readonly guard: Guard;
  readonly entries: () => Promise<Entry[]>;
  readonly failLogAfter: (appends: number) => void;
};

/** One agent that grants itself these tools. Its log is real; `failLogAfter` makes its store reject from then on, as a full disk would. */
export async function world(tools: { readonly [tool: string]: ToolArgs }): Promise<World> {
  const { home, failLogAfter } = breakableHome();
  const client = await TalosClient.create('agent', { stores: home });
  const guard = client.guard({ capability: await client.grant({ to: client.did, tools }) });
  const granted = client.log.size;
  const entries = async (): Promise<Entry[]> => {
    const all: Entry[] = [];
    for (let index = granted; index < client.log.size; index++) all.push((await client.log.entry(index)).entry);
    return all;
  };
  return { client, guard, entries, failLogAfter };
}

export async function logText(client: TalosClient): Promise<string> {
  let text = '';
  for (let index = 0; index < client.log.size; index++) text += new TextDecoder().decode((await client.log.entry(index)).bytes);
  return text;
}

function breakableHome(): { readonly home: Home; readonly failLogAfter: (appends: number) => void } {
  let left = Number.POSITIVE_INFINITY;
  const store = memoryAuditStore();
  const append = store.append.bind(store);
  store.append = async (batch) => {
    if (left-- <= 0) throw new Error('no space left on device');
    return append(batch);
  };
  const base = memoryHome();
  const signer = localSigner(importEd25519SecretKey(systemEnv.randomBytes(32)));
  const log = openAuditLog({ store, signer, origin: 'test.example/log', env: systemEnv });
  const shared = { acquire: (): Promise<AuditLog> => log, release: async () => undefined };
  return { home: { ...base, log: () => shared }, failLogAfter: (appends) => (left = appends) };
}
