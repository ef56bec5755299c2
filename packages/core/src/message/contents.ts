/** What a message says, inside its ciphertext: one byte for the kind, then the rest (docs/spec/04 §8). @module */
import { decodeBase64url, encodeBase64url } from '../bytes/base64url.ts';
import { concatBytes } from '../bytes/concat.ts';
import { ByteReader } from '../bytes/reader.ts';
import { decodeUtf8, encodeUtf8 } from '../bytes/utf8.ts';
import { ByteWriter } from '../bytes/writer.ts';
import { EncodingError } from '../errors/encoding-error.ts';

export type MessageContents =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'data'; readonly data: Uint8Array }
  /** Between the two ends of remote calls (docs/spec/07 §8): its form is theirs. */
  | { readonly kind: 'remote'; readonly body: Uint8Array }
  /** Several of those that waited for one commit, in order: one frame, and one entry at each end, for all. */
  | { readonly kind: 'remotes'; readonly bodies: readonly Uint8Array[] }
  /**
   * Says nothing to the user: it carries a new ratchet key, so that a session heals, and the names of messages that arrived, 43 characters
   * of base64url each.
   */
  | { readonly kind: 'step'; readonly acknowledged: readonly string[] }
  /** Says nothing to the user: what the sender's log has come to (`Gossip`). */
  | { readonly kind: 'checkpoint'; readonly told: Uint8Array }
  /** A message that may have arrived before, in a session that this one replaces; under the name it had there. */
  | { readonly kind: 'again'; readonly id: string; readonly contents: Uint8Array }
  /** Says nothing to the user: the sender's key history, canonical JSON, after a rotation or a revocation. */
  | { readonly kind: 'keys'; readonly history: Uint8Array }
  /** Says nothing to the user: a prekey bundle of the sender, for the session after this one. */
  | { readonly kind: 'bundle'; readonly bundle: Uint8Array }
  | RevocationNews;

/** What issuers took back: for the agent itself, not for its user (docs/spec/05 §4). */
export type RevocationNews =
  /** A signed list as text. */
  | { readonly kind: 'revocations'; readonly list: string }
  /** Asks the peer for its own list. `nonce`: 32 bytes, base64url. `after`: segments that are known, below 2³². */
  | { readonly kind: 'question'; readonly nonce: string; readonly after: number };

/** Of the session itself, not of its user: it has no row and is not handed over. */
export type OwnContents = Extract<MessageContents, { readonly kind: 'step' | 'checkpoint' | 'keys' | 'bundle' }>;

export function isOwn(contents: MessageContents): contents is OwnContents {
  return ['step', 'checkpoint', 'keys', 'bundle'].includes(contents.kind);
}

/** Closed: a kind that is not here is opened and not handed over, so that a newer peer does not stop the session. */
const kinds = /* @__PURE__ */ Object.freeze({
  text: 1,
  data: 2,
  step: 3,
  again: 4,
  revocations: 5,
  question: 6,
  checkpoint: 7,
  remote: 8,
  remotes: 9,
  keys: 32,
  bundle: 33,
});

/** SHA-256 of the first frame that carried it. */
const nameLength = 32;
/** Names in one step: 8 kB. What is more waits for the next. */
export const maxAcknowledged = 256;

/** Bodies in one frame: what a peer has one handler started for at once. */
export const maxRemotes = 64;
/** Of bodies that share a frame, so that a large one does not hold up the small ones behind it on the wire. */
const maxRemotesBytes = 64 * 1024;

/** @throws {@link EncodingError} `TALOS_ENCODING_TEXT` if the text has a lone surrogate. */
export function encodeContents(contents: MessageContents): Uint8Array {
  const kind = Uint8Array.of(kinds[contents.kind]);
  if (contents.kind === 'text') return concatBytes(kind, encodeUtf8(contents.text));
  if (contents.kind === 'data') return concatBytes(kind, contents.data);
  if (contents.kind === 'checkpoint') return concatBytes(kind, contents.told);
  if (contents.kind === 'remote') return concatBytes(kind, contents.body);
  if (contents.kind === 'again') return concatBytes(kind, decodeBase64url(contents.id), contents.contents);
  if (contents.kind === 'remotes') return contents.bodies.reduce((writer, body) => writer.long(body), new ByteWriter().raw(kind)).finish();
  if (contents.kind === 'revocations') return concatBytes(kind, encodeUtf8(contents.list));
  if (contents.kind === 'question') return concatBytes(kind, decodeBase64url(contents.nonce), encodeUint32(contents.after));
  if (contents.kind === 'keys') return concatBytes(kind, contents.history);
  if (contents.kind === 'bundle') return concatBytes(kind, contents.bundle);
  return concatBytes(kind, ...contents.acknowledged.map((id) => decodeBase64url(id)));
}

/** @throws {@link EncodingError} on an unknown kind, text that is not UTF-8, or a step that says something. */
export function decodeContents(bytes: Uint8Array): MessageContents {
  const kind = (Object.keys(kinds) as MessageContents['kind'][]).find((each) => kinds[each] === bytes[0]);
  const contents = kind === undefined ? undefined : decoders[kind](bytes.subarray(1));
  if (contents !== undefined) return contents;
  throw new EncodingError({ code: 'TALOS_ENCODING_BYTES', message: 'message contents are of an unknown kind', offset: 0 });
}

/** What stands behind the kind; undefined if it has not the form. */
const decoders: { readonly [Kind in MessageContents['kind']]: (rest: Uint8Array) => Extract<MessageContents, { readonly kind: Kind }> | undefined } = {
  text: (rest) => ({ kind: 'text', text: decodeUtf8(rest) }),
  data: (rest) => ({ kind: 'data', data: Uint8Array.from(rest) }),
  remote: (rest) => ({ kind: 'remote', body: Uint8Array.from(rest) }),
  step: (rest) => {
    if (rest.length % nameLength !== 0 || rest.length > maxAcknowledged * nameLength) return undefined;
    return { kind: 'step', acknowledged: Array.from({ length: rest.length / nameLength }, (_, i) => nameAt(rest, i * nameLength)) };
  },
  remotes: (rest) => {
    const bodies = readBodies(rest);
    return bodies && { kind: 'remotes', bodies };
  },
  checkpoint: (rest) => ({ kind: 'checkpoint', told: Uint8Array.from(rest) }),
  again: (rest) => (rest.length > nameLength ? { kind: 'again', id: nameAt(rest, 0), contents: Uint8Array.from(rest.subarray(nameLength)) } : undefined),
  revocations: (rest) => ({ kind: 'revocations', list: decodeUtf8(rest) }),
  question: (rest) => (rest.length === nameLength + 4 ? { kind: 'question', nonce: nameAt(rest, 0), after: uint32At(rest, nameLength) } : undefined),
  keys: (rest) => ({ kind: 'keys', history: Uint8Array.from(rest) }),
  bundle: (rest) => ({ kind: 'bundle', bundle: Uint8Array.from(rest) }),
};

/** How many encoded contents from `start` on may share a frame: 1, unless they are bodies of remote calls. {@link joinRemotes} makes one of them. */
export function countRemotes(waiting: readonly Uint8Array[], start = 0): number {
  let [end, bytes] = [start, 0];
  for (; end < waiting.length && end - start < maxRemotes; end++) {
    const contents = waiting[end] as Uint8Array;
    bytes += contents.length;
    if (contents[0] !== kinds.remote || bytes > maxRemotesBytes) break;
  }
  return Math.max(1, end - start);
}

/** @param waiting - Encoded contents of kind `remote`. */
export function joinRemotes(waiting: readonly Uint8Array[]): Uint8Array {
  return encodeContents({ kind: 'remotes', bodies: waiting.map((contents) => contents.subarray(1)) });
}

/** Two at least: one alone has a kind of its own. @throws {@link EncodingError} where they end too early, or are too many. */
function readBodies(rest: Uint8Array): readonly Uint8Array[] | undefined {
  const reader = new ByteReader(rest);
  const bodies: Uint8Array[] = [];
  while (reader.remaining > 0 && bodies.length < maxRemotes) bodies.push(Uint8Array.from(reader.long(rest.length)));
  reader.end();
  return bodies.length < 2 ? undefined : bodies;
}

function nameAt(bytes: Uint8Array, offset: number): string {
  return encodeBase64url(bytes.subarray(offset, offset + nameLength));
}

function encodeUint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

function uint32At(bytes: Uint8Array, offset: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(offset);
}
