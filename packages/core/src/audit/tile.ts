/** Tiles of 256 hashes and bundles of 256 entries (c2sp.org/tlog-tiles): paths and bytes, without IO. @module */
import { concatBytes } from '../bytes/concat.ts';
import { AuditError } from '../errors/audit-error.ts';
import { requireText, requireUint8Array } from '../errors/require.ts';
import { UsageError } from '../errors/usage-error.ts';
import { maxEntryBytes } from './entry.ts';
import { hashLength } from './tree-hash.ts';

/** tlog-tiles fixes the height at 8. */
export const tileWidth = 256;
export const tileHeight = 8;
/** 256^7 entries are more than 2^53. */
const maxLevel = 6;

/** A tile of hashes, nodes of tree level 8·`level`; or with `entries` a bundle. `width` is 256 unless it is the tree's right edge. */
export type Tile = { readonly level: number | 'entries'; readonly index: number; readonly width: number };

/** `tile/<level>/x001/x234/067`, with `.p/<width>` if it is partial. */
export function formatTilePath({ level, index, width }: Tile): string {
  const groups = [pad(index % 1000)];
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) groups.unshift(`x${pad(rest % 1000)}`);
  return `tile/${level}/${groups.join('/')}${width === tileWidth ? '' : `.p/${width}`}`;
}

const tilePath = /^tile\/(entries|0|[1-9]\d?)\/((?:x\d{3}\/){0,5}\d{3})(?:\.p\/([1-9]\d{0,2}))?$/;

/** @throws {@link AuditError} `TALOS_AUDIT_BAD_TILE` on any text that `formatTilePath` does not write. */
export function parseTilePath(path: string): Tile {
  requireText('path', path);
  const [, level = '', groups = '', width] = tilePath.exec(path) ?? [];
  const tile: Tile = {
    level: level === 'entries' ? level : Number(level),
    index: Number(groups.replaceAll(/[x/]/g, '')),
    width: width === undefined ? tileWidth : Number(width),
  };
  // Leading groups of zeros, a partial tile of 256, numbers beyond 2^53: one tile has one path.
  const known = tile.level === 'entries' || tile.level <= maxLevel;
  if (level === '' || !known || !Number.isSafeInteger(tile.index) || formatTilePath(tile) !== path) throw refuse('the path is not that of a tile');
  return tile;
}

/** Every tile and bundle of a tree, lowest level first, from left to right. Full ones never change when the tree grows. */
export function* tilesOf(size: number): Generator<Tile, void, undefined> {
  for (const tile of tilesOfLevel(size)) yield { level: 'entries', ...tile };
  let nodes = size;
  for (let level = 0; nodes > 0; level++) {
    for (const tile of tilesOfLevel(nodes)) yield { level, ...tile };
    nodes = Math.floor(nodes / tileWidth);
  }
}

function* tilesOfLevel(nodes: number): Generator<{ readonly index: number; readonly width: number }, void, undefined> {
  for (let from = 0; from < nodes; from += tileWidth) yield { index: from / tileWidth, width: Math.min(tileWidth, nodes - from) };
}

/** Hashes one after the other. @throws {@link UsageError} `TALOS_USAGE_ARGUMENT` unless there are 1 to 256, of 32 bytes each. */
export function encodeTile(hashes: readonly Uint8Array[]): Uint8Array {
  if (hashes.length === 0 || hashes.length > tileWidth || hashes.some((hash) => hash.length !== hashLength))
    throw misuse('a tile has 1 to 256 hashes of 32 bytes');
  return concatBytes(...hashes);
}

/** @throws {@link AuditError} `TALOS_AUDIT_BAD_TILE` unless it has exactly `width` hashes. */
export function decodeTile(bytes: Uint8Array, width: number): Uint8Array[] {
  requireUint8Array('bytes', bytes);
  if (!isWidth(width)) throw misuse('width is 1 to 256');
  if (bytes.length !== width * hashLength) throw refuse(`it does not have ${width} hashes`);
  return Array.from({ length: width }, (_, i) => bytes.slice(i * hashLength, (i + 1) * hashLength));
}

/** Each entry behind its length as uint16. @throws {@link UsageError} `TALOS_USAGE_ARGUMENT` unless there are 1 to 256, of at most 65,535 bytes. */
export function encodeEntryBundle(entries: readonly Uint8Array[]): Uint8Array {
  if (!isWidth(entries.length) || entries.some((entry) => entry.length > maxEntryBytes)) throw misuse('a bundle has 1 to 256 entries of at most 65,535 bytes');
  return concatBytes(...entries.flatMap((entry) => [Uint8Array.of(entry.length >> 8, entry.length & 0xff), entry]));
}

/** @throws {@link AuditError} `TALOS_AUDIT_BAD_TILE` unless it has exactly `width` entries and nothing behind them. */
export function decodeEntryBundle(bytes: Uint8Array, width: number): Uint8Array[] {
  requireUint8Array('bytes', bytes);
  if (!isWidth(width)) throw misuse('width is 1 to 256');
  const entries: Uint8Array[] = [];
  let offset = 0;
  while (entries.length < width) {
    const length = (bytes[offset] ?? 0) * 256 + (bytes[offset + 1] ?? 0);
    const end = offset + 2 + length;
    if (end > bytes.length) throw refuse(`it ends within entry ${entries.length} of ${width}`);
    entries.push(bytes.slice(offset + 2, end));
    offset = end;
  }
  if (offset !== bytes.length) throw refuse(`it goes on after ${width} entries`);
  return entries;
}

function isWidth(width: number): boolean {
  return Number.isInteger(width) && width >= 1 && width <= tileWidth;
}

function pad(value: number): string {
  return String(value).padStart(3, '0');
}

function refuse(reason: string): AuditError {
  return new AuditError({ code: 'TALOS_AUDIT_BAD_TILE', message: `the tile was refused: ${reason}` });
}

function misuse(message: string): UsageError {
  return new UsageError({ code: 'TALOS_USAGE_ARGUMENT', message });
}
