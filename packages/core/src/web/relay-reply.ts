/** The relay's messages as bytes (docs/spec/06 §3). @module */
import { decodeUtf8, encodeUtf8 } from '../bytes/utf8.ts';
import { ByteReader } from '../bytes/reader.ts';
import type { ByteWriter } from '../bytes/writer.ts';
import { maxCardBytes } from '../identity/identity-card.ts';
import { maxBatchFrames } from '../message/batch.ts';
import { maxFrameBytes } from '../session/limits.ts';
import { readRelayMessage, readRest, writeRelayMessage, type RelayForms } from './relay-form.ts';
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

/** As in relay-request. The numbers are apart from the client's: a message sent back to its sender is of no known type. */
const forms: RelayForms<RelayReply> = {
  challenge: {
    number: 129,
    write: (to, { origin, nonce, issuedAt }) => to.short(encodeUtf8(relayVersion)).short(encodeUtf8(origin)).raw(nonce).u64(issuedAt),
    read: readChallenge,
  },
  welcome: { number: 130, write: (to, { left }) => to.u32(left), read: (from) => ({ type: 'welcome', left: from.u32() }) },
  done: { number: 131, write: (to, { request }) => to.u32(request), read: (from) => ({ type: 'done', request: from.u32() }) },
  refused: {
    number: 132,
    write: (to, { request, reason }) => to.u32(request).u8(relayRefusals[reason]),
    read: (from) => ({ type: 'refused', request: from.u32(), reason: readRefusal(from) }),
  },
  deliver: {
    number: 133,
    write: (to, { subscription, delivery, frame }) => to.u32(subscription).u64(delivery).raw(frame),
    read: (from) => ({ type: 'deliver', subscription: from.u32(), delivery: from.u64(), frame: readRest(from, maxFrameBytes) }),
  },
  superseded: {
    number: 134,
    write: (to, { subscription }) => to.u32(subscription),
    read: (from) => ({ type: 'superseded', subscription: from.u32() }),
  },
  bundle: {
    number: 135,
    write: (to, { request, bundle }) => to.u32(request).raw(bundle),
    read: (from) => ({ type: 'bundle', request: from.u32(), bundle: readRest(from, maxBundleBytes) }),
  },
  counted: {
    number: 136,
    write: (to, { request, left }) => to.u32(request).u32(left),
    read: (from) => ({ type: 'counted', request: from.u32(), left: from.u32() }),
  },
  low: { number: 137, write: (to, { left }) => to.u32(left), read: (from) => ({ type: 'low', left: from.u32() }) },
  ping: { number: 138, write: (to) => to, read: () => ({ type: 'ping' }) },
  taken: {
    number: 139,
    write: (to, { request, count }) => to.u32(request).u16(count),
    read: (from) => ({ type: 'taken', request: from.u32(), count: from.u16() }),
  },
  deliverBatch: {
    number: 140,
    write: (to, { subscription, deliveries }) => writeDeliveries(to.u32(subscription), deliveries),
    read: (from) => ({ type: 'deliverBatch', subscription: from.u32(), deliveries: readDeliveries(from) }),
  },
  card: {
    number: 141,
    write: (to, { request, card }) => to.u32(request).raw(card),
    read: (from) => ({ type: 'card', request: from.u32(), card: readRest(from, maxCardBytes) }),
  },
};

export function encodeRelayReply(message: RelayReply): Uint8Array<ArrayBuffer> {
  return writeRelayMessage(forms, message);
}

/** Byte strings are views of `bytes`. @throws {@link EncodingError} on anything that `encodeRelayReply` does not write. */
export function decodeRelayReply(bytes: Uint8Array): RelayReply {
  const reader = new ByteReader(bytes);
  const message = readRelayMessage(forms, reader);
  reader.end();
  return message;
}

function readChallenge(reader: ByteReader): Extract<RelayReply, { readonly type: 'challenge' }> {
  if (decodeUtf8(reader.short(maxOriginBytes)) !== relayVersion) throw reader.refuse(`this relay does not speak ${relayVersion}`);
  const origin = decodeUtf8(reader.short(maxOriginBytes));
  return { type: 'challenge', origin, nonce: reader.take(nonceBytes), issuedAt: reader.u64() };
}

function writeDeliveries(writer: ByteWriter, deliveries: readonly RelayDelivery[]): ByteWriter {
  for (const { delivery, frame } of deliveries) writer.u64(delivery).long(frame);
  return writer;
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
