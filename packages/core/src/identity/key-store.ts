/** Keeps secret records by name: an agent's identity (`agent.<name>`), the key of a log (`log`). */
export interface KeyStore {
  /** A fresh copy, or undefined when nothing was ever saved under this name. @throws IdentityError `TALOS_IDENTITY_LOCKED` if it is there but does not open. */
  load(record: string): Promise<Uint8Array | undefined>;
  /**
   * Durable and atomic once it resolves: a crash leaves the old content or the new one. `expected` says what the caller last saw;
   * @throws StoreError `TALOS_STORE_CONFLICT` if another writer was first, `TALOS_STORE_WRITE_FAILED` if nothing was kept.
   */
  save(record: string, secret: Uint8Array, expected: 'absent' | 'present'): Promise<void>;
}

/** Letters, digits, `.`, `_` and `-`, 1 to 64 of them, not beginning with a dot: safe as a file name everywhere. */
export const recordNamePattern = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}$/;
