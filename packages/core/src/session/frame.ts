/**
 * The frame: what travels (docs/spec/04 §5).
 *
 *     version 1 ‖ type 1 ‖ session id 16 ‖ [initial: length 2 ‖ opening] ‖ nonce 12 ‖ length 2 ‖ encrypted header ‖ ciphertext
 * @module
 */
import { sha256 } from '#suite';
import { encodeBase64url } from '../bytes/base64url.ts';
import { concatBytes } from '../bytes/concat.ts';
import { ByteReader } from '../bytes/reader.ts';
import { requireUint8Array } from '../errors/require.ts';
import { SessionError } from '../errors/session-error.ts';
import { maxEncryptedHeaderBytes, minEncryptedHeaderBytes } from './header.ts';
import { maxFrameBytes } from './limits.ts';
import { maxOpeningBytes } from './opening.ts';

export type FrameType = 'initial' | 'message';

export type Frame = {
  readonly type: FrameType;
  /** 16 bytes. */
  readonly sessionId: Uint8Array;
  /** Bytes of a `SessionOpening`, in an initial frame only. */
  readonly opening?: Uint8Array | undefined;
  /** 12 bytes, random, for header and body under their two keys. */
  readonly nonce: Uint8Array;
  readonly encryptedHeader: Uint8Array;
  /** Body and its 16-byte tag. */
  readonly ciphertext: Uint8Array;
};

/** What the ratchet makes and opens of a frame. */
export type SealedMessage = Pick<Frame, 'nonce' | 'encryptedHeader' | 'ciphertext'>;

export const frameVersion = 1;
const typeCodes = /* @__PURE__ */ Object.freeze({ initial: 1, message: 2 });
export const nonceLength = 12;
const tagLength = 16;
export const sessionIdLength = 16;

export function frameTypeCode(type: FrameType): number {
  return typeCodes[type];
}

/** @throws {@link SessionError} `TALOS_SESSION_LIMIT` above 1 MiB. */
export function encodeFrame(frame: Frame): Uint8Array {
  const opening = frame.opening === undefined ? empty : concatBytes(u16(frame.opening.length), frame.opening);
  const head = Uint8Array.of(frameVersion, typeCodes[frame.type]);
  const bytes = concatBytes(head, frame.sessionId, opening, frame.nonce, u16(frame.encryptedHeader.length), frame.encryptedHeader, frame.ciphertext);
  if (bytes.length > maxFrameBytes)
    throw new SessionError({ code: 'TALOS_SESSION_LIMIT', message: `a frame has at most ${maxFrameBytes} bytes: send a reference instead` });
  return bytes;
}

/**
 * Views into `bytes`, nothing authenticated yet.
 * @throws {@link SessionError} `TALOS_SESSION_AUTH_FAILED`: a stranger learns the same from a malformed frame as from a forged one.
 */
export function decodeFrame(bytes: Uint8Array): Frame {
  requireUint8Array('frame', bytes);
  if (bytes.length > maxFrameBytes) throw authFailed();
  try {
    const reader = new ByteReader(bytes);
    if (reader.u8() !== frameVersion) throw reader.refuse('unknown frame version');
    const type = decodeType(reader);
    const sessionId = reader.take(sessionIdLength);
    const opening = type === 'initial' ? reader.short(maxOpeningBytes) : undefined;
    const nonce = reader.take(nonceLength);
    const encryptedHeader = reader.short(maxEncryptedHeaderBytes);
    if (encryptedHeader.length < minEncryptedHeaderBytes || reader.remaining < tagLength) throw reader.refuse('a part is too short');
    return { type, sessionId, opening, nonce, encryptedHeader, ciphertext: reader.take(reader.remaining) };
  } catch {
    throw authFailed();
  }
}

/** SHA-256 of the frame's bytes as base64url, 43 characters: the name of a message, the same at both ends. */
export function hashFrame(bytes: Uint8Array): string {
  requireUint8Array('frame', bytes);
  return encodeBase64url(sha256(bytes));
}

/**
 * Eight bytes of SHA-256(nonce ‖ encrypted header). Two frames of one message number that both authenticate and differ here were both made
 * by the peer: it was rolled back. Eight bytes are enough: nobody else can make a header.
 */
export function hashHeader({ nonce, encryptedHeader }: SealedMessage): Uint8Array {
  return sha256(concatBytes(nonce, encryptedHeader)).slice(0, 8);
}

/** The one answer to every frame that does not open. No part of it says why. */
export function authFailed(): SessionError {
  return new SessionError({ code: 'TALOS_SESSION_AUTH_FAILED', message: 'the frame does not open in this session' });
}

const empty = /* @__PURE__ */ new Uint8Array(0);

function u16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}

function decodeType(reader: ByteReader): FrameType {
  const code = reader.u8();
  if (code === typeCodes.initial) return 'initial';
  if (code === typeCodes.message) return 'message';
  throw reader.refuse('unknown frame type');
}
