package blob

import (
	"errors"
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

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
