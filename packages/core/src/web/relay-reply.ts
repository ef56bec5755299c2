/** The relay's messages as bytes (docs/spec/06 §3). @module */
import { decodeUtf8, encodeUtf8 } from '../bytes/utf8.ts';
import { ByteReader } from '../bytes/reader.ts';
import { ByteWriter } from '../bytes/writer.ts';
import { maxCardBytes } from '../identity/identity-card.ts';
import { maxBatchFrames } from '../message/batch.ts';
import { maxFrameBytes } from '../session/limits.ts';
import {
  maxBundleBytes,
  maxOriginBytes,
  maxRelayMessageBytes,
  nonceBytes,
  relayRefusals,
  relayVersion,
  type RelayDelivery,
  type RelayRefusal,
  type RelayReply,
} from './relay-message.ts';

/** Apart from the client's: a message sent back to its sender is of no known type. */
const types = /* @__PURE__ */ Object.freeze({
  challenge: 129,
  welcome: 130,
  done: 131,
  refused: 132,
  deliver: 133,
  superseded: 134,
  bundle: 135,
  counted: 136,
  low: 137,
  ping: 138,
  taken: 139,
  deliverBatch: 140,
  card: 141,
});

export function encodeRelayReply(message: RelayReply): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter().u8(types[message.type]);
  switch (message.type) {
    case 'challenge':
      return writer.short(encodeUtf8(relayVersion)).short(encodeUtf8(message.origin)).raw(message.nonce).u64(message.issuedAt).finish();
    case 'welcome':
    case 'low':
      return writer.u32(message.left).finish();
    case 'done':
      return writer.u32(message.request).finish();
    case 'refused':
      return writer.u32(message.request).u8(relayRefusals[message.reason]).finish();
    case 'deliver':
      return writer.u32(message.subscription).u64(message.delivery).raw(message.frame).finish();
    case 'taken':
      return writer.u32(message.request).u16(message.count).finish();
    case 'deliverBatch':
      return encodeDeliveries(writer.u32(message.subscription), message.deliveries);
    case 'superseded':
      return writer.u32(message.subscription).finish();
    case 'bundle':
      return writer.u32(message.request).raw(message.bundle).finish();
    case 'card':
      return writer.u32(message.request).raw(message.card).finish();
    case 'counted':
      return writer.u32(message.request).u32(message.left).finish();
    case 'ping':
      return writer.finish();
  }
}

/** Byte strings are views of `bytes`. @throws {@link EncodingError} on anything that `encodeRelayReply` does not write. */
export function decodeRelayReply(bytes: Uint8Array): RelayReply {
  const reader = new ByteReader(bytes);
  const message = readReply(reader, reader.u8());
  reader.end();
  return message;
}

function readReply(reader: ByteReader, type: number): RelayReply {
  switch (type) {
    case types.challenge:
      return readChallenge(reader);
    case types.welcome:
      return { type: 'welcome', left: reader.u32() };
    case types.done:
      return { type: 'done', request: reader.u32() };
    case types.refused:
      return { type: 'refused', request: reader.u32(), reason: readRefusal(reader) };
    case types.deliver:
      return { type: 'deliver', subscription: reader.u32(), delivery: reader.u64(), frame: readRest(reader, maxFrameBytes) };
    case types.taken:
      return { type: 'taken', request: reader.u32(), count: reader.u16() };
    case types.deliverBatch:
      return { type: 'deliverBatch', subscription: reader.u32(), deliveries: readDeliveries(reader) };
    case types.superseded:
      return { type: 'superseded', subscription: reader.u32() };
    case types.bundle:
      return { type: 'bundle', request: reader.u32(), bundle: readRest(reader, maxBundleBytes) };
    case types.card:
      return { type: 'card', request: reader.u32(), card: readRest(reader, maxCardBytes) };
    case types.counted:
      return { type: 'counted', request: reader.u32(), left: reader.u32() };
    case types.low:
      return { type: 'low', left: reader.u32() };
    case types.ping:
      return { type: 'ping' };
    default:
      throw reader.refuse('the message is of an unknown type');
  }
}

function readChallenge(reader: ByteReader): RelayReply {
  if (decodeUtf8(reader.short(maxOriginBytes)) !== relayVersion) throw reader.refuse(`this relay does not speak ${relayVersion}`);
  const origin = decodeUtf8(reader.short(maxOriginBytes));
  return { type: 'challenge', origin, nonce: reader.take(nonceBytes), issuedAt: reader.u64() };
}

function encodeDeliveries(writer: ByteWriter, deliveries: readonly RelayDelivery[]): Uint8Array<ArrayBuffer> {
  for (const { delivery, frame } of deliveries) writer.u64(delivery).long(frame);
  return writer.finish();
}

function readDeliveries(reader: ByteReader): readonly RelayDelivery[] {
  if (reader.remaining > maxRelayMessageBytes) throw reader.refuse('the message is too long');
  const deliveries: RelayDelivery[] = [];
  do deliveries.push({ delivery: reader.u64(), frame: reader.long(maxFrameBytes) });
  while (reader.remaining > 0 && deliveries.length < maxBatchFrames);
  return deliveries;
}

function readRefusal(reader: ByteReader): RelayRefusal {
  const number = reader.u8();
  const found = Object.entries(relayRefusals).find(([, value]) => value === number);
  if (found === undefined) throw reader.refuse('the refusal is of an unknown kind');
  return found[0] as RelayRefusal;
}

function readRest(reader: ByteReader, maxLength: number): Uint8Array {
  if (reader.remaining > maxLength) throw reader.refuse(`length is above ${maxLength}`);
  return reader.take(reader.remaining);
}
