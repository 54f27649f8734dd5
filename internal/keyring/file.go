package keyring

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/postroom/postroom"
)

// FileName is the name of the key ring's file in the secrets directory.
const FileName = "keyring.json"

// Why a key ring cannot be used.
const (
	ReasonNoKeyRing      postroom.Reason = "no_key_ring"      // there is no file, or it lacks a purpose: call Init
	ReasonKeyRingExposed postroom.Reason = "key_ring_exposed" // others may read it
	ReasonKeyRingDamaged postroom.Reason = "key_ring_damaged"
)

const fileFormat = 1

// ringFile is the file: JSON, mode 0600. Keys of one purpose are in the order in which they were made; the last one signs.
type ringFile struct {
	Format int       `json:"format"`
	Keys   []fileKey `json:"keys"`
}

type fileKey struct {
	ID      string    `json:"id"`
	Purpose Purpose   `json:"purpose"`
	Created time.Time `json:"created"`
	Secret  []byte    `json:"secret"` // base64
}

// Init makes the key ring in the secrets directory dir, which it creates (0700) if need be. On a ring that exists it adds keys
// for purposes that have none, and changes nothing else: it may be called before every start of a development instance, or once
// by an administrator.
func Init(dir string, now time.Time) (*Ring, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, failed("make the secrets directory", err)
	}
	path := filepath.Join(dir, FileName)
	before, file, err := read(path)
	if err != nil && postroom.ReasonOf(err) != ReasonNoKeyRing {
		return nil, err
	}
	for _, p := range Purposes() {
		if !slices.ContainsFunc(file.Keys, func(k fileKey) bool { return k.Purpose == p }) {
			file.Keys = append(file.Keys, newKey(p, now).file())
		}
	}
	if err := write(path, before, file); err != nil {
		return nil, err
	}
	return Open(dir)
}

// Open reads the key ring of the secrets directory dir. It fails with NotFound and reason no_key_ring when there is none, and
// with Refused when anybody but its owner may read it.
func Open(dir string) (*Ring, error) {
	r := &Ring{path: filepath.Join(dir, FileName)}
	if err := r.Reload(); err != nil {
		return nil, err
	}
	return r, nil
}

// Reload reads the file again, as after a rotation by another process. On an error the ring stays as it was.
func (r *Ring) Reload() error {
	_, file, err := read(r.path)
	if err != nil {
		return err
	}
	keys := make(map[Purpose][]key)
	for _, k := range slices.Backward(file.Keys) {
		keys[k.Purpose] = append(keys[k.Purpose], key{k.ID, k.Purpose, k.Created, (*[keySize]byte)(k.Secret)})
	}
	for _, p := range Purposes() {
		if len(keys[p]) == 0 {
			return postroom.NotFound(ReasonNoKeyRing, "read the key ring: it has no key for one of the purposes")
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys = keys
	return nil
}

// Rotate adds a key for p, which signs from now on; the older ones still verify. Other processes have to Reload before they
// can verify what the new key signed. When somebody else changed the file meanwhile, the error is Conflict and nothing has changed.
func (r *Ring) Rotate(p Purpose, now time.Time) error {
	if !slices.Contains(Purposes(), p) {
		return postroom.Invalid(postroom.ReasonMalformed, "rotate a key: unknown purpose")
	}
	before, file, err := read(r.path)
	if err != nil {
		return err
	}
	file.Keys = append(file.Keys, newKey(p, now).file())
	if err := write(r.path, before, file); err != nil {
		return err
	}
	return r.Reload()
}

func (k key) file() fileKey {
	return fileKey{ID: k.id, Purpose: k.purpose, Created: k.created, Secret: k.secret[:]}
}

// read returns the file as it is and as it says. An absent file is NotFound with reason no_key_ring, and an empty ring.
func read(path string) ([]byte, ringFile, error) {
	empty := ringFile{Format: fileFormat}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, empty, postroom.NotFound(ReasonNoKeyRing, "read the key ring: there is none")
	}
	if err != nil {
		return nil, empty, failed("read the key ring", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, empty, postroom.Refused(ReasonKeyRingExposed, "read the key ring: its file must be readable by its owner only (mode 0600)")
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, empty, failed("read the key ring", err)
	}
	var file ringFile
	if json.Unmarshal(content, &file) != nil || file.Format != fileFormat || !file.sound() {
		// Without its cause, which would quote the file.
		return nil, empty, &postroom.Error{Kind: postroom.KindInternal, Reason: ReasonKeyRingDamaged, Message: "read the key ring: its file is damaged"}
	}
	return content, file, nil
}

// sound reports whether every key has its size and an id of its own.
func (f ringFile) sound() bool {
	ids := make(map[string]bool)
	for _, k := range f.Keys {
		if len(k.Secret) != keySize || len(k.ID) != idSize || ids[k.ID] {
			return false
		}
		ids[k.ID] = true
	}
	return true
}

// write replaces the file, which must still be as it was, so that it is there after a crash: either the old or the new one.
func write(path string, before []byte, file ringFile) error {
	content, err := json.MarshalIndent(file, "", "\t")
	if err != nil {
		return failed("write the key ring", err)
	}
	content = append(content, '\n')
	if bytes.Equal(before, content) {
		return nil
	}
	dir := filepath.Dir(path)
	temp, err := os.CreateTemp(dir, ".keyring-*") // mode 0600
	if err != nil {
		return failed("write the key ring", err)
	}
	defer os.Remove(temp.Name())
	_, err = temp.Write(content)
	if err = errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return failed("write the key ring", err)
	}
	if now, err := os.ReadFile(path); err != nil && !errors.Is(err, fs.ErrNotExist) || !bytes.Equal(now, before) {
		return postroom.Conflict("key_ring_changed", "write the key ring: somebody else changed it; look again")
	}
	if err := os.Rename(temp.Name(), path); err != nil {
		return failed("write the key ring", err)
	}
	d, err := os.Open(dir)
	if err != nil {
		return failed("write the key ring", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return failed("write the key ring", err)
	}
	return nil
}

// failed wraps an error of the file system, which names a path and no content.
func failed(doing string, cause error) error {
	return postroom.Unavailable("secrets_unavailable", doing+": the secrets directory cannot be used", cause)
}
