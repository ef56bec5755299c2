/**
 * How a key history travels with what needs it (docs/spec/04 §5.1): before a bundle, or before a frame that opens a session, of an agent that
 * has rotated its key. It is not bound to what follows, since it proves itself, and adds nothing to sessions at rest.
 * @module
 */
import { canonicalJson } from '../bytes/canonical-json.ts';
import type { JsonValue } from '../bytes/json-value.ts';
import { ByteReader } from '../bytes/reader.ts';
import { parseStrictJson } from '../bytes/strict-json.ts';
import { decodeUtf8, encodeUtf8 } from '../bytes/utf8.ts';
import { ByteWriter } from '../bytes/writer.ts';
import { badHistory } from '../identity/key-event.ts';
import type { AgentId } from '../identity/agent-id.ts';
import type { Identity } from '../identity/identity.ts';
import type { KeyHistory } from '../identity/key-history.ts';
import { decodeFrame } from '../session/frame.ts';
import { maxFrameBytes } from '../session/limits.ts';
import { decodeOpening } from '../session/opening.ts';
import type { Transport } from './transport.ts';

const version = 1;
/** Beside the frame types 1 and 2; a bundle has 0 here. */
const introductionType = 3;
const initialType = 1;
/** Weekly rotation for two years; each event costs a stranger's reader two signatures. */
export const maxHistoryBytes: number = 64 * 1024;

export type Introduced = { readonly history: Uint8Array | undefined; readonly body: Uint8Array };

/** version ‖ 3 ‖ long(history) ‖ bundle or frame. */
export function introduce(history: KeyHistory, body: Uint8Array): Uint8Array {
  return new ByteWriter().u8(version).u8(introductionType).long(encodeHistory(history)).raw(body).finish();
}

/** `history` is absent where nothing was put before `body`; its bytes are not looked at. @throws {@link EncodingError} if it is cut off or too long. */
export function readIntroduction(bytes: Uint8Array): Introduced {
  if (bytes[0] !== version || bytes[1] !== introductionType) return { history: undefined, body: bytes };
  const reader = new ByteReader(bytes.subarray(2));
  const history = reader.long(maxHistoryBytes);
  return { history, body: reader.take(reader.remaining) };
}

export function encodeHistory(history: KeyHistory): Uint8Array {
  return encodeUtf8(canonicalJson(history as unknown as JsonValue));
}

/** Its events are verified by `verifyKeyHistory`. @throws {@link IdentityError} `TALOS_IDENTITY_BAD_HISTORY`. */
export function decodeHistory(bytes: Uint8Array): KeyHistory {
  if (bytes.length > maxHistoryBytes) throw badHistory('it is too long');
  const events = readJson(bytes);
  // A stranger chose it: what is no list must be refused here, and not trip over its own form where a frame would then wait for ever.
  if (!Array.isArray(events)) throw badHistory('it is malformed');
  return events as unknown as KeyHistory;
}

function readJson(bytes: Uint8Array): JsonValue {
  try {
    return parseStrictJson(decodeUtf8(bytes));
  } catch {
    throw badHistory('it is malformed');
  }
}

/** The transport of an agent that has rotated: whoever gets a frame that opens a session gets what speaks for its key. */
export function introducingTransport(transport: Transport, identity: Pick<Identity, 'history' | 'historySequence'>): Transport {
  if (identity.historySequence === 0 || encodeHistory(identity.history).length > maxHistoryBytes) return transport;
  const { endpoints, directory } = transport;
  const sendBatch = transport.sendBatch?.bind(transport);
  const receiveBatches = transport.receiveBatches?.bind(transport);
  const close = transport.close?.bind(transport);
  const dressAll = (frames: readonly Uint8Array[]): Uint8Array[] => frames.map((frame) => dress(frame, identity));
  return {
    ...(endpoints && { endpoints }),
    ...(directory && { directory }),
    send: (to, frame) => transport.send(to, dress(frame, identity)),
    receive: (own, handler) => transport.receive(own, handler),
    ...(sendBatch && { sendBatch: (to: AgentId, frames: readonly Uint8Array[]) => sendBatch(to, dressAll(frames)) }),
    ...(receiveBatches && { receiveBatches }),
    ...(close && { close }),
  };
}

/** An opening that was signed before the rotation needs no history; a frame that would grow too long goes as it is, and its reader may know us. */
function dress(frame: Uint8Array, { history, historySequence }: Pick<Identity, 'history' | 'historySequence'>): Uint8Array {
  if (frame[1] !== initialType) return frame;
  const { opening } = decodeFrame(frame);
  if (opening === undefined || decodeOpening(opening).historySequence !== historySequence) return frame;
  const introduced = introduce(history, frame);
  return introduced.length > maxFrameBytes ? frame : introduced;
}
