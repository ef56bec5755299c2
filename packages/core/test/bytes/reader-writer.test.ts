import { describe, expect, it } from 'vitest';
import { ByteReader } from '../../src/bytes/reader.ts';
import { ByteWriter } from '../../src/bytes/writer.ts';
import { codeOf } from '../errors/code-of.ts';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

describe('writer', () => {
  it('[BYTES-BINARY] writes big-endian integers and length-prefixed strings', () => {
    const written = new ByteWriter()
      .u8(1)
      .u16(0x0203)
      .u32(0x04050607)
      .u64(2 ** 53 - 1)
      .short(bytes(8, 9))
      .long(bytes(10))
      .raw(bytes(11));
    const expected = bytes(1, 2, 3, 4, 5, 6, 7, 0, 0x1f, 255, 255, 255, 255, 255, 255, 0, 2, 8, 9, 0, 0, 0, 1, 10, 11);
    expect(written.finish()).toEqual(expected);
    expect(written.u8(12).finish()).toEqual(Uint8Array.from([...expected, 12]));
  });

  it.each([
    ['u8 above 255', () => new ByteWriter().u8(256)],
    ['u16 above 65,535', () => new ByteWriter().u16(0x10000)],
    ['u32 above 2^32 - 1', () => new ByteWriter().u32(2 ** 32)],
    ['u64 above 2^53 - 1', () => new ByteWriter().u64(2 ** 53)],
    ['a negative', () => new ByteWriter().u32(-1)],
    ['a fraction', () => new ByteWriter().u8(1.5)],
    ['NaN', () => new ByteWriter().u16(Number.NaN)],
    ['Infinity', () => new ByteWriter().u64(Number.POSITIVE_INFINITY)],
    ['a short string above 65,535', () => new ByteWriter().short(new Uint8Array(0x10000))],
  ])('[BYTES-BINARY] refuses %s instead of truncating it', (_why, run) => {
    expect(codeOf(run)).toBe('TALOS_USAGE_ARGUMENT');
  });
});

describe('reader', () => {
  it('[BYTES-BINARY] reads what the writer wrote', () => {
    const reader = new ByteReader(
      new ByteWriter()
        .u8(255)
        .u16(65535)
        .u32(2 ** 32 - 1)
        .u64(2 ** 53 - 1)
        .short(bytes(1))
        .long(bytes(2, 3))
        .finish(),
    );
    expect([reader.u8(), reader.u16(), reader.u32(), reader.u64()]).toEqual([255, 65535, 2 ** 32 - 1, 2 ** 53 - 1]);
    expect(reader.short()).toEqual(bytes(1));
    expect(reader.long(2)).toEqual(bytes(2, 3));
    expect(reader.remaining).toBe(0);
    expect(() => reader.end()).not.toThrow();
  });

  it.each([
    ['u8 of nothing', bytes(), (reader: ByteReader) => reader.u8()],
    ['u16 of one byte', bytes(1), (reader: ByteReader) => reader.u16()],
    ['u32 of three bytes', bytes(1, 2, 3), (reader: ByteReader) => reader.u32()],
    ['u64 of seven bytes', bytes(0, 0, 0, 0, 0, 0, 0), (reader: ByteReader) => reader.u64()],
    ['u64 of 2^53', bytes(0, 0x20, 0, 0, 0, 0, 0, 0), (reader: ByteReader) => reader.u64()],
    ['u64 of all ones', new Uint8Array(8).fill(255), (reader: ByteReader) => reader.u64()],
    ['a short string that ends early', bytes(0, 2, 1), (reader: ByteReader) => reader.short()],
    ['a short string above its bound', bytes(0, 2, 1, 1), (reader: ByteReader) => reader.short(1)],
    ['a long string that ends early', bytes(0, 0, 0, 2, 1), (reader: ByteReader) => reader.long(9)],
    ['a long string of 4 GiB', bytes(255, 255, 255, 255, 1), (reader: ByteReader) => reader.long(16)],
    ['trailing data', bytes(1), (reader: ByteReader) => reader.end()],
  ])('[BYTES-BINARY] refuses %s', (_why, data, read) => {
    expect(codeOf(() => read(new ByteReader(data)))).toBe('TALOS_ENCODING_BYTES');
  });

  it('[BYTES-BINARY] a refused read moves nothing', () => {
    const reader = new ByteReader(bytes(1, 2));
    expect(codeOf(() => reader.take(3))).toBe('TALOS_ENCODING_BYTES');
    expect([reader.offset, reader.remaining]).toEqual([0, 2]);
    expect(reader.take(2)).toEqual(bytes(1, 2));
  });
});
