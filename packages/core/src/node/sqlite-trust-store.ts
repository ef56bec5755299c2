/** What agents know of their peers, in the state file: sealed under a key of the home, and no older than the fence remembers (docs/spec/01 §7). @module */
import { decodeUtf8, encodeUtf8 } from '../bytes/utf8.ts';
import { CryptoError } from '../errors/crypto-error.ts';
import type { AgentId } from '../identity/agent-id.ts';
import { trustConflict, type KnownPeer, type TrustStore } from '../identity/trust-store.ts';
import { atRestSeal, type AtRestSeal } from '../seal/at-rest-seal.ts';
import type { PeerFence } from './peer-fence.ts';
import type { SqliteState } from './sqlite-state.ts';

export type SqliteTrustOptions = {
  readonly state: SqliteState;
  /** Gives the home's key, 32 bytes. Asked for when the first peer is read or saved: a passphrase costs half a second. */
  readonly key: () => Promise<Uint8Array>;
  readonly fence: PeerFence;
};

type Row = { readonly owner: string; readonly did: string; readonly revision: number; readonly body: string; readonly bundle: string | null };

/** Peers whose rows were opened: a live session asks with each message. */
const maxOpened = 1024;

export function sqliteTrustStore({ state, key, fence }: SqliteTrustOptions): TrustStore {
  const opener = new Opener(key, fence);
  const find = state.db.prepare('SELECT owner, did, revision, body, bundle FROM known_peer WHERE owner = ? AND did = ?');
  const load = async (owner: AgentId, did: AgentId): Promise<KnownPeer | undefined> => {
    const row = state.read(() => find.get(owner, did)) as Row | undefined;
    return row === undefined ? opener.missing(owner, did) : opener.open(row);
  };
  return {
    load,
    all: async (owner) => {
      const rows = state.read((db) =>
        db.prepare('SELECT owner, did, revision, body, bundle FROM known_peer WHERE owner = ifnull(?, owner)').all(owner ?? null),
      ) as Row[];
      const present = await Promise.all(rows.map((row) => opener.open(row)));
      if (owner === undefined) return present;
      const named = new Set(rows.map(({ did }) => did));
      const missing = fence.all(owner).filter((did) => !named.has(did));
      return [...present, ...missing.flatMap((did) => opener.missing(owner, did) ?? [])];
    },
    isRefused: async (owner, did) => (await load(owner, did))?.isRefused === true,
    save: async (owner, { lost, bundle, ...peer }) => {
      const { did, revision, isRefused } = peer;
      // Who is still lost was refused before.
      const events = Math.max(peer.history.length, lost?.events ?? 0);
      const body = await opener.seal({ owner, did, revision }, peer);
      await state.write((db) => {
        const present = db.prepare('SELECT revision FROM known_peer WHERE owner = ? AND did = ?').get(owner, did) as { revision: number } | undefined;
        if ((present?.revision ?? 0) !== revision - 1) throw trustConflict();
        const insert = db.prepare('INSERT OR REPLACE INTO known_peer (owner, did, revision, events, body, bundle) VALUES (?, ?, ?, ?, ?, ?)');
        insert.run(owner, did, revision, isRefused ? -1 : events, body, bundle ?? null);
      });
      await fence.note(owner, did, { events, isRefused });
    },
  };
}

/** Rows as far as they open; of the rest what the fence remembers. */
class Opener {
  readonly #key: () => Promise<Uint8Array>;
  readonly #fence: PeerFence;
  readonly #opened = new Map<string, KnownPeer>();
  #seal: Promise<AtRestSeal> | undefined;

  constructor(key: () => Promise<Uint8Array>, fence: PeerFence) {
    this.#key = key;
    this.#fence = fence;
  }

  async seal(place: Omit<Row, 'body' | 'bundle'>, peer: KnownPeer): Promise<string> {
    return (await this.#sealing()).sealText(placeOf(place), encodeUtf8(JSON.stringify(peer)));
  }

  async open(row: Row): Promise<KnownPeer> {
    const place = placeOf(row);
    const peer = this.#opened.get(`${place} ${row.body}`) ?? (await this.#decode(row));
    // Signed by the peer, and not trusted before it is used: it needs no seal.
    return this.#fenced(row.owner as AgentId, row.bundle === null ? peer : { ...peer, bundle: row.bundle });
  }

  /** A row that is gone. */
  missing(owner: AgentId, did: AgentId): KnownPeer | undefined {
    return this.#fence.of(owner, did) === undefined ? undefined : this.#fenced(owner, nothingKnown(did, 0));
  }

  async #decode({ body, ...row }: Row): Promise<KnownPeer> {
    const place = placeOf(row);
    const seal = await this.#sealing();
    try {
      // Its history is verified by whoever uses it.
      const peer = JSON.parse(decodeUtf8(seal.openText(place, body))) as KnownPeer;
      this.#opened.set(`${place} ${body}`, peer);
      if (this.#opened.size > maxOpened) this.#opened.delete(this.#opened.keys().next().value as string);
      return peer;
    } catch (error) {
      if (!CryptoError.isInstance(error)) throw error;
      return { ...nothingKnown(row.did as AgentId, row.revision), lost: { events: 1 } };
    }
  }

  #fenced(owner: AgentId, peer: KnownPeer): KnownPeer {
    const fenced = this.#fence.of(owner, peer.did);
    if (fenced === undefined) return peer;
    const isLost = peer.lost !== undefined || peer.history.length < fenced.events;
    return { ...peer, isRefused: peer.isRefused || fenced.isRefused, ...(isLost && { lost: { events: Math.max(1, fenced.events) } }) };
  }

  #sealing(): Promise<AtRestSeal> {
    return (this.#seal ??= this.#key().then(
      (key) => {
        const seal = atRestSeal(key);
        key.fill(0);
        return seal;
      },
      (error: unknown) => {
        this.#seal = undefined;
        throw error;
      },
    ));
  }
}

/** Apart from whatever else the home's key seals: no agent is named `peers`. */
function placeOf({ owner, did, revision }: Omit<Row, 'body' | 'bundle'>): string {
  return `peers|${owner}|${did}|${revision}`;
}

function nothingKnown(did: AgentId, revision: number): KnownPeer {
  return { did, history: [], agreementKey: '', pinned: 'firstUse', pinnedAt: 0, told: 0, isRefused: false, revision };
}
