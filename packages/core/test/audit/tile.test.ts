import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeEntryBundle, decodeTile, encodeEntryBundle, encodeTile, formatTilePath, parseTilePath, tilesOf, type Tile } from '../../src/audit/tile.ts';
import { TalosError } from '../../src/errors/talos-error.ts';
import { caught } from './support.ts';

describe('tile', () => {
  it('[AUDIT-TILES] paths are those of tlog-tiles', () => {
    const paths: readonly (readonly [Tile, string])[] = [
      [{ level: 0, index: 0, width: 256 }, 'tile/0/000'],
      [{ level: 0, index: 273, width: 256 }, 'tile/0/273'],
      [{ level: 1, index: 1, width: 17 }, 'tile/1/001.p/17'],
      [{ level: 0, index: 1234067, width: 256 }, 'tile/0/x001/x234/067'],
      [{ level: 'entries', index: 1000, width: 1 }, 'tile/entries/x001/000.p/1'],
    ];
    for (const [tile, path] of paths) {
      expect(formatTilePath(tile)).toBe(path);
      expect(parseTilePath(path)).toEqual(tile);
    }
  });

  it('[AUDIT-TILES] one tile has one path: every other text is refused', async () => {
    const bad = ['', 'tile/0/0', 'tile/0/0000', 'tile/0/x000/001', 'tile/00/000', 'tile/7/000', 'tile/0/000.p/256', 'tile/0/000.p/0', 'tile/0/000.p/01', 'tile/-1/000', 'tile/0/001/002', 'tile/0/x001', 'tile/0/x999/x999/x999/x999/x999/999', 'tile/data/000', '/tile/0/000', 'tile/0/000/', 'tile/0/000\n']; // prettier-ignore
    for (const path of bad) expect(await caught(() => parseTilePath(path)), path).toMatchObject({ code: 'TALOS_AUDIT_BAD_TILE' });
  });

  it('[AUDIT-TILES] a tree of 70,000 has the tiles that the layout says, full ones first of every level', () => {
    const tiles = [...tilesOf(70_000)];
    expect(tiles.filter(({ level }) => level === 'entries').length).toBe(274);
    expect(tiles.filter(({ level }) => level === 0).at(-1)).toEqual({ level: 0, index: 273, width: 112 });
    expect(tiles.filter(({ level }) => level === 1)).toEqual([
      { level: 1, index: 0, width: 256 },
      { level: 1, index: 1, width: 17 },
    ]);
    expect(tiles.filter(({ level }) => level === 2)).toEqual([{ level: 2, index: 0, width: 1 }]);
    expect([...tilesOf(0)]).toEqual([]);
    expect([...tilesOf(256)].map(formatTilePath)).toEqual(['tile/entries/000', 'tile/0/000', 'tile/1/000.p/1']);
  });

  it('[AUDIT-TILES] bundles and tiles survive their bytes', () => {
    const entry = fc.uint8Array({ maxLength: 300 });
    fc.assert(
      fc.property(fc.array(entry, { minLength: 1, maxLength: 20 }), (entries) => {
        expect(decodeEntryBundle(encodeEntryBundle(entries), entries.length)).toEqual(entries);
      }),
      { seed: 1, numRuns: 50 },
    );
    const long = [new Uint8Array(65_535).fill(7), new Uint8Array(0)];
    expect(decodeEntryBundle(encodeEntryBundle(long), 2)).toEqual(long);
    const hashes = Array.from({ length: 256 }, (_, i) => new Uint8Array(32).fill(i));
    expect(decodeTile(encodeTile(hashes), 256)).toEqual(hashes);
  });

  it('[AUDIT-TILES] hostile bytes give exactly the width that was asked, or a coded error', async () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), fc.integer({ min: -2, max: 300 }), (bytes, width) => {
        for (const decode of [decodeEntryBundle, decodeTile]) {
          try {
            expect(decode(bytes, width).length).toBe(width);
          } catch (error) {
            expect(TalosError.isInstance(error)).toBe(true);
          }
        }
      }),
      { seed: 2, numRuns: 1000 },
    );
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'tile/0159xp.entris'), maxLength: 30 }), (text) => {
        try {
          expect(formatTilePath(parseTilePath(text))).toBe(text);
        } catch (error) {
          expect(error).toMatchObject({ code: 'TALOS_AUDIT_BAD_TILE' });
        }
      }),
      { seed: 3, numRuns: 2000 },
    );
    const bundle = encodeEntryBundle([Uint8Array.of(1, 2), Uint8Array.of(3)]);
    for (let length = 0; length < bundle.length; length++)
      expect(await caught(() => decodeEntryBundle(bundle.subarray(0, length), 2))).toMatchObject({ code: 'TALOS_AUDIT_BAD_TILE' });
    expect(await caught(() => decodeEntryBundle(bundle, 1))).toMatchObject({ code: 'TALOS_AUDIT_BAD_TILE' });
    for (const misuse of [
      () => encodeTile([]),
      () => encodeTile([new Uint8Array(31)]),
      () => encodeEntryBundle([new Uint8Array(65_536)]),
      () => encodeEntryBundle([]),
      () => decodeTile('x' as never, 1),
      () => parseTilePath(7 as never),
    ])
      expect(await caught(misuse)).toMatchObject({ code: 'TALOS_USAGE_ARGUMENT' });
  });
});
