package blob

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// syncDirs makes the change of a blob's name survive a crash: a rename is on disk only when its directory is, and a new
// directory only when its parent is. fileblob does neither.
func (s *Store) syncDirs(key Key) error {
	if s.dir == "" {
		return nil
	}
	dir := filepath.Dir(filepath.Join(s.dir, filepath.FromSlash(string(key))))
	if err := syncDir(dir); err != nil {
		return err
	}
	for dir != s.dir {
		if _, known := s.rooted.Load(dir); known {
			return nil
		}
		parent := filepath.Dir(dir)
		if err := syncDir(parent); err != nil {
			return err
		}
		s.rooted.Store(dir, true)
		dir = parent
	}
	return nil
}

// makeShards makes the directories over which blobs are spread, and has them on disk: else each of the first blobs of an installation would wait
// for a directory of its own to be written through.
func (s *Store) makeShards() error {
	for _, kind := range kinds {
		dir := filepath.Join(s.dir, kind)
		for i := range 256 {
			shard := filepath.Join(dir, fmt.Sprintf("%02x", i))
			if err := os.MkdirAll(shard, 0o700); err != nil {
				return err
			}
			s.rooted.Store(shard, true)
		}
		if err := syncDir(dir); err != nil {
			return err
		}
		s.rooted.Store(dir, true)
	}
	return syncDir(s.dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
