/** The end that is opened to: what a foreign protocol's own message begins with makes its ratchet. */
import type { Speaker } from './conversation.ts';
import { join, type RatchetEnd } from './foreign-ratchet.ts';
import { bytesOf, readFields } from './protobuf.ts';

type Fields = ReadonlyMap<number, number | Uint8Array>;

/** @param messageField - Where the first message stands in the one that opens.   @param accept - Makes the end from the fields beside it. */
export function responder(messageField: number, accept: (fields: Fields) => RatchetEnd): Speaker {
  let end: RatchetEnd | undefined;
  return {
    send: (text) => join(Uint8Array.of(0), (end as RatchetEnd).send(new TextEncoder().encode(text))),
    receive: (wire) => {
      const fields = wire[0] === 1 ? readFields(wire.subarray(2)) : undefined;
      const message = fields === undefined ? wire.subarray(1) : bytesOf(fields, messageField);
      const candidate = end ?? accept(fields as Fields);
      const plaintext = candidate.receive(message);
      end = candidate;
      return new TextDecoder().decode(plaintext);
    },
  };
}
