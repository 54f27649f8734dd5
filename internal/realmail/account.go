//go:build unix

package realmail

import (
	"os"
	"os/user"
	"path/filepath"
	"strconv"
)

// account is who Dovecot's processes are.
func account() (name, group string, uid, gid int, err error) {
	u, err := user.Current()
	if err == nil && u.Uid == "0" {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		return "", "", 0, 0, err
	}
	g, err := user.LookupGroupId(u.Gid)
	if err != nil {
		return "", "", 0, 0, err
	}
	if uid, err = strconv.Atoi(u.Uid); err != nil {
		return "", "", 0, 0, err
	}
	gid, err = strconv.Atoi(u.Gid)
	return u.Username, g.Name, uid, gid, err
}

// giveAway gives Dovecot its directories, and Postfix its own.
func (s *Servers) giveAway(with settings) error {
	if err := os.Chmod(s.dir, 0o755); err != nil || os.Geteuid() != 0 {
		return err
	}
	for _, dir := range []string{"", "run", "state", "mail"} {
		if err := os.Chown(filepath.Join(s.dir, dir), with.UID, with.GID); err != nil {
			return err
		}
	}
	if with.SMTP == 0 {
		return nil
	}
	postfix, err := user.Lookup("postfix")
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(postfix.Uid)
	if err != nil {
		return err
	}
	return os.Chown(filepath.Join(s.dir, "data"), uid, -1)
}

func (s *Servers) forget(account string) error {
	inbox := filepath.Join(s.dir, "mail", account, "Maildir")
	for _, name := range []string{"dovecot-uidlist", "dovecot.index", "dovecot.index.log", "dovecot.index.cache", "dovecot-uidvalidity"} {
		if err := os.Remove(filepath.Join(inbox, name)); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	return nil
}
