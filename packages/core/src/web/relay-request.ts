/** The client's messages as bytes (docs/spec/06 §3). @module */
import { decodeUtf8, encodeUtf8 } from '../bytes/utf8.ts';
import { ByteReader } from '../bytes/reader.ts';
import { ByteWriter } from '../bytes/writer.ts';
import type { AgentId } from '../identity/agent-id.ts';
import { maxCardBytes } from '../identity/identity-card.ts';
import { maxBatchFrames } from '../message/batch.ts';
import { maxFrameBytes } from '../session/limits.ts';
import { maxBundleBytes, maxBundlesPerPublish, maxHistoryBytes, maxRelayMessageBytes, type RelayRequest } from './relay-message.ts';

const types = /* @__PURE__ */ Object.freeze({
  authenticate: 1,
  send: 2,
  receive: 3,
  stop: 4,
  acknowledge: 5,
  publish: 6,
  fetch: 7,
  count: 8,
  pong: 9,
  sendBatch: 10,
  'publish-card': 11,
  'fetch-card': 12,
});

const signatureLength = 64;
const didLength = 56;
/** The form only; whether it names a key is asked where the DID is first seen, since that costs more than the rest of the message. */
const didForm = /^did:key:z6Mk[1-9A-HJ-NP-Za-km-z]{44}$/;

export function encodeRelayRequest(message: RelayRequest): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter().u8(types[message.type]);
  switch (message.type) {
    case 'authenticate':
      return writer.raw(encodeUtf8(message.did)).raw(message.signature).raw(message.history).finish();
    case 'send':
      return writer.u32(message.request).raw(encodeUtf8(message.to)).raw(message.frame).finish();
    case 'sendBatch':
      return encodeFrames(writer.u32(message.request).raw(encodeUtf8(message.to)), message.frames);
    case 'receive':
    case 'stop':
      return writer.u32(message.subscription).finish();
    case 'acknowledge':
      return writer.u32(message.subscription).u64(message.delivery).finish();
    case 'publish':
      return encodePublish(writer.u32(message.request).u8(message.bundles.length), message.bundles);
    case 'publish-card':
      return writer.u32(message.request).raw(message.card).finish();
    case 'fetch':
    case 'fetch-card':
      return writer.u32(message.request).raw(encodeUtf8(message.did)).finish();
    case 'count':
      return writer.u32(message.request).finish();
    case 'pong':
      return writer.finish();
  }
}

/** Byte strings are views of `bytes`. @throws {@link EncodingError} on anything that `encodeRelayRequest` does not write. */
export function decodeRelayRequest(bytes: Uint8Array): RelayRequest {
  const reader = new ByteReader(bytes);
  if (bytes.length > maxRelayMessageBytes) throw reader.refuse('the message is too long');
  const message = readRequest(reader, reader.u8());
  reader.end();
  return message;
}

function readRequest(reader: ByteReader, type: number): RelayRequest {
  switch (type) {
    case types.authenticate:
      return { type: 'authenticate', did: readDid(reader), signature: reader.take(signatureLength), history: readRest(reader, maxHistoryBytes) };
    case types.send:
      return { type: 'send', request: readNumber(reader), to: readDid(reader), frame: reader.take(reader.remaining) };
    case types.sendBatch:
      return { type: 'sendBatch', request: readNumber(reader), to: readDid(reader), frames: readFrames(reader) };
    case types.receive:
      return { type: 'receive', subscription: readNumber(reader) };
    case types.stop:
      return { type: 'stop', subscription: readNumber(reader) };
    case types.acknowledge:
      return { type: 'acknowledge', subscription: readNumber(reader), delivery: reader.u64() };
    case types.publish:
      return { type: 'publish', request: readNumber(reader), bundles: readBundles(reader) };
    case types.fetch:
      return { type: 'fetch', request: readNumber(reader), did: readDid(reader) };
    case types['publish-card']:
      return { type: 'publish-card', request: readNumber(reader), card: readRest(reader, maxCardBytes) };
    case types['fetch-card']:
      return { type: 'fetch-card', request: readNumber(reader), did: readDid(reader) };
    case types.count:
      return { type: 'count', request: readNumber(reader) };
    case types.pong:
      return { type: 'pong' };
    default:
      throw reader.refuse('the message is of an unknown type');
  }
}

function encodePublish(writer: ByteWriter, bundles: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  for (const bundle of bundles) writer.short(bundle);
  return writer.finish();
}

function encodeFrames(writer: ByteWriter, frames: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  for (const frame of frames) writer.long(frame);
  return writer.finish();
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

function readRest(reader: ByteReader, maxLength: number): Uint8Array {
  if (reader.remaining > maxLength) throw reader.refuse(`length is above ${maxLength}`);
  return reader.take(reader.remaining);
}
