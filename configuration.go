package postroom

import "time"

// Name is a label that people see, in English and, if it differs, in Korean. A missing Korean name falls back to English (R4).
type Name struct {
	English string
	Korean  string
}

// In returns the name in a language ("ko" or anything else), falling back to English.
func (n Name) In(language string) string {
	if language == "ko" && n.Korean != "" {
		return n.Korean
	}
	return n.English
}

// Configuration is everything that an administrator decides (R3): what `postroom apply` reads and `postroom export` writes, and
// what the management portal will edit. It is applied as a whole, in one transaction, as one numbered version. It names
// secrets, and never holds one (R39). What it no longer names is retired, not deleted: history refers to it. Its texts are plain
// strings because they are read from a document that passed the card scanner as a whole (R37).
type Configuration struct {
	Mailboxes   []Mailbox
	EntryPoints []EntryPoint
	Rules       []RoutingRule
	Queues      []Queue
	Hours       []BusinessHours
	Sites       []Site
	Teams       []Team
	Skills      []Skill
	Agents      []Agent
	Profiles    []MultimediaProfile
	IdleCodes   []IdleCodeEntry
	WrapUpCodes []WrapUpCodeEntry
	Templates   []Template
	Attachments AttachmentRules
}

// TLSMode says how a connection to a mail server is protected. Off loopback, TLSNone is refused (R41).
type TLSMode string

// The modes.
const (
	TLSNone     TLSMode = "none"
	TLSStart    TLSMode = "starttls"
	TLSImplicit TLSMode = "tls"
)

// MailServer is how to reach one side of a mailbox. Secret names the password (R39): a file below the secrets directory, or an
// environment variable POSTROOM_SECRET_*. Without one, the mailbox's OAuth is what we sign in with.
type MailServer struct {
	Host     string  `json:"host"`
	Port     int     `json:"port"`
	TLS      TLSMode `json:"tls"`
	Username string  `json:"username"`
	Secret   string  `json:"secret"`
}

// Original says what happens to a mail in the mailbox once its redacted copy is safe, if it held card data (R28). There is no
// default outside the sample configuration.
type Original string

// What can happen to an original with a finding.
const (
	OriginalKeep    Original = "keep"
	OriginalMove    Original = "move"    // to the folder Postroom/Redacted
	OriginalExpunge Original = "expunge" // after the redacted copy was appended and read back
)

// Mailbox is one mailbox that is watched by IMAP and answered from by SMTP.
type Mailbox struct {
	ID        MailboxID
	Address   string // what customers write to and what replies come from
	Name      string // display name of the From field
	Folder    string // IMAP folder, "INBOX" if empty
	IMAP      MailServer
	SMTP      MailServer
	OnFinding Original
	// PlusAddressing says that mail to local+anything@domain arrives in this mailbox too: replies then carry tokens in Reply-To and in the
	// envelope sender, by which answers and bounces find their thread and their reply without any header (R22, R34).
	PlusAddressing bool
	// SentFolder is the IMAP folder in which the provider keeps copies of what was sent: there a reply is looked for whose fate is unknown
	// (R21). Empty: the one that the server calls \Sent (RFC 6154), if it does.
	SentFolder string
	// DKIM says how replies are signed. Empty: not here, the mail server does (RFC 6376).
	DKIM DKIM
	// AuthServIDs are the names under which the mail server of this mailbox writes Authentication-Results (RFC 8601): only these are believed
	// (R48). None: of no sender anything is known.
	AuthServIDs []string
	// SpamHeader says that mail which that server calls spam is screened.
	SpamHeader bool
	// OAuth says how we sign in where a server has no Secret. Empty: with passwords.
	OAuth OAuth
}

// OAuth is how access tokens of a mailbox are had, by a refresh token that is handed in apart (RFC 6749 section 6).
type OAuth struct {
	TokenURL     string         `json:"token_url,omitzero"`
	ClientID     string         `json:"client_id,omitzero"`
	ClientSecret string         `json:"client_secret,omitzero"` // names the client's secret (R39); empty: it has none
	Scope        string         `json:"scope,omitzero"`         // asked for, separated by spaces; empty: what was granted
	Mechanism    OAuthMechanism `json:"mechanism,omitzero"`     // empty: what the server offers
}

// OAuthMechanism is how an access token is shown to a mail server.
type OAuthMechanism string

// The mechanisms.
const (
	OAuthBearer  OAuthMechanism = "oauthbearer" // RFC 7628
	OAuthXOAuth2 OAuthMechanism = "xoauth2"     // what was there before it
)

// DKIM is how mails are signed: with the key that Secret names, a private key in PEM (R39), for the domain of the mailbox's address.
type DKIM struct {
	Selector string `json:"selector,omitzero"`
	Secret   string `json:"secret,omitzero"`
}

// EntryPoint is an address that leads into a queue unless a rule says otherwise (R31).
type EntryPoint struct {
	Address string
	Mailbox MailboxID
	Queue   QueueID
}

// RoutingRule leads a mail to a queue (R31). Rules are tried in order, the first whose conditions all hold wins; a rule without
// conditions is refused. Conditions compare without regard to case; "*" in Recipient and Sender stands for any run of characters.
type RoutingRule struct {
	ID              string  `json:"id"`
	Recipient       string  `json:"recipient,omitzero"`
	Sender          string  `json:"sender,omitzero"`
	SubjectContains string  `json:"subject_contains,omitzero"`
	Header          string  `json:"header,omitzero"`          // a header's name …
	HeaderContains  string  `json:"header_contains,omitzero"` // … and what its value contains
	Queue           QueueID `json:"queue"`
}

// Queue is where contacts wait (R32); how they are matched with agents is in its rules.
type Queue struct {
	ID      QueueID
	Name    Name
	Channel Channel
	Mailbox MailboxID // replies are sent from here
	// From are the other mailboxes that agents may write from (R15), in the order shown. None: they have no choice.
	From        []MailboxID
	Teams       []TeamID
	Priority    int           // 0–9, higher is served first
	RONATime    time.Duration // MinRONATime to MaxRONATime, DefaultRONATime if zero (R9)
	WrapUpCodes []WrapUpCode  // in the order shown; at least one
	WrapUp      WrapUpRules
	// Undo is how long a reply waits before it is sent, so that it can be taken back: 0 to MaxUndo (R20).
	Undo time.Duration
	// Signature is what stands below replies, in the customer's language; at most MaxSignature characters in each. Empty: none.
	Signature Name
	// Acknowledgement is the template that a customer is sent by itself when his mail opens a contact (R34): its key. Empty: none.
	Acknowledgement string
	// WrapUpGuidance is what the organisation asks of a wrap-up, shown above its form (R24); at most MaxGuidance characters. Empty: none.
	WrapUpGuidance Name
	QueueRules
}

// Site is a place at which teams work. Its profile holds for members of its teams that have none more specific (R2).
type Site struct {
	ID      SiteID
	Name    Name
	Profile ProfileID
}

// Team is a group of agents that serves queues. Its profile holds for members that have none of their own (R2).
type Team struct {
	ID      TeamID
	Name    Name
	Site    SiteID // empty: none
	Profile ProfileID
}

// Skill is something that agents can do more or less well: a language, a product (R32).
type Skill struct {
	ID   SkillID
	Name Name
}

// Agent is a person who signs in; his account's role says what he may do. A supervisor or administrator without a profile, his
// own, his team's or his site's, has capacity 0 and is never offered anything.
type Agent struct {
	ID      AgentID
	Name    string
	Email   string
	Role    Role
	Team    TeamID
	Profile ProfileID       // empty: the team's, else the site's
	Skills  map[SkillID]int // levels 1 to MaxSkillLevel; a skill that is missing he has not
	// MayForceStates allows a supervisor to change the state of his agents (R33). Off by default.
	MayForceStates bool
}

// IdleCodeEntry is one reason for being Idle in the administrator's list (R13).
type IdleCodeEntry struct {
	Code IdleCode
	Name Name
}

// WrapUpCodeEntry is one after-contact reason in the administrator's list (R24).
type WrapUpCodeEntry struct {
	Code         WrapUpCode
	Name         Name
	NoteRequired bool
}

// Template is a prepared text in one language.
type Template struct {
	ID       string
	Name     Name
	Language string // "en" or "ko"
	Body     string
}
