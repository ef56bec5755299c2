/** The client's messages as bytes (docs/spec/06 §3). @module */
import { decodeUtf8, encodeUtf8 } from '../bytes/utf8.ts';
import { ByteReader } from '../bytes/reader.ts';
import type { ByteWriter } from '../bytes/writer.ts';
import type { AgentId } from '../identity/agent-id.ts';
import { maxCardBytes } from '../identity/identity-card.ts';
import { maxBatchFrames } from '../message/batch.ts';
import { maxFrameBytes } from '../session/limits.ts';
import { readRelayMessage, readRest, writeRelayMessage, type RelayForms } from './relay-form.ts';
import { maxBundleBytes, maxBundlesPerPublish, maxHistoryBytes, maxRelayMessageBytes, type RelayRequest } from './relay-message.ts';

const signatureLength = 64;
const didLength = 56;
/** The form only; whether it names a key is asked where the DID is first seen, since that costs more than the rest of the message. */
const didForm = /^did:key:z6Mk[1-9A-HJ-NP-Za-km-z]{44}$/;

/** Each message: its number, what stands behind that, and how it is read back. */
const forms: RelayForms<RelayRequest> = {
  authenticate: {
    number: 1,
    write: (to, { did, signature, history }) => to.raw(encodeUtf8(did)).raw(signature).raw(history),
    read: (from) => ({ type: 'authenticate', did: readDid(from), signature: from.take(signatureLength), history: readRest(from, maxHistoryBytes) }),
  },
  send: {
    number: 2,
    write: (to, message) => to.u32(message.request).raw(encodeUtf8(message.to)).raw(message.frame),
    read: (from) => ({ type: 'send', request: readNumber(from), to: readDid(from), frame: from.take(from.remaining) }),
  },
  receive: {
    number: 3,
    write: (to, { subscription }) => to.u32(subscription),
    read: (from) => ({ type: 'receive', subscription: readNumber(from) }),
  },
  stop: {
    number: 4,
    write: (to, { subscription }) => to.u32(subscription),
    read: (from) => ({ type: 'stop', subscription: readNumber(from) }),
  },
  acknowledge: {
    number: 5,
    write: (to, { subscription, delivery }) => to.u32(subscription).u64(delivery),
    read: (from) => ({ type: 'acknowledge', subscription: readNumber(from), delivery: from.u64() }),
  },
  publish: {
    number: 6,
    write: (to, { request, bundles }) => writeBundles(to.u32(request), bundles),
    read: (from) => ({ type: 'publish', request: readNumber(from), bundles: readBundles(from) }),
  },
  fetch: {
    number: 7,
    write: (to, { request, did }) => to.u32(request).raw(encodeUtf8(did)),
    read: (from) => ({ type: 'fetch', request: readNumber(from), did: readDid(from) }),
  },
  count: {
    number: 8,
    write: (to, { request }) => to.u32(request),
    read: (from) => ({ type: 'count', request: readNumber(from) }),
  },
  pong: { number: 9, write: (to) => to, read: () => ({ type: 'pong' }) },
  sendBatch: {
    number: 10,
    write: (to, message) => writeFrames(to.u32(message.request).raw(encodeUtf8(message.to)), message.frames),
    read: (from) => ({ type: 'sendBatch', request: readNumber(from), to: readDid(from), frames: readFrames(from) }),
  },
  'publish-card': {
    number: 11,
    write: (to, { request, card }) => to.u32(request).raw(card),
    read: (from) => ({ type: 'publish-card', request: readNumber(from), card: readRest(from, maxCardBytes) }),
  },
  'fetch-card': {
    number: 12,
    write: (to, { request, did }) => to.u32(request).raw(encodeUtf8(did)),
    read: (from) => ({ type: 'fetch-card', request: readNumber(from), did: readDid(from) }),
  },
};

export function encodeRelayRequest(message: RelayRequest): Uint8Array<ArrayBuffer> {
  return writeRelayMessage(forms, message);
}

/** Byte strings are views of `bytes`. @throws {@link EncodingError} on anything that `encodeRelayRequest` does not write. */
export function decodeRelayRequest(bytes: Uint8Array): RelayRequest {
  const reader = new ByteReader(bytes);
  if (bytes.length > maxRelayMessageBytes) throw reader.refuse('the message is too long');
  const message = readRelayMessage(forms, reader);
  reader.end();
  return message;
}

function writeBundles(writer: ByteWriter, bundles: readonly Uint8Array[]): ByteWriter {
  writer.u8(bundles.length);
  for (const bundle of bundles) writer.short(bundle);
  return writer;
}

function writeFrames(writer: ByteWriter, frames: readonly Uint8Array[]): ByteWriter {
  for (const frame of frames) writer.long(frame);
  return writer;
}

function readFrames(reader: ByteReader): readonly Uint8Array[] {
  const frames: Uint8Array[] = [];
  do frames.push(reader.long(maxFrameBytes));
  while (reader.remaining > 0 && frames.length < maxBatchFrames);
  return frames;
}

/** 0 stands for the connection itself. */
function readNumber(reader: ByteReader): number {
  const number = reader.u32();
  if (number === 0) throw reader.refuse('a number is 0');
  return number;
}

function readDid(reader: ByteReader): AgentId {
  const did = decodeUtf8(reader.take(didLength));
  if (!didForm.test(did)) throw reader.refuse('not the form of a did:key');
  return did as AgentId;
}

function readBundles(reader: ByteReader): readonly Uint8Array[] {
  const count = reader.u8();
  if (count === 0 || count > maxBundlesPerPublish) throw reader.refuse(`a message has 1 to ${maxBundlesPerPublish} bundles`);
  return Array.from({ length: count }, () => reader.short(maxBundleBytes));
}
