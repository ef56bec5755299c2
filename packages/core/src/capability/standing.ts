/** Whether an admitted chain was taken back: two reads on the warm path, kept up to date by whoever learns of revocations (docs/spec/05 §4). @module */
import { clockSkewSeconds, defaultMaxStaleSeconds } from './bounds.ts';
import type { CapabilityClaims } from './capability.ts';

export type EndedCode = 'REVOKED' | 'ANCESTOR_REVOKED' | 'EPOCH_OLD';

/** What is known of one root issuer; one object for all of its chains. */
export type IssuerState = {
  /** Milliseconds since 1970 of the newest signed head; Infinity for an issuer of the same home. */
  freshAt: number;
  /** Newest epoch: what was issued in an older one is dead. */
  epoch: number;
};

/** Of a link: what revocations look at. */
export type StandingLink = { readonly iss: string; readonly jti: string; readonly holder: string; readonly claims: CapabilityClaims };

/** What a verifier asks at admission; `openRevocations` makes one. */
export interface RevocationTracker {
  /** The standing of a chain whose signatures are good, root → leaf. It is kept up to date until the chain has expired. */
  track(links: readonly StandingLink[]): Standing;
}

/** Made at admission. `ended` is set the moment a revocation is learned of, before anybody is told that it was. */
export class Standing {
  readonly root: IssuerState;
  readonly #maxStaleMs: number;
  /** When the chain's own dates of issue no longer count as news. Milliseconds since 1970. */
  readonly #staleAfter: number;
  readonly #epoch: number;
  readonly #confirmedUntil: number;
  readonly #watchers = new Set<() => void>();
  #retired = false;
  #ended: { readonly code: EndedCode; readonly link: number } | undefined;

  /** @param confirmedUntil - Until when an answer of the root issuer, asked for this one call, lets it pass. Milliseconds since 1970. */
  constructor(root: IssuerState, links: readonly StandingLink[], confirmedUntil = -Infinity) {
    this.root = root;
    this.#confirmedUntil = confirmedUntil;
    this.#epoch = links[0]?.claims.epoch ?? 0;
    const tolerated = links.map(({ claims }) => claims.max_stale ?? defaultMaxStaleSeconds);
    const least = Math.min(...tolerated);
    // Not 0: a head may be dated 30 seconds ahead.
    this.#maxStaleMs = least === 0 ? -Infinity : (least + clockSkewSeconds) * 1000;
    this.#staleAfter = Math.min(...links.map(({ claims }, i) => staleAfter(claims.iat * 1000, tolerated[i] as number)));
  }

  get ended(): { readonly code: EndedCode; readonly link: number } | undefined {
    return this.#ended ?? (this.#epoch < this.root.epoch ? { code: 'EPOCH_OLD', link: 0 } : undefined);
  }

  /** For good: nothing is ever un-revoked. */
  end(code: EndedCode, link: number): void {
    this.#ended ??= { code, link };
    this.alert();
  }

  /** Nobody keeps this up to date any more: what is not known to be alive is not. */
  retire(): void {
    this.#retired = true;
  }

  /** Tells the calls in flight. */
  alert(): void {
    for (const watcher of this.#watchers) watcher();
    this.#watchers.clear();
  }

  /** Calls `run` once when the chain ends. The result takes it off again. */
  watch(run: () => void): () => void {
    this.#watchers.add(run);
    return () => void this.#watchers.delete(run);
  }

  /** Neither ended nor is the news of the root issuer too old. False for a clock without a number. */
  holds(nowMs: number): boolean {
    const { freshAt, epoch } = this.root;
    if (this.#ended !== undefined || this.#retired || this.#epoch < epoch) return false;
    const newsUntil = freshAt === Infinity ? Infinity : freshAt + this.#maxStaleMs;
    return nowMs < this.#staleAfter || nowMs < newsUntil || nowMs < this.#confirmedUntil;
  }
}

/** The link's own issue counts as news. `max_stale: 0` demands an answer about this very moment, which no timestamp gives. */
function staleAfter(iatMs: number, maxStaleSeconds: number): number {
  return maxStaleSeconds === 0 ? -Infinity : iatMs + (maxStaleSeconds + clockSkewSeconds) * 1000;
}
