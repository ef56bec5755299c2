/** A log as a directory of tiles (c2sp.org/tlog-tiles) that any static server can serve: written from a store, read back by fsck. @module */
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import type { AuditReader, StoredCheckpoint } from '../audit/audit-store.ts';
import { verifyCheckpoint, parseCheckpoint, type Checkpoint } from '../audit/checkpoint.ts';
import type { FsckRow, FsckSource } from '../audit/fsck-source.ts';
import { epochKey } from '../audit/origin-epoch.ts';
import { prunedBefore } from '../audit/signed-leaves.ts';
import { decodeEntryBundle, decodeTile, encodeEntryBundle, encodeTile, formatTilePath, tileHeight, tilesOf, tileWidth, type Tile } from '../audit/tile.ts';
import { CompactRange, hashLeaf, hashLength, type TreeNode } from '../audit/tree-hash.ts';
import { parseVerifierKey } from '../audit/verifier-key.ts';
import { equalBytes } from '../bytes/equal.ts';
import { decodeUtf8, encodeUtf8 } from '../bytes/utf8.ts';
import { AuditError } from '../errors/audit-error.ts';
import { StoreError } from '../errors/store-error.ts';
import { TalosError } from '../errors/talos-error.ts';
import { readIfPresent } from './durable-file.ts';

export type ExportTilesOptions = {
  readonly store: AuditReader;
  /** Created if it is missing. An earlier export of the same log in it is continued: its full tiles are compared, never replaced. */
  readonly dir: string;
  /** The log's key, `name+hash+keydata`: what is exported is checked under it first. */
  readonly verifierKey: string;
};

export type ExportedTiles = { readonly size: number; readonly checkpoint: string; readonly written: number };

/** 256 entries of 65,535 bytes with their lengths. */
const maxTileBytes = tileWidth * (2 + 0xffff);
const maxNoteBytes = 512 * 1024;

/**
 * Writes the tree of the last signed checkpoint. The checkpoint is written last, so that a reader never sees one whose tiles are missing.
 * Entries are in the bundles as they were hashed; openings are never exported.
 * @throws {@link AuditError} `TALOS_AUDIT_NOT_FOUND` if nothing was signed yet, `TALOS_AUDIT_DIVERGED` if the store or an earlier export
 * in `dir` is not the tree that was signed.   @throws {@link StoreError}.
 */
export async function exportTiles({ store, dir, verifierKey }: ExportTilesOptions): Promise<ExportedTiles> {
  const stored = await store.loadCheckpoint();
  if (stored === undefined) throw new AuditError({ code: 'TALOS_AUDIT_NOT_FOUND', message: 'this log has no checkpoint yet: sign one first' });
  const { size, root } = verifyCheckpoint(stored.note, epochKey(parseVerifierKey(verifierKey), stored.note));
  const range = new CompactRange();
  const pruned = new PrunedBundles();
  let written = 0;
  for (const tile of tilesOf(size)) {
    const entries = tile.level === 'entries' ? await loadEntries(store, tile, range) : undefined;
    if (entries !== undefined && pruned.take(tile, entries)) continue;
    const bytes = entries === undefined ? encodeTile(await store.loadNodes(nodesOf(tile))) : encodeEntryBundle(entries);
    // All bundles come first: from here on the tree is known.
    if (tile.level === 0 && tile.index === 0) {
      if (!equalBytes(range.head().root, root)) throw diverged('the stored entries are not those that were signed');
      await pruned.remove(dir);
    }
    if (await writeTile(path.join(dir, formatTilePath(tile)), bytes)) written++;
  }
  await replaceFile(path.join(dir, 'checkpoint'), encodeUtf8(stored.note));
  return { size, checkpoint: stored.note, written };
}

async function loadEntries(store: AuditReader, { index, width }: Tile, range: CompactRange): Promise<Uint8Array[]> {
  const start = index * tileWidth;
  const rows = await store.loadRows(start, start + width);
  if (rows.length !== width) throw diverged('entries are missing');
  for (const { bytes, hashes } of rows) range.append(bytes.length === 0 ? hashes.subarray(0, hashLength) : hashLeaf(bytes));
  return rows.map(({ bytes }) => bytes);
}

/**
 * Entries that were pruned leave earlier exports too, as far as this one reaches. The tiles of hashes stay. Only if the log says that it pruned them:
 * whoever emptied rows of the store must not have the copies of them removed as well.
 */
class PrunedBundles {
  readonly #tiles: Tile[] = [];
  #declared = 0;

  /** False for a bundle that is there. Entries that speak of pruning stand behind those that it took. */
  take(tile: Tile, entries: readonly Uint8Array[]): boolean {
    const isPruned = entries.some(({ length }) => length === 0);
    if (isPruned) this.#tiles.push(tile);
    else if (this.#tiles.length > 0) this.#declared = Math.max(this.#declared, ...entries.map(prunedBefore));
    return isPruned;
  }

  /** @throws {@link AuditError} `TALOS_AUDIT_DIVERGED`; {@link StoreError} `TALOS_STORE_WRITE_FAILED`. */
  async remove(dir: string): Promise<void> {
    const kept = this.#tiles.find(({ index, width }) => index * tileWidth + width > this.#declared);
    if (kept !== undefined) throw diverged(`entries from ${kept.index * tileWidth} on are missing, and the log does not say that they were pruned`);
    try {
      for (const tile of this.#tiles) {
        const file = path.join(dir, formatTilePath({ ...tile, width: tileWidth }));
        await fs.rm(file, { force: true });
        await fs.rm(`${file}.p`, { recursive: true, force: true });
      }
    } catch (cause) {
      throw new StoreError({ code: 'TALOS_STORE_WRITE_FAILED', message: 'a pruned bundle could not be removed: see the cause', cause, retryable: true });
    }
  }
}

function nodesOf({ level, index, width }: Tile): TreeNode[] {
  return Array.from({ length: width }, (_, i) => ({ level: tileHeight * (level as number), index: index * tileWidth + i }));
}

/** False if it was there. A tile that others may have fetched is never replaced by another. */
async function writeTile(file: string, bytes: Uint8Array): Promise<boolean> {
  const present = await readIfPresent(file, maxTileBytes);
  if (present !== undefined && !equalBytes(present, bytes)) throw diverged('the directory holds a tile of another log, or one that was changed');
  if (present !== undefined) return false;
  await replaceFile(file, bytes);
  return true;
}

/** Readable by whom the umask allows: the directory is made to be served. */
async function replaceFile(file: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${file}.tmp`;
  try {
    await fs.mkdir(path.dirname(file), { recursive: true });
    await fs.writeFile(temporary, bytes, { flush: true });
    await fs.rename(temporary, file);
  } catch (cause) {
    throw new StoreError({ code: 'TALOS_STORE_WRITE_FAILED', message: 'a tile could not be written: see the cause', cause, retryable: true });
  }
}

/**
 * An exported directory as fsck reads it, of this log or of any other in that layout.
 * @throws {@link StoreError} `TALOS_STORE_READ_FAILED` if the directory or its checkpoint cannot be read, `_CORRUPT` if that is no checkpoint.
 */
export async function openTileDirectory(dir: string): Promise<FsckSource> {
  const checkpoint = await readCheckpoint(dir);
  return {
    size: async () => checkpoint.size,
    readCheckpoints: async (from) => (checkpoint.size >= from ? [{ size: checkpoint.size, note: checkpoint.note }] : []),
    readRows: (start, end) => readRows(dir, { start, end, size: checkpoint.size }),
  };
}

async function readCheckpoint(dir: string): Promise<Checkpoint & StoredCheckpoint> {
  const bytes = await readIfPresent(path.join(dir, 'checkpoint'), maxNoteBytes);
  if (bytes === undefined) throw new StoreError({ code: 'TALOS_STORE_READ_FAILED', message: 'the directory holds no file "checkpoint"' });
  try {
    const note = decodeUtf8(bytes);
    return { ...parseCheckpoint(note), note };
  } catch (cause) {
    throw new StoreError({ code: 'TALOS_STORE_CORRUPT', message: 'the file "checkpoint" is no checkpoint', cause });
  }
}

type Rows = { readonly start: number; readonly end: number; readonly size: number };

async function readRows(dir: string, { start, end, size }: Rows): Promise<FsckRow[]> {
  const rows: FsckRow[] = [];
  const nodes = new Map<string, readonly (Uint8Array | undefined)[]>();
  for (let from = start - (start % tileWidth); from < end; from += tileWidth) {
    const index = from / tileWidth;
    const width = Math.min(tileWidth, size - from);
    const entries = await readTile(dir, { level: 'entries', index, width }, decodeEntryBundle);
    for (let i = Math.max(0, start - from); i < Math.min(width, end - from); i++) {
      const hashes = await storedHashes({ dir, size, nodes }, from + i);
      rows.push({ bytes: entries.values[i], hashes, ...(entries.detail === undefined ? {} : { detail: entries.detail }) });
    }
  }
  return rows;
}

type Reading = { readonly dir: string; readonly size: number; readonly nodes: Map<string, readonly (Uint8Array | undefined)[]> };

/** The hash of the leaf and of the full tiles that it completes: tiles keep every eighth level. */
async function storedHashes(reading: Reading, index: number): Promise<(Uint8Array | undefined)[]> {
  const hashes: (Uint8Array | undefined)[] = [];
  let node = index;
  for (let level = 0; ; level++) {
    hashes[level * tileHeight] = await storedNode(reading, { level, node });
    if (node % tileWidth !== tileWidth - 1) return hashes;
    node = (node + 1) / tileWidth - 1;
  }
}

async function storedNode({ dir, size, nodes }: Reading, { level, node }: { readonly level: number; readonly node: number }): Promise<Uint8Array | undefined> {
  const index = Math.floor(node / tileWidth);
  const width = Math.min(tileWidth, Math.floor(size / tileWidth ** level) - index * tileWidth);
  const name = `${level}/${index}`;
  const tile = nodes.get(name) ?? (await readTile(dir, { level, index, width }, decodeTile)).values;
  nodes.set(name, tile);
  // A tile that is missing or malformed must not pass: fsck compares every hash that it is given.
  return tile[node - index * tileWidth] ?? new Uint8Array(0);
}

type Decoded = { readonly values: readonly Uint8Array[]; readonly detail?: string };

/** A partial tile that was superseded may be gone: the full one begins with it. */
async function readTile(dir: string, tile: Tile, decode: (bytes: Uint8Array, width: number) => Uint8Array[]): Promise<Decoded> {
  for (const width of new Set([tile.width, tileWidth])) {
    const file = path.join(dir, formatTilePath({ ...tile, width }));
    const bytes = await readIfPresent(file, maxTileBytes);
    if (bytes === undefined) continue;
    try {
      return { values: decode(bytes, width) };
    } catch (error) {
      if (!TalosError.isInstance(error)) throw error;
      return { values: [], detail: error.message };
    }
  }
  return { values: [], detail: `${formatTilePath(tile)} is not there` };
}

function diverged(reason: string): AuditError {
  return new AuditError({ code: 'TALOS_AUDIT_DIVERGED', message: `nothing more was exported: ${reason}` });
}
