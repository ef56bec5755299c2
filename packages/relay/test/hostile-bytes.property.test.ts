import fc from 'fast-check';
import { WebSocket } from 'ws';
import { afterEach, describe, expect, it } from 'vitest';
import { TalosError } from '@talosprotocol/core/errors';
import type { AgentId } from '@talosprotocol/core/identity';
import {
  decodeRelayReply,
  decodeRelayRequest,
  encodeRelayReply,
  encodeRelayRequest,
  relayRefusals,
  relaySubprotocol,
  type RelayRefusal,
  type RelayReply,
  type RelayRequest,
} from '@talosprotocol/core/web';
import { RawClient } from './raw-client.ts';
import { closeAll, newIdentity, relayHere } from './support.ts';

afterEach(closeAll);

const messages = process.env['TALOS_DEEP'] === '1' ? 100_000 : 10_000;
const seed = 20_260;

const did = fc.constant<AgentId>('did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK');
const number = fc.integer({ min: 1, max: 0xffffffff });
const bytes = (max: number) => fc.uint8Array({ maxLength: max });
const exactly = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const any = <T extends { type: string }>(type: T['type'], rest: Record<string, fc.Arbitrary<unknown>>) =>
  fc.record({ type: fc.constant(type), ...rest }) as fc.Arbitrary<unknown> as fc.Arbitrary<T>;

const requests: fc.Arbitrary<RelayRequest> = fc.oneof(
  any<RelayRequest>('authenticate', { did, signature: exactly(64), history: bytes(300) }),
  any<RelayRequest>('send', { request: number, to: did, frame: bytes(300) }),
  any<RelayRequest>('sendBatch', { request: number, to: did, frames: fc.array(bytes(100), { minLength: 1, maxLength: 5 }) }),
  any<RelayRequest>('receive', { subscription: number }),
  any<RelayRequest>('stop', { subscription: number }),
  any<RelayRequest>('acknowledge', { subscription: number, delivery: fc.maxSafeNat() }),
  any<RelayRequest>('publish', { request: number, bundles: fc.array(bytes(200), { minLength: 1, maxLength: 4 }) }),
  any<RelayRequest>('fetch', { request: number, did }),
  any<RelayRequest>('count', { request: number }),
  any<RelayRequest>('pong', {}),
);

const replies: fc.Arbitrary<RelayReply> = fc.oneof(
  any<RelayReply>('challenge', { origin: fc.webUrl(), nonce: exactly(32), issuedAt: fc.maxSafeNat() }),
  any<RelayReply>('welcome', { left: fc.nat() }),
  any<RelayReply>('done', { request: number }),
  any<RelayReply>('refused', { request: number, reason: fc.constantFrom(...(Object.keys(relayRefusals) as RelayRefusal[])) }),
  any<RelayReply>('deliver', { subscription: number, delivery: fc.maxSafeNat(), frame: bytes(300) }),
  any<RelayReply>('taken', { request: number, count: fc.nat(0xffff) }),
  any<RelayReply>('deliverBatch', {
    subscription: number,
    deliveries: fc.array(fc.record({ delivery: fc.maxSafeNat(), frame: bytes(100) }), { minLength: 1, maxLength: 5 }),
  }),
  any<RelayReply>('superseded', { subscription: number }),
  any<RelayReply>('bundle', { request: number, bundle: bytes(300) }),
  any<RelayReply>('counted', { request: number, left: fc.nat() }),
  any<RelayReply>('low', { left: fc.nat() }),
  any<RelayReply>('ping', {}),
);

/** Damaged, cut, lengthened, or noise. */
const hostile = fc.oneof(
  bytes(200),
  fc.tuple(fc.constantFrom(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 129, 133, 140), bytes(200)).map(([type, rest]) => Uint8Array.of(type, ...rest)),
  fc.tuple(requests, fc.nat(), fc.integer({ min: 1, max: 255 })).map(([message, at, mask]) => {
    const encoded = encodeRelayRequest(message);
    encoded[at % encoded.length]! ^= mask;
    return encoded;
  }),
  fc.tuple(requests, fc.nat()).map(([message, at]) => encodeRelayRequest(message).subarray(0, at % 80)),
  fc.tuple(requests, bytes(4)).map(([message, tail]) => Uint8Array.of(...encodeRelayRequest(message), ...tail)),
);

describe('hostile bytes', () => {
  it('[RLY-WIRE] every message survives its bytes', () => {
    const requestSurvives = (message: RelayRequest) => void expect(decodeRelayRequest(encodeRelayRequest(message))).toEqual(message);
    const replySurvives = (message: RelayReply) => void expect(decodeRelayReply(encodeRelayReply(message))).toEqual(message);
    fc.assert(fc.property(requests, requestSurvives), { seed, numRuns: 1000 });
    fc.assert(fc.property(replies, replySurvives), { seed, numRuns: 1000 });
  });

  it('[RLY-HOSTILE] bytes that are no message give a coded error, and what decodes is written the same', () => {
    const check = (data: Uint8Array) => {
      for (const [decode, encode] of [
        [decodeRelayRequest, encodeRelayRequest],
        [decodeRelayReply, encodeRelayReply],
      ] as const) {
        try {
          expect(Buffer.from(encode(decode(data) as never)).equals(data)).toBe(true);
        } catch (error) {
          if (!TalosError.isInstance(error)) throw error;
        }
      }
    };
    fc.assert(fc.property(hostile, check), { seed, numRuns: messages });
  });

  it('[RLY-HOSTILE] a relay answers hostile messages with a code or a closed connection, and serves on', async () => {
    const { url } = await relayHere();
    const [identity, honest] = [await newIdentity(), await new RawClient(url).authenticate(await newIdentity())];
    const noise = fc.sample(hostile, { seed, numRuns: messages });
    let sent = 0;
    while (sent < noise.length) {
      // Half of the connections have proved a DID: an agent can be hostile too.
      const client = sent % 2 === 0 ? new RawClient(url) : await new RawClient(url).authenticate(identity);
      if (client.socket.readyState === WebSocket.CONNECTING) await client.challenge();
      const burst = 1 + (sent % 7);
      for (const data of noise.slice(sent, sent + burst)) client.socket.send(data);
      client.socket.close();
      await client.closed();
      sent += burst;
    }
    honest.send({ type: 'count', request: 1 });
    expect(await honest.next('counted')).toEqual({ type: 'counted', request: 1, left: 0 });
    const text = new WebSocket(url, relaySubprotocol);
    await new Promise((resolve) => text.on('open', resolve));
    text.send('text');
    expect(await new Promise((resolve) => text.on('close', resolve))).toBe(1008);
  });
});
