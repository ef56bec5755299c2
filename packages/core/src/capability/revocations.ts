/** What a verifier knows of revocations, and how a chain dies the moment it learns of one (docs/spec/05 §4). @module */
import type { Env } from '../env/env.ts';
import { isAgentId, keyThumbprint, parseAgentId, type AgentId } from '../identity/agent-id.ts';
import type { Signer } from '../identity/signer.ts';
import { clockSkewSeconds } from './bounds.ts';
import { didKeys, type IssuerKeys } from './issuer-keys.ts';
import {
  badList,
  formatRevocationList,
  hashSegment,
  maxSegmentEntries,
  parseRevocationList,
  readSegments,
  rolledBack,
  signHead,
  signSegment,
  verifyHead,
  type RevocationEntry,
  type RevocationHead,
} from './revocation-list.ts';
import type { RevocationStore } from './revocation-store.ts';
import { Standing, type IssuerState, type RevocationTracker, type StandingLink } from './standing.ts';

export type RevocationOptions = {
  readonly store: RevocationStore;
  readonly env: Pick<Env, 'now'>;
  /** Whose lists are taken in, beside those of issuers and holders of chains that are in use. */
  readonly issuers?: readonly AgentId[];
  /** Issuers of this home: what they revoke is known here at once, so their news is never old. */
  readonly own?: readonly AgentId[];
  readonly keys?: IssuerKeys;
};

/** Who revokes: `issuer` is the name of the list, `signer` its current key. */
export type RevokeContext = { readonly issuer: AgentId; readonly signer: Signer };

type KnownList = {
  readonly state: IssuerState;
  readonly entries: Map<string, Set<string>>;
  readonly segments: string[];
  head: string | undefined;
  headClaims: RevocationHead | undefined;
};

/** A chain in use. `signers`: DID of the root, then the thumbprint of each link's holder. */
type Tracked = { readonly standing: Standing; readonly links: readonly StandingLink[]; readonly signers: readonly string[]; readonly until: number };

/** Chains in use above which ended ones are looked for; then when they have doubled. */
const firstSweep = 1024;

/**
 * Opens what is stored. Everything that the list says is checked again: its head's signature, and the chain of hashes up to it.
 * @throws {@link StoreError}; {@link CapabilityError} `TALOS_CAPABILITY_BAD_REVOCATIONS` if what is stored is not a signed list.
 */
export async function openRevocations(options: RevocationOptions): Promise<Revocations> {
  const revocations = new Revocations(options);
  await revocations.reload();
  return revocations;
}

export class Revocations implements RevocationTracker {
  readonly #store: RevocationStore;
  readonly #env: Pick<Env, 'now'>;
  readonly #keys: IssuerKeys;
  readonly #followed: Set<string>;
  readonly #own = new Set<string>();
  /** By DID, and by thumbprint, which is how links name a holder. */
  readonly #lists = new Map<string, KnownList>();
  readonly #index = new Map<string, Set<Tracked>>();
  readonly #tracked = new Set<Tracked>();
  #sweepAt = firstSweep;
  #queue: Promise<unknown> = Promise.resolve();

  constructor({ store, env, issuers = [], own = [], keys = didKeys() }: RevocationOptions) {
    this.#store = store;
    this.#env = env;
    this.#keys = keys;
    this.#followed = new Set(issuers);
    for (const issuer of own) this.adopt(issuer);
  }

  /** From now on this issuer is one of this home: its news is never old. */
  adopt(issuer: AgentId): void {
    this.#own.add(issuer);
    this.#list(issuer).state.freshAt = Infinity;
  }

  /** Takes in lists of this issuer. */
  follow(issuer: AgentId): void {
    this.#followed.add(issuer);
  }

  track(links: readonly StandingLink[]): Standing {
    const [root] = links;
    if (root === undefined) throw new TypeError('a chain has a link');
    const standing = new Standing(this.#list(root.iss).state, links);
    const until = (Math.min(...links.map(({ claims }) => claims.exp)) + clockSkewSeconds) * 1000;
    const tracked = { standing, links, signers: [root.iss, ...links.map(({ holder }) => holder)], until };
    this.#judge(tracked);
    if (this.#tracked.size >= this.#sweepAt) this.#sweep();
    this.#tracked.add(tracked);
    for (const key of indexKeys(tracked)) {
      const found = this.#index.get(key);
      if (found === undefined) this.#index.set(key, new Set([tracked]));
      else found.add(tracked);
    }
    return standing;
  }

  /**
   * Takes in a list that came from elsewhere. When it resolves every chain that it ends has ended, and it is durable; if it could not be stored
   * they have ended all the same.
   * @throws {@link CapabilityError} `TALOS_CAPABILITY_BAD_REVOCATIONS`; `TALOS_CAPABILITY_REVOCATIONS_ROLLED_BACK` for a list that is older than,
   * or not a continuation of, the known one. Neither changes anything.   @throws {@link StoreError}.
   */
  import(text: string): Promise<void> {
    return this.#serially(async () => {
      const { segments, head } = parseRevocationList(text);
      const claims = verifyHead(head, this.#keys);
      if (!this.#follows(claims.iss)) throw badList('it is of an issuer that this verifier does not follow');
      const list = this.#list(claims.iss);
      if (claims.at * 1000 > this.#env.now() + clockSkewSeconds * 1000) throw badList('its head is from the future');
      checkForward(list.headClaims, claims);
      const known = { size: list.segments.length, last: list.headClaims?.last };
      const read = readSegments(segments, claims, known);
      if (head === list.head) return;
      await this.#accept({ issuer: claims.iss, head, claims, ...read });
    });
  }

  /** Takes entries back for good. Resolves when every chain that they end has ended and they are durable. @throws {@link StoreError}. */
  revoke(entries: readonly RevocationEntry[], context: RevokeContext): Promise<void> {
    return this.#serially(() => this.#author(context, { entries, epochs: 0 }));
  }

  /** Ends everything that this issuer issued so far: one number, whatever the length of the list. @returns The new epoch, to issue in. */
  async raiseEpoch(context: RevokeContext): Promise<number> {
    await this.#serially(() => this.#author(context, { entries: [], epochs: 1 }));
    return this.epoch(context.issuer);
  }

  /** Signs that the list is complete now: news for verifiers elsewhere. */
  renew(context: RevokeContext): Promise<void> {
    return this.#serially(() => this.#author(context, { entries: [], epochs: 0 }));
  }

  /**
   * Ends the chains that are in use and that these keys signed or hold: their owner gave them up. What comes later is refused for its key.
   * @param ended - The root issuer of the chains that end, and the thumbprints of keys of its that do not speak any more.
   */
  endKeys(ended: { readonly issuer: AgentId; readonly thumbprints: readonly string[] }): void {
    for (const { standing } of this.#index.get(`root ${ended.issuer}`) ?? []) standing.end('REVOKED', 0);
    for (const thumbprint of ended.thumbprints)
      for (const { standing, links } of this.#index.get(`key ${thumbprint}`) ?? []) {
        const at = links.findIndex(({ holder }) => holder === thumbprint);
        standing.end(at === links.length - 1 ? 'REVOKED' : 'ANCESTOR_REVOKED', at);
      }
  }

  /** The newest epoch that is known of this issuer: what it issues has to carry it. */
  epoch(issuer: AgentId): number {
    return this.#lists.get(issuer)?.state.epoch ?? 0;
  }

  /** The signed list of an issuer as text, for a file or a message. Undefined if none is known. @param after - Segments that the reader has. */
  export(issuer: AgentId, after = 0): string | undefined {
    const list = this.#lists.get(issuer);
    return list?.head === undefined ? undefined : formatRevocationList({ segments: list.segments.slice(after), head: list.head });
  }

  /** Reads what other processes stored since. */
  reload(): Promise<void> {
    return this.#serially(async () => {
      for (const { issuer, segments, head } of await this.#store.load()) {
        const list = this.#list(issuer);
        if (list.head === head) continue;
        const claims = verifyHead(head, this.#keys);
        if (claims.iss !== issuer || claims.size !== segments.length) throw badList('what is stored is not the list of its issuer');
        checkForward(list.headClaims, claims);
        const read = readSegments(segments, claims, { size: list.segments.length, last: list.headClaims?.last });
        this.#learn({ issuer, head, claims, ...read });
      }
    });
  }

  async #author(
    { issuer, signer }: RevokeContext,
    { entries, epochs }: { readonly entries: readonly RevocationEntry[]; readonly epochs: number },
  ): Promise<void> {
    const list = this.#list(issuer);
    const at = Math.max(Math.floor(this.#env.now() / 1000), list.headClaims?.at ?? 0);
    const segments: string[] = [];
    let last = list.headClaims?.last;
    for (let i = 0; i < entries.length; i += maxSegmentEntries) {
      const seq = list.segments.length + segments.length;
      const segment = await signSegment(
        { v: 1, iss: issuer, seq, ...(last === undefined ? {} : { prev: last }), at, entries: entries.slice(i, i + maxSegmentEntries) },
        signer,
      );
      segments.push(segment);
      last = hashSegment(segment);
    }
    const size = list.segments.length + segments.length;
    const claims: RevocationHead = { v: 1, iss: issuer, epoch: list.state.epoch + epochs, size, ...(last === undefined ? {} : { last }), at };
    const head = await signHead(claims, signer);
    // Read back by the verifier's own rules: an entry that no verifier takes must not be thought revoked.
    const read = readSegments(segments, verifyHead(head, this.#keys), { size: list.segments.length, last: list.headClaims?.last });
    await this.#accept({ issuer, head, claims, ...read });
  }

  /** Flips first and stores after: a full disk must not keep a revoked chain alive. */
  async #accept(news: News): Promise<void> {
    const expectedHead = this.#list(news.issuer).head;
    this.#flip(news);
    await this.#store.append({ issuer: news.issuer, expectedHead, segments: news.segments, head: news.head });
    this.#learn(news);
  }

  #learn(news: News): void {
    const list = this.#list(news.issuer);
    this.#flip(news);
    list.segments.push(...news.segments);
    list.head = news.head;
    list.headClaims = news.claims;
    if (!this.#own.has(news.issuer)) list.state.freshAt = news.claims.at * 1000;
  }

  #flip({ issuer, claims, entries }: News): void {
    const list = this.#list(issuer);
    const touched = new Set<Tracked>();
    for (const entry of entries) {
      const [kind, value] = entryKey(entry);
      const known = list.entries.get(kind);
      if (known === undefined) list.entries.set(kind, new Set([value]));
      else known.add(value);
      for (const tracked of this.#index.get(`${kind} ${value}`) ?? []) touched.add(tracked);
    }
    for (const tracked of touched) this.#judge(tracked);
    if (claims.epoch <= list.state.epoch) return;
    list.state.epoch = claims.epoch;
    for (const { standing } of this.#index.get(`root ${issuer}`) ?? []) if (standing.ended !== undefined) standing.alert();
  }

  /** Ends the chain at the first link that somebody took back who may: an issuer at or above it, or its own holder. */
  #judge({ standing, links, signers }: Tracked): void {
    for (const [i, link] of links.entries()) {
      const keys = linkKeys(link);
      // signers[j] issued link j and holds link j − 1.
      for (const signer of signers.slice(0, i + 2)) {
        const known = this.#lists.get(signer)?.entries;
        if (known === undefined || known.size === 0 || !keys.some(([kind, value]) => known.get(kind)?.has(value))) continue;
        standing.end(i === links.length - 1 ? 'REVOKED' : 'ANCESTOR_REVOKED', i);
        return;
      }
    }
  }

  /** Forgets chains that have expired, and ends them: a clock that goes back must not find them unwatched. */
  #sweep(): void {
    const now = this.#env.now();
    for (const tracked of this.#tracked) {
      if (!(tracked.until <= now)) continue;
      tracked.standing.retire();
      this.#tracked.delete(tracked);
      for (const key of indexKeys(tracked)) {
        const found = this.#index.get(key);
        found?.delete(tracked);
        if (found?.size === 0) this.#index.delete(key);
      }
    }
    this.#sweepAt = Math.max(firstSweep, this.#tracked.size * 2);
  }

  #follows(issuer: AgentId): boolean {
    return (
      this.#followed.has(issuer) ||
      this.#own.has(issuer) ||
      this.#lists.get(issuer)?.head !== undefined ||
      this.#index.has(`root ${issuer}`) ||
      this.#index.has(`signer ${thumbprintOf(issuer)}`)
    );
  }

  #list(issuer: string): KnownList {
    let list = this.#lists.get(issuer);
    if (list === undefined) {
      list = { state: { freshAt: -Infinity, epoch: 0 }, entries: new Map(), segments: [], head: undefined, headClaims: undefined };
      this.#lists.set(issuer, list);
      const thumbprint = thumbprintOf(issuer);
      if (thumbprint !== undefined) this.#lists.set(thumbprint, list);
    }
    return list;
  }

  #serially<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(act);
    this.#queue = done.catch(() => undefined);
    return done;
  }
}

type News = {
  readonly issuer: string;
  readonly head: string;
  readonly claims: RevocationHead;
  readonly segments: readonly string[];
  readonly entries: readonly RevocationEntry[];
};

/** Nothing is ever taken back of what was taken back. */
function checkForward(known: RevocationHead | undefined, offered: RevocationHead): void {
  if (known === undefined) return;
  if (offered.size < known.size || offered.epoch < known.epoch || offered.at < known.at) throw rolledBack('it is older than the one that was seen before');
}

function entryKey(entry: RevocationEntry): readonly [string, string] {
  if ('jti' in entry) return [`jti ${entry.iss}`, entry.jti];
  if ('key' in entry) return ['key', entry.key];
  return 'task' in entry ? ['task', entry.task] : ['sub', entry.sub];
}

function linkKeys({ iss, jti, holder, claims }: StandingLink): (readonly [string, string])[] {
  const keys: [string, string][] = [
    [`jti ${iss}`, jti],
    ['key', holder],
    ['sub', claims.sub],
  ];
  if (claims.task !== undefined) keys.push(['task', claims.task]);
  return keys;
}

function indexKeys({ links, signers }: Tracked): ReadonlySet<string> {
  const keys = links.flatMap((link) => linkKeys(link).map(([kind, value]) => `${kind} ${value}`));
  return new Set([...keys, `root ${signers[0]}`, ...signers.slice(1).map((signer) => `signer ${signer}`)]);
}

/** How links name the holder whose list this is; undefined if the issuer is no did:key. */
function thumbprintOf(issuer: string): string | undefined {
  return isAgentId(issuer) ? keyThumbprint(parseAgentId(issuer)) : undefined;
}
