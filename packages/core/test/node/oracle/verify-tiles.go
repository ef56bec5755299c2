// Reads a tlog-tiles directory with golang.org/x/mod only: opens the checkpoint under the key in the file "vkey", hashes every entry of
// every bundle, and lets x/mod prove inclusion and consistency from the tiles. Prints one line, or says what is wrong and fails.
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

// directory is a tlog.TileReader over files. x/mod writes the tile height into its paths, tlog-tiles does not.
type directory string

func (d directory) Height() int                     { return height }
func (d directory) SaveTiles([]tlog.Tile, [][]byte) {}
func (d directory) path(t tlog.Tile) string {
	return filepath.Join(string(d), strings.Replace(t.Path(), fmt.Sprintf("tile/%d/", height), "tile/", 1))
}

func (d directory) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, t := range tiles {
		read, err := os.ReadFile(d.path(t))
		if err != nil {
			return nil, err
		}
		data[i] = read
	}
	return data, nil
}

// bundle returns the entries that stand beside one tile of leaf hashes.
func (d directory) bundle(t tlog.Tile) ([][]byte, error) {
	rest, err := os.ReadFile(strings.Replace(d.path(t), "/tile/0/", "/tile/entries/", 1))
	if err != nil {
		return nil, err
	}
	var entries [][]byte
	for len(rest) > 0 {
		length := 2 + int(binary.BigEndian.Uint16(rest))
		entries = append(entries, rest[2:length])
		rest = rest[length:]
	}
	return entries, nil
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func main() {
	log.SetFlags(0)
	dir := directory(os.Args[1])
	key := must(note.NewVerifier(string(must(os.ReadFile(filepath.Join(string(dir), "vkey"))))))
	opened := must(note.Open(must(os.ReadFile(filepath.Join(string(dir), "checkpoint"))), note.VerifierList(key)))
	var origin, root string
	var size int64
	if _, err := fmt.Sscanf(opened.Text, "%s\n%d\n%s\n", &origin, &size, &root); err != nil || origin != key.Name() {
		log.Fatal("not a checkpoint of this key: ", opened.Text)
	}
	head := tlog.Tree{N: size, Hash: must(tlog.ParseHash(root))}
	reader := tlog.TileHashReader(head, dir)

	hashed := int64(0)
	for from := int64(0); from < size; from += 1 << height {
		tile := tlog.TileForIndex(height, tlog.StoredHashIndex(0, from))
		if tile.W = 1 << height; size-from < 1<<height {
			tile.W = int(size - from)
		}
		leaves := must(dir.ReadTiles([]tlog.Tile{tile}))[0]
		for i, entry := range must(dir.bundle(tile)) {
			hash := tlog.RecordHash(entry)
			if !bytes.Equal(hash[:], leaves[i*tlog.HashSize:(i+1)*tlog.HashSize]) {
				log.Fatal("another hash than its bytes: entry ", hashed)
			}
			// Every entry of the first and the last tile, every 97th between them.
			if from == 0 || tile.W < 1<<height || hashed%97 == 0 {
				proof := must(tlog.ProveRecord(size, hashed, reader))
				if err := tlog.CheckRecord(proof, size, head.Hash, hashed, hash); err != nil {
					log.Fatal(err)
				}
			}
			hashed++
		}
	}
	if hashed != size {
		log.Fatal("entries are missing: ", hashed, " of ", size)
	}
	for old := int64(1); old < size; old += 1 + size/100 {
		oldRoot := must(tlog.TreeHash(old, reader))
		if err := tlog.CheckTree(must(tlog.ProveTree(size, old, reader)), size, head.Hash, old, oldRoot); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Printf("%s: %d entries\n", origin, hashed)
}
