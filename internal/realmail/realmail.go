// Package realmail runs Debian's mail servers on this machine, for tests and measurements: Dovecot 2.3 (IMAP), which anybody may run, and
// Postfix (SMTP), which needs root and hands its mail to that Dovecot. They live in a directory of their own, listen on loopback, and send
// nothing elsewhere.
//
// Every account exists, with one password. Recipients misbehave by name, at any domain:
//
//	bad-…      is refused at RCPT (550)
//	defer-…    is put off at RCPT (450)
//	bounce-…   is taken, and then comes back with a report of failure (RFC 3464)
package realmail

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"embed"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/stack"
)

// Password opens every account.
const Password = "the-same-for-every-account"

// ReasonNotHere says that the servers cannot run here: not installed and not installable, or not root. Tests skip then, and say so.
const ReasonNotHere postroom.Reason = "mail_servers_not_here"

// startTime bounds how long a server may take to listen.
const startTime = 30 * time.Second

//go:embed etc
var etc embed.FS

// Options say what is started.
type Options struct {
	Postfix    bool   // Postfix too
	Mechanisms string // what Dovecot offers to sign in with; empty: "plain login scram-sha-256"
}

// Servers are running mail servers.
type Servers struct {
	IMAP, IMAPS, LMTP int            // Dovecot's ports on 127.0.0.1
	SMTP              int            // Postfix's; 0 without it
	Roots             *x509.CertPool // trust their certificate, which is for localhost
	dir               string
	running           []*stack.Process
}

// settings are what the templates take.
type settings struct {
	Dir, User, Group, Mechanisms, Password      string
	UID, GID, IMAP, IMAPS, LMTP, SMTP, Refusing int
}

// Start installs what is missing, if it may, starts the servers and waits until they listen. Stop ends them. Where they cannot run the error is
// Refused (ReasonNotHere).
func Start(ctx context.Context, o Options) (_ *Servers, err error) {
	needed := []stack.Prerequisite{stack.NeedDovecot}
	if o.Postfix {
		needed = append(needed, stack.NeedPostfix)
		if os.Geteuid() != 0 {
			return nil, postroom.Refused(ReasonNotHere, "Postfix runs as root only")
		}
	}
	if err := (stack.Installer{}).Ensure(ctx, needed...); err != nil {
		return nil, &postroom.Error{Kind: postroom.KindRefused, Reason: ReasonNotHere, Message: err.Error(), Err: err}
	}
	s := &Servers{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Stop())
		}
	}()
	if s.dir, err = os.MkdirTemp("", "postroom-mail-"); err != nil {
		return nil, err
	}
	with, err := s.prepare(o)
	if err != nil {
		return nil, err
	}
	if err := s.run(ctx, "dovecot", found("dovecot"), []string{"-F", "-c", filepath.Join(s.dir, "etc/dovecot.conf")}, with.IMAP, with.IMAPS, with.LMTP); err != nil {
		return nil, err
	}
	if o.Postfix {
		return s, s.runPostfix(ctx, with.SMTP, with.Refusing)
	}
	return s, nil
}

// runPostfix has Postfix make its queue, and runs its master itself: the script that usually does so leaves the master behind when it is stopped.
func (s *Servers) runPostfix(ctx context.Context, ports ...int) error {
	etc := filepath.Join(s.dir, "etc")
	if said, err := exec.CommandContext(ctx, found("postfix"), "-c", etc, "check").CombinedOutput(); err != nil {
		return fmt.Errorf("postfix check: %w: %s", err, said)
	}
	daemons, err := exec.CommandContext(ctx, found("postconf"), "-c", etc, "-h", "daemon_directory").Output()
	if err != nil {
		return fmt.Errorf("postconf: %w", err)
	}
	return s.run(ctx, "postfix", filepath.Join(strings.TrimSpace(string(daemons)), "master"), []string{"-c", etc, "-d"}, ports...)
}

// found is where a program is, also if it is not on everybody's PATH.
func found(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	return "/usr/sbin/" + name
}

// prepare writes configuration and certificate. Dovecot serves no mail as root: then it is nobody who does.
func (s *Servers) prepare(o Options) (settings, error) {
	with := settings{Dir: s.dir, Mechanisms: o.Mechanisms, Password: Password}
	if o.Mechanisms == "" {
		with.Mechanisms = "plain login scram-sha-256"
	}
	var err error
	if with.User, with.Group, with.UID, with.GID, err = account(); err != nil {
		return with, err
	}
	ports := []*int{&with.IMAP, &with.IMAPS, &with.LMTP}
	if o.Postfix {
		ports = append(ports, &with.SMTP, &with.Refusing)
	}
	for _, port := range ports {
		if *port, err = stack.FreePort(); err != nil {
			return with, err
		}
	}
	s.IMAP, s.IMAPS, s.LMTP, s.SMTP = with.IMAP, with.IMAPS, with.LMTP, with.SMTP
	for _, dir := range []string{"run", "state", "mail", "etc", "queue", "data"} {
		if err := os.Mkdir(filepath.Join(s.dir, dir), 0o755); err != nil {
			return with, err
		}
	}
	if s.Roots, err = certificate(s.dir); err != nil {
		return with, err
	}
	files := map[string]string{"domains": "/./ OK\n", "refuse": "/./ 550 5.1.1 There is no such account\n", "mailboxes": "!/^bad-/ OK\n",
		"transport": fmt.Sprintf("/^bounce-/ smtp:[127.0.0.1]:%d\n/^defer-/ retry:4.2.2 The mailbox is full\n", with.Refusing)}
	for _, name := range []string{"dovecot.conf", "main.cf", "master.cf"} {
		t, err := template.ParseFS(etc, "etc/"+name)
		if err != nil {
			return with, err
		}
		var b bytes.Buffer
		if err := t.Execute(&b, with); err != nil {
			return with, err
		}
		files[name] = b.String()
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(s.dir, "etc", name), []byte(content), 0o644); err != nil {
			return with, err
		}
	}
	return with, s.giveAway(with)
}

// certificate makes one for localhost.
func certificate(dir string) (*x509.CertPool, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return roots, errors.Join(
		os.WriteFile(filepath.Join(dir, "cert.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644),
		os.WriteFile(filepath.Join(dir, "key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
}

// run starts a server and waits until it listens on its ports.
func (s *Servers) run(ctx context.Context, name, path string, args []string, ports ...int) error {
	process, err := stack.StartProcess(stack.ProcessSpec{Name: name, Path: path, Args: args, Env: []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, Dir: s.dir, Grace: 5 * time.Second})
	if err != nil {
		return err
	}
	s.running = append(s.running, process)
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for _, port := range ports {
		for {
			conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(stack.Loopback, strconv.Itoa(port)))
			if err == nil {
				_ = conn.Close()
				break
			}
			select {
			case <-ctx.Done():
				return s.failed(name)
			case <-process.Done():
				return s.failed(name)
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	return nil
}

// failed says why a server does not listen, by the end of its log.
func (s *Servers) failed(name string) error {
	log, _ := os.ReadFile(filepath.Join(s.dir, name+".log"))
	return fmt.Errorf("%s does not start; its log ends: %s", name, log[max(0, len(log)-2000):])
}

// Stop ends the servers and removes their directory.
func (s *Servers) Stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var failed []error
	for _, process := range s.running {
		failed = append(failed, process.Stop(ctx))
	}
	s.running = nil
	return errors.Join(append(failed, os.RemoveAll(s.dir))...)
}
