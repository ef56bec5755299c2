/**
 * Names and keys of persons at rest: a name is kept as a keyed hash, a key sealed, both under a key of the home (docs/spec/10 §2). A copy of the
 * file alone names nobody and opens nothing. @module
 */
import { hmacSha256 } from '#suite';
import { subjectKeyLength, type PrivateReader, type PrivateStore, type Subject } from '../audit/private-store.ts';
import { encodeBase64url } from '../bytes/base64url.ts';
import { concatBytes } from '../bytes/concat.ts';
import { equalBytes } from '../bytes/equal.ts';
import { encodeUtf8 } from '../bytes/utf8.ts';
import { StoreError } from '../errors/store-error.ts';
import { atRestSeal } from '../seal/at-rest-seal.ts';

/** A person as a file of before has them. */
export type ClearSubject = Subject & { readonly name: string };

/** A person as they are kept: `name` is 43 characters of base64url. */
export type SealedSubject = { readonly ref: string; readonly name: string; readonly key: Uint8Array; readonly since: number };

/** Longer than any salt that the seal hashes under the same key: the one is never the other. */
const nameLabel = 'talos/1 name of a subject\0';
const tagLength = 32;

export class SubjectSeal {
  readonly #load: () => Promise<Uint8Array>;
  #loading: Promise<Keys> | undefined;

  /** @param load - gives the 32-byte key. Asked for when the first person is met: under a passphrase it takes half a second. */
  constructor(load: () => Promise<Uint8Array>) {
    this.#load = load;
  }

  async nameOf(name: string): Promise<string> {
    return encodeBase64url((await this.#keys()).tag(name));
  }

  async seal(name: string, { ref, key, since }: Subject): Promise<SealedSubject> {
    const keys = await this.#keys();
    const tag = keys.tag(name);
    return { ref, name: encodeBase64url(tag), key: keys.seal.seal(placeOf({ ref, since }), concatBytes(tag, key)), since };
  }

  /**
   * @param name - under which it was found: the row of one person put under the name of another would have the first erased for the second.
   * @throws {@link StoreError} `TALOS_STORE_CORRUPT`.
   */
  async open({ ref, key, since }: Subject, name?: string): Promise<Subject> {
    const keys = await this.#keys();
    const opened = this.#opened(keys, { ref, key, since });
    if (opened.length !== tagLength + subjectKeyLength || (name !== undefined && !equalBytes(opened.subarray(0, tagLength), keys.tag(name)))) throw corrupt();
    return { ref, key: opened.slice(tagLength), since };
  }

  #opened({ seal }: Keys, { ref, key, since }: Subject): Uint8Array {
    try {
      return seal.open(placeOf({ ref, since }), key);
    } catch {
      throw corrupt();
    }
  }

  /** After a failure it is asked again: a keychain may have been locked. */
  #keys(): Promise<Keys> {
    this.#loading ??= this.#load().then(keysOf);
    this.#loading.catch(() => (this.#loading = undefined));
    return this.#loading;
  }
}

type Keys = { readonly seal: ReturnType<typeof atRestSeal>; readonly tag: (name: string) => Uint8Array };

function keysOf(key: Uint8Array): Keys {
  const own = Uint8Array.from(key);
  return { seal: atRestSeal(own), tag: (name) => hmacSha256(own, encodeUtf8(nameLabel + name)) };
}

function placeOf({ ref, since }: Pick<Subject, 'ref' | 'since'>): string {
  return `subject|${ref}|${since}`;
}

export function sealedReader(reader: PrivateReader, seal: SubjectSeal): PrivateReader {
  return {
    ...reader,
    async loadSubject(ref) {
      const kept = await reader.loadSubject(ref);
      return kept && seal.open(kept);
    },
  };
}

export function sealedStore(store: PrivateStore, seal: SubjectSeal): PrivateStore {
  return {
    ...store,
    ...sealedReader(store, seal),
    async findSubject(name) {
      const kept = await store.findSubject(await seal.nameOf(name));
      return kept && seal.open(kept, name);
    },
    async ensureSubject(name, fresh) {
      const sealed = await seal.seal(name, fresh);
      return seal.open(await store.ensureSubject(sealed.name, sealed), name);
    },
  };
}

function corrupt(): StoreError {
  return new StoreError({
    code: 'TALOS_STORE_CORRUPT',
    message: 'the key of a person does not open: it was changed outside Talos, or written under another key of the home',
  });
}
