package config

import (
	_ "embed"
	"strconv"
	"strings"
)

//go:embed sample.yaml
var sampleDocument string

// SampleAddress is the address of the sample's one mailbox, and its account on both mail servers.
const SampleAddress = "support@postroom.example"

// SampleServers is what the sample configuration has to be told: where the mail servers are, which has to be on loopback, and the
// reference to the secret that SampleAddress signs in with.
type SampleServers struct {
	Host               string
	IMAPPort, SMTPPort int
	Secret             string
}

// Sample is the configuration of `postroom dev`, as a document: three agents, a supervisor, an administrator, three queues and what they
// need. Parse refuses it if the servers are elsewhere than on loopback.
func Sample(at SampleServers) string {
	return strings.NewReplacer(
		"{{address}}", SampleAddress,
		"{{host}}", scalar(at.Host),
		"{{imap port}}", strconv.Itoa(at.IMAPPort),
		"{{smtp port}}", strconv.Itoa(at.SMTPPort),
		"{{secret}}", scalar(at.Secret),
	).Replace(sampleDocument)
}
