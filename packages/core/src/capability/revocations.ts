/** What a verifier knows of revocations, and how a chain dies the moment it learns of one (docs/spec/05 §4). @module */
import type { Env } from '../env/env.ts';
import { StoreError } from '../errors/store-error.ts';
import type { AgentId } from '../identity/agent-id.ts';
import type { Signer } from '../identity/signer.ts';
import { clockSkewSeconds } from './bounds.ts';
import { fitMessages } from './fit-messages.ts';
import { didKeys, type IssuerKeys } from './issuer-keys.ts';
import { entryKey, linkKeys, thumbprintOf } from './revocation-keys.ts';
import {
  badList,
  checkForward,
  formatRevocationList,
  hashSegment,
  parseRevocationList,
  readHead,
  readSegments,
  segmentTime,
  signHead,
  signSegment,
  splitEntries,
  verifyHead,
  type RevocationEntry,
  type RevocationHead,
  type RevocationList,
} from './revocation-list.ts';
import type { RevocationStore } from './revocation-store.ts';
import { Standing, type IssuerState, type RevocationTracker, type StandingLink } from './standing.ts';
import { TrackedChains, type TrackedChain } from './tracked-chains.ts';

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

/** Others that write to one list at the same moment, as often as that. */
const maxTries = 16;

/** From an answer to the start of the tool: a log and a store of limits are written in between. */
const confirmationMs = 30_000;

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
  readonly #chains: TrackedChains;
  #version: string | undefined;
  #queue: Promise<unknown> = Promise.resolve();

  constructor({ store, env, issuers = [], own = [], keys = didKeys() }: RevocationOptions) {
    this.#store = store;
    this.#env = env;
    this.#chains = new TrackedChains(env);
    this.#keys = keys;
    this.#followed = new Set(issuers);
    for (const issuer of own) this.adopt(issuer);
  }

  /** From now on this issuer is one of this home: its news is never old. */
  adopt(issuer: AgentId): void {
    this.#own.add(issuer);
    this.#list(issuer).state.freshAt = Infinity;
  }

  /** The same for every process that shares the store. @throws {@link StoreError}. */
  async join(issuer: AgentId): Promise<void> {
    this.adopt(issuer);
    await this.#store.addAgent?.(issuer);
  }

  /** Whether all that this agent takes back is known here at once, and all that it counts is counted here. */
  isOfHome(agent: string): boolean {
    return this.#own.has(agent);
  }

  /** Takes in lists of this issuer. */
  follow(issuer: AgentId): void {
    this.#followed.add(issuer);
  }

  track(links: readonly StandingLink[]): Standing {
    return this.#track(links);
  }

  #track(links: readonly StandingLink[], confirmedUntil?: number): Standing {
    const [root] = links;
    if (root === undefined) throw new TypeError('a chain has a link');
    const standing = new Standing(this.#list(root.iss).state, links, confirmedUntil);
    const until = (Math.min(...links.map(({ claims }) => claims.exp)) + clockSkewSeconds) * 1000;
    const tracked = { standing, links, signers: [root.iss, ...links.map(({ holder }) => holder)], until };
    this.#judge(tracked);
    this.#chains.add(tracked);
    return standing;
  }

  /**
   * Takes in a list that came from elsewhere. When it resolves every chain that it ends has ended, and it is durable; if it could not be stored
   * they have ended all the same.
   * @throws {@link CapabilityError} `TALOS_CAPABILITY_BAD_REVOCATIONS`; `TALOS_CAPABILITY_REVOCATIONS_ROLLED_BACK` for a list that is older than,
   * or not a continuation of, the known one. Neither changes anything.   @throws {@link StoreError}.
   */
  import(text: string): Promise<void> {
    return this.#serially(() => this.#takeIn(parseRevocationList(text)));
  }

  /**
   * Takes in an answer to a question of one's own, and for a moment lets pass what demands one: `max_stale: 0`.
   * @param answer - `text` as it came, to a nonce that was drawn for this one call.   @throws as `import`; `TALOS_CAPABILITY_BAD_REVOCATIONS` for
   * another issuer's list, or one that answers another question.
   */
  confirm(answer: { readonly text: string; readonly issuer: string; readonly nonce: string }): Promise<RevocationTracker> {
    return this.#serially(async () => {
      const list = parseRevocationList(answer.text);
      const { head } = readHead(list.head);
      if (head.iss !== answer.issuer || head.nonce !== answer.nonce) throw badList('it does not answer what was asked');
      await this.#takeIn(list);
      const confirmedUntil = this.#env.now() + confirmationMs;
      return { track: (links) => this.#track(links, links[0]?.iss === answer.issuer ? confirmedUntil : undefined) };
    });
  }

  /**
   * Signs what was taken back, as of now, for one who has the first `after` segments, without keeping that it did.
   * @param reader - `nonce`: what it asked with, 32 bytes in base64url.
   * @returns Texts to be imported in this order, each of which fits a message; one, unless the list is long.
   */
  news(reader: { readonly after: number; readonly nonce?: string }, { issuer, signer }: RevokeContext): Promise<readonly string[]> {
    return this.#serially(async () => {
      const { segments, headClaims, state } = this.#list(issuer);
      const now = Math.max(Math.floor(this.#env.now() / 1000), headClaims?.at ?? 0);
      const texts: string[] = [];
      for (const { from, end: size } of fitMessages(segments, Math.min(reader.after, segments.length))) {
        const isWhole = size === segments.length;
        const last = segments[size - 1];
        // A part is the list as it was when its last segment was written: who gets no further part must not think that it is up to date.
        const at = isWhole ? now : segmentTime(last as string);
        const claims: RevocationHead = { v: 1, iss: issuer, epoch: state.epoch, size, ...(last === undefined ? {} : { last: hashSegment(last) }), at };
        const head = await signHead(isWhole && reader.nonce !== undefined ? { ...claims, nonce: reader.nonce } : claims, signer);
        texts.push(formatRevocationList({ segments: segments.slice(from, size), head }));
      }
      return texts;
    });
  }

  /** Takes entries back for good. Resolves when every chain that they end has ended and they are durable. @throws {@link StoreError}. */
  revoke(entries: readonly RevocationEntry[], context: RevokeContext): Promise<void> {
    return this.#serially(() => this.#write(context, { entries, epochs: 0 }));
  }

  /** Ends everything that this issuer issued so far: one number, whatever the length of the list. @returns The new epoch, to issue in. */
  async raiseEpoch(context: RevokeContext): Promise<number> {
    await this.#serially(() => this.#write(context, { entries: [], epochs: 1 }));
    return this.epoch(context.issuer);
  }

  /** Signs that the list is complete now: news for verifiers elsewhere. */
  renew(context: RevokeContext): Promise<void> {
    return this.#serially(() => this.#write(context, { entries: [], epochs: 0 }));
  }

  /**
   * Ends the chains that are in use and that these keys signed or hold: their owner gave them up. What comes later is refused for its key.
   * @param ended - The root issuer of the chains that end, and the thumbprints of keys of its that do not speak any more.
   */
  endKeys(ended: { readonly issuer: AgentId; readonly thumbprints: readonly string[] }): void {
    for (const { standing } of this.#chains.named(`root ${ended.issuer}`)) standing.end('REVOKED', 0);
    for (const thumbprint of ended.thumbprints)
      for (const { standing, links } of this.#chains.named(`key ${thumbprint}`)) {
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

  /** How many segments of this issuer's list are known. */
  size(issuer: AgentId): number {
    return this.#lists.get(issuer)?.segments.length ?? 0;
  }

  /**
   * Reads what other processes stored since, if any did; nothing to wait for otherwise.
   * @throws {@link StoreError}: then nobody knows what was taken back.
   */
  refresh(): Promise<void> | undefined {
    const version = this.#store.version?.();
    return version === this.#version ? undefined : this.reload();
  }

  /** Reads what other processes stored since. */
  reload(): Promise<void> {
    return this.#serially(() => this.#reload());
  }

  async #reload(): Promise<void> {
    // Asked first: what is written while this reads is read the next time.
    const version = this.#store.version?.();
    for (const agent of (await this.#store.agents?.()) ?? []) this.adopt(agent);
    for (const { issuer, segments, head } of await this.#store.load()) {
      const list = this.#list(issuer);
      if (list.head === head) continue;
      const claims = verifyHead(head, this.#keys);
      if (claims.iss !== issuer || claims.size !== segments.length) throw badList('what is stored is not the list of its issuer');
      checkForward(list.headClaims, claims);
      const read = readSegments(segments, claims, { size: list.segments.length, last: list.headClaims?.last });
      this.#learn({ issuer, head, claims, ...read });
    }
    this.#version = version;
  }

  async #takeIn({ segments, head }: RevocationList): Promise<void> {
    const offered = readHead(head);
    // Whom nobody here follows costs no signature.
    if (!this.#follows(offered.head.iss)) throw badList('it is of an issuer that this verifier does not follow');
    const claims = offered.verify(this.#keys);
    if (claims.at * 1000 > this.#env.now() + clockSkewSeconds * 1000) throw badList('its head is from the future');
    await this.#storing(async () => {
      const list = this.#list(claims.iss);
      checkForward(list.headClaims, claims);
      const read = readSegments(segments, claims, { size: list.segments.length, last: list.headClaims?.last });
      if (head === list.head) return;
      // An answer that says nothing new is fresh, and no more: a store that is written once a question would be a slow one.
      if (claims.nonce !== undefined && claims.size === list.headClaims?.size && claims.epoch === list.headClaims.epoch) this.#freshen(claims);
      else await this.#accept({ issuer: claims.iss, head, claims, ...read });
    });
  }

  /** Another process may have been first: then what it wrote is read, and this goes on top. What is to end has ended at the first try. */
  async #storing(store: () => Promise<void>): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        return await store();
      } catch (error) {
        if (!StoreError.isInstance(error) || error.code !== 'TALOS_STORE_CONFLICT' || tries === maxTries) throw error;
        await this.#reload();
      }
    }
  }

  /** The epoch is counted from what was known at first: a second try does not raise it twice. */
  #write(context: RevokeContext, { entries, epochs }: { readonly entries: readonly RevocationEntry[]; readonly epochs: number }): Promise<void> {
    const wanted = this.epoch(context.issuer) + epochs;
    return this.#storing(() => this.#author(context, { entries, epoch: Math.max(wanted, this.epoch(context.issuer)) }));
  }

  async #author(
    { issuer, signer }: RevokeContext,
    { entries, epoch }: { readonly entries: readonly RevocationEntry[]; readonly epoch: number },
  ): Promise<void> {
    const list = this.#list(issuer);
    const at = Math.max(Math.floor(this.#env.now() / 1000), list.headClaims?.at ?? 0);
    const segments: string[] = [];
    let last = list.headClaims?.last;
    for (const part of splitEntries(entries)) {
      const seq = list.segments.length + segments.length;
      const segment = await signSegment({ v: 1, iss: issuer, seq, ...(last === undefined ? {} : { prev: last }), at, entries: part }, signer);
      segments.push(segment);
      last = hashSegment(segment);
    }
    const size = list.segments.length + segments.length;
    const claims: RevocationHead = { v: 1, iss: issuer, epoch, size, ...(last === undefined ? {} : { last }), at };
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
    this.#freshen(news.claims);
  }

  #freshen({ iss, at }: RevocationHead): void {
    const { state } = this.#list(iss);
    if (!this.#own.has(iss)) state.freshAt = Math.max(state.freshAt, at * 1000);
  }

  #flip({ issuer, claims, entries }: News): void {
    const list = this.#list(issuer);
    const touched = new Set<TrackedChain>();
    for (const entry of entries) {
      const [kind, value] = entryKey(entry);
      const known = list.entries.get(kind);
      if (known === undefined) list.entries.set(kind, new Set([value]));
      else known.add(value);
      for (const tracked of this.#chains.named(`${kind} ${value}`)) touched.add(tracked);
    }
    for (const tracked of touched) this.#judge(tracked);
    if (claims.epoch <= list.state.epoch) return;
    list.state.epoch = claims.epoch;
    for (const { standing } of this.#chains.named(`root ${issuer}`)) if (standing.ended !== undefined) standing.alert();
  }

  /** Ends the chain at the first link that somebody took back who may: an issuer at or above it, or its own holder. */
  #judge({ standing, links, signers }: TrackedChain): void {
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

  #follows(issuer: AgentId): boolean {
    return (
      this.#followed.has(issuer) ||
      this.#own.has(issuer) ||
      this.#lists.get(issuer)?.head !== undefined ||
      this.#chains.isNamed(`root ${issuer}`) ||
      this.#chains.isNamed(`signer ${thumbprintOf(issuer)}`)
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
