package settings

import (
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/postroom/postroom"
)

// Each function below sets a value, or says what is wrong with the text without repeating any of it: a URL holds a password, and people
// paste one into the wrong variable.

func postgresURL(to *postroom.Secret, v string) string {
	u, err := url.Parse(v)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" || u.Opaque != "" {
		return "not a URL that begins with postgres:// (special characters of the password are written as %XX)"
	}
	*to = postroom.NewSecret(v)
	return ""
}

func hostAndPort(to *string, v string) string {
	host, number, err := net.SplitHostPort(v)
	if err != nil || host == "" || !isPort(number) || !isHost(host) {
		return "expected host:port"
	}
	*to = v
	return ""
}

// listenAddress also takes an address without a host, which means every interface.
func listenAddress(to *string, v string) string {
	host, number, err := net.SplitHostPort(v)
	if err != nil || !isPort(number) || host != "" && !isHost(host) {
		return "expected host:port"
	}
	*to = v
	return ""
}

var digits = regexp.MustCompile(`^[1-9][0-9]{0,4}$`)

func isPort(v string) bool {
	n, err := strconv.Atoi(v)
	return digits.MatchString(v) && err == nil && n <= 65535
}

func portNumber(to *int, v string) string {
	if !isPort(v) {
		return "expected a port, 1–65535"
	}
	*to, _ = strconv.Atoi(v)
	return ""
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*$`)

func isHost(v string) bool {
	_, err := netip.ParseAddr(v)
	return err == nil || len(v) <= 253 && hostName.MatchString(v)
}

func hostNames(to *[]string, v string) string {
	var names []string
	for name := range strings.SplitSeq(v, ",") {
		name = strings.TrimSpace(name)
		bare, bracketed := strings.CutPrefix(name, "[")
		if bracketed {
			bare = strings.TrimSuffix(bare, "]")
		}
		ip, err := netip.ParseAddr(bare)
		if !isHost(bare) || bracketed != (err == nil && ip.Is6()) {
			return "expected host names or addresses, without ports, separated by commas; an IPv6 address in brackets"
		}
		names = append(names, strings.ToLower(name))
	}
	*to = names
	return ""
}

var oneWord = regexp.MustCompile(`^[A-Za-z0-9._-]{1,200}$`)

func word(to *string, v string) string {
	if !oneWord.MatchString(v) {
		return "expected letters, digits, dots, - and _"
	}
	*to = v
	return ""
}

func path(to *string, v string) string {
	if strings.ContainsFunc(v, unicode.IsControl) {
		return "expected a path"
	}
	*to = v
	return ""
}

// blobURL looks at the form; package blob knows what stands behind the question mark.
func blobURL(to *string, v string) string {
	u, err := url.Parse(v)
	directory := err == nil && u.Scheme == "file" && u.Host == "" && u.RawQuery == "" && filepath.IsAbs(u.Path) && !strings.ContainsFunc(u.Path, unicode.IsControl)
	bucket := err == nil && u.Scheme == "s3" && u.Host != "" && u.Path == "" && u.Query().Get("region") != ""
	if err != nil || u.User != nil || u.Fragment != "" || !directory && !bucket {
		return "expected file:/// and an absolute path, or s3://BUCKET?region=REGION"
	}
	if *to = v; directory {
		*to = "file://" + filepath.Clean(u.Path)
	}
	return ""
}

func clamdAddress(to *string, v string) string {
	u, err := url.Parse(v)
	socket := err == nil && u.Scheme == "unix" && u.Host == "" && filepath.IsAbs(u.Path) && len(u.Path) > 1
	server := err == nil && u.Scheme == "tcp" && isHost(u.Hostname()) && isPort(u.Port()) && u.Path == ""
	if err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "" || !socket && !server {
		return "expected unix:///path or tcp://host:port"
	}
	*to = v
	return ""
}

func megabytes(to *int, v string) string {
	n, err := strconv.Atoi(v)
	if !digits.MatchString(v) || err != nil || n > 4000 {
		return "expected a number of MiB, 1–4000"
	}
	*to = n
	return ""
}

func logLevel(to *slog.Level, v string) string {
	levels := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}
	level, known := levels[strings.ToLower(v)]
	if !known {
		return "expected debug, info, warn or error"
	}
	*to = level
	return ""
}

func logFormat(to *LogFormat, v string) string {
	switch f := LogFormat(v); f {
	case LogText, LogJSON:
		*to = f
		return ""
	}
	return "expected text or json"
}
