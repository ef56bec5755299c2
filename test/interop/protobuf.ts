/** As much of the protobuf encoding as two message formats need: varints and byte strings. */

export type Field = { readonly tag: number; readonly value: number | Uint8Array };

export function writeFields(fields: readonly Field[]): Uint8Array {
  const parts = fields.map(({ tag, value }) =>
    typeof value === 'number' ? [...varint(tag << 3), ...varint(value)] : [...varint((tag << 3) | 2), ...varint(value.length), ...value],
  );
  return Uint8Array.from(parts.flat());
}

export function readFields(bytes: Uint8Array): ReadonlyMap<number, number | Uint8Array> {
  const fields = new Map<number, number | Uint8Array>();
  let at = 0;
  const number = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error('cut off');
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const key = number();
    const value = number();
    if ((key & 7) === 0) fields.set(key >> 3, value);
    else fields.set(key >> 3, bytes.subarray(at, (at += value)));
  }
  return fields;
}

export function bytesOf(fields: ReadonlyMap<number, number | Uint8Array>, tag: number): Uint8Array {
  const value = fields.get(tag);
  if (!(value instanceof Uint8Array)) throw new Error(`field ${tag} is missing`);
  return value;
}

export function numberOf(fields: ReadonlyMap<number, number | Uint8Array>, tag: number): number {
  const value = fields.get(tag) ?? 0;
  if (typeof value !== 'number') throw new Error(`field ${tag} is no number`);
  return value;
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(Math.floor(value / 0x80))];
}
