/**
 * Which peers are known to have rotated or ended their keys, outside of the home (docs/spec/01 §7): a state file that is of an older copy, or was
 * changed, must not make an agent forget it.
 * @module
 */
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { StoreError } from '../errors/store-error.ts';
import type { AgentId } from '../identity/agent-id.ts';
import { writeDurably } from './durable-file.ts';

/** `events`: of the longest history that was kept. */
export type FencedPeer = { readonly events: number; readonly isRefused: boolean };

export interface PeerFence {
  of(owner: AgentId, did: AgentId): FencedPeer | undefined;
  all(owner: AgentId): readonly AgentId[];
  /** Durable when it resolves. @throws {@link StoreError} `TALOS_STORE_WRITE_FAILED`. */
  note(owner: AgentId, did: AgentId, peer: FencedPeer): Promise<void>;
}

const method = 'did:key:';
const fileName = /^(z[1-9A-HJ-NP-Za-km-z]+)\.(z[1-9A-HJ-NP-Za-km-z]+)\.(\d{1,4}|refused)$/;

/** Reads the folder once: what other processes note later stands in their rows as well. @throws {@link StoreError} `TALOS_STORE_READ_FAILED`. */
export async function openPeerFence(folder: string): Promise<PeerFence> {
  const known = new Map<AgentId, Map<AgentId, FencedPeer>>();
  const add = (owner: AgentId, did: AgentId, { events, isRefused }: FencedPeer): void => {
    const peers = known.get(owner) ?? new Map<AgentId, FencedPeer>();
    known.set(owner, peers);
    const before = peers.get(did);
    peers.set(did, { events: Math.max(events, before?.events ?? 0), isRefused: isRefused || before?.isRefused === true });
  };
  for (const name of await namesIn(folder)) {
    const [, owner, did, what] = fileName.exec(name) ?? [];
    if (owner === undefined || did === undefined) continue;
    const isRefused = what === 'refused';
    add(`${method}${owner}` as AgentId, `${method}${did}` as AgentId, { events: isRefused ? 0 : Number(what), isRefused });
  }
  return {
    of: (owner, did) => known.get(owner)?.get(did),
    all: (owner) => [...(known.get(owner)?.keys() ?? [])],
    note: async (owner, did, peer) => {
      const before = known.get(owner)?.get(did);
      const prefix = path.join(folder, `${owner.slice(method.length)}.${did.slice(method.length)}.`);
      // The name says it all: a file of its own for each event, so that two processes need no lock.
      if (peer.events > 1 && peer.events > (before?.events ?? 0)) await touch(`${prefix}${peer.events}`);
      if (peer.isRefused && before?.isRefused !== true) await touch(`${prefix}refused`);
      if (peer.events > 1 || peer.isRefused) add(owner, did, peer);
    },
  };
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await fs.readdir(folder);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new StoreError({
      code: 'TALOS_STORE_READ_FAILED',
      message: 'what is remembered of peers cannot be read: pass a stateDir that this user may read',
      cause,
    });
  }
}

async function touch(file: string): Promise<void> {
  await writeDurably(file, new Uint8Array(0), 'absent').catch((error: unknown) => {
    if (!StoreError.isInstance(error) || error.code !== 'TALOS_STORE_CONFLICT') throw error;
  });
}
