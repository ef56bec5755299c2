/** Which capabilities the agents of this home issued while it was open: genuine before any signature of them is looked at (docs/spec/05 §6). @module */
import { hashBase64url } from '#suite';

/** The oldest goes, and draws on its issuer's budget from then on. */
const maxTokens = 10_000;

export class IssuedTokens {
  readonly #hashes = new Set<string>();

  /** @param hash - SHA-256 of the token, base64url. */
  add(hash: string): void {
    this.#hashes.add(hash);
    if (this.#hashes.size > maxTokens) this.#hashes.delete(this.#hashes.values().next().value as string);
  }

  /** By all of its text: a chain below it is somebody else's work. */
  has(token: unknown): boolean {
    return typeof token === 'string' && token.isWellFormed() && this.#hashes.has(hashBase64url(token));
  }
}
