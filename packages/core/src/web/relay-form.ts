/** What client's and relay's messages have in common: a number, and what stands behind it (docs/spec/06 §3). @module */
import type { ByteReader } from '../bytes/reader.ts';
import { ByteWriter } from '../bytes/writer.ts';

export type RelayForm<Message> = {
  /** One byte, the first. */
  readonly number: number;
  readonly write: (to: ByteWriter, message: Message) => ByteWriter;
  /** @throws {@link EncodingError}. What is left over is its caller's to refuse. */
  readonly read: (from: ByteReader) => Message;
};

/** By type, closed: a message without a form does not compile. */
export type RelayForms<Message extends { readonly type: string }> = {
  readonly [Type in Message['type']]: RelayForm<Extract<Message, { readonly type: Type }>>;
};

export function writeRelayMessage<Message extends { readonly type: string }>(forms: RelayForms<Message>, message: Message): Uint8Array<ArrayBuffer> {
  const { number, write } = forms[message.type as Message['type']] as unknown as RelayForm<Message>;
  return write(new ByteWriter().u8(number), message).finish();
}

/** @throws {@link EncodingError} if the number is none of these. */
export function readRelayMessage<Message extends { readonly type: string }>(forms: RelayForms<Message>, reader: ByteReader): Message {
  const number = reader.u8();
  const form = (Object.values(forms) as RelayForm<Message>[]).find((each) => each.number === number);
  if (form === undefined) throw reader.refuse('the message is of an unknown type');
  return form.read(reader);
}

export function readRest(reader: ByteReader, maxLength: number): Uint8Array {
  if (reader.remaining > maxLength) throw reader.refuse(`length is above ${maxLength}`);
  return reader.take(reader.remaining);
}
