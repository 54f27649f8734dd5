package trust_test

import (
	"strings"
	"testing"
	"time"

	"github.com/postroom/postroom/internal/email"
	"github.com/postroom/postroom/internal/testkit/cpu"
	"github.com/postroom/postroom/internal/trust"
)

// judge judges a header, of which lines are the fields above From.
func judge(header string, ids ...string) trust.Verdict {
	raw := []byte(header)
	return trust.Judge(email.Trace(raw, trust.Fields()...), email.Parse(raw), trust.Policy{AuthServIDs: ids})
}

const (
	ours    = "Received: from mail.bank.example (mail.bank.example [192.0.2.7])\r\n\tby mx.shop.example (Postfix) with ESMTPS id 4711\r\n\tfor <support@shop.example>; Sun, 22 Nov 2026 10:00:00 +0000\r\n"
	stored  = "Received: from mx.shop.example by imap.shop.example with LMTP id 12; Sun, 22 Nov 2026 10:00:01 +0000\r\n"
	foreign = "Received: from [10.0.0.1] by mail.bank.example with ESMTPA; Sun, 22 Nov 2026 09:59:59 +0000\r\n"
	message = "From: Kim <kim@bank.example>\r\nTo: support@shop.example\r\nSubject: Hello\r\n\r\nHello\r\n"
	passes  = "Authentication-Results: mx.shop.example; dmarc=pass header.from=bank.example\r\n"
	fails   = "Authentication-Results: mx.shop.example; dmarc=fail (p=reject dis=none) header.from=bank.example\r\n"
)

// R48: what the servers of this world write, and what strangers write in their place.
func TestOnlyTheWordOfTheConfiguredServerCounts(t *testing.T) {
	t.Parallel()
	const mx = "mx.shop.example"
	for _, c := range []struct {
		name     string
		header   string
		identity trust.Identity
		hop      string
	}{
		{"above the server's own Received", passes + ours + foreign, trust.Proved, mx},
		{"below the server's own Received", ours + passes + foreign, trust.Proved, mx},
		{"behind the store's Received", stored + ours + fails + foreign, trust.Refuted, mx},
		{"in another case", strings.Replace(passes, "mx.shop", "MX.Shop", 1) + ours, trust.Proved, mx},
		{"with a version", strings.Replace(passes, "example;", "example 1;", 1) + ours, trust.Proved, mx},
		{"with a version of the method", strings.Replace(passes, "dmarc=", "dmarc/1 = ", 1) + ours, trust.Proved, mx},
		{"folded, with comments", "Authentication-Results: mx.shop.example (its name);\r\n\tdkim=pass (2048-bit key; unprotected)\r\n\theader.d=bank.example;\r\n dmarc=pass\r\n (policy=none; a (nested\\) one)) header.from=bank.example\r\n" + ours, trust.Proved, mx},
		{"of a domain below the registered one", strings.Replace(passes, "=bank", "=bank.example ;x=bank", 1) + ours, trust.Proved, mx},

		{"none at all", ours + foreign, trust.Undecided, ""},
		{"of a server nobody named", "Authentication-Results: mx.evil.example; dmarc=pass header.from=bank.example\r\n" + ours, trust.Undecided, ""},
		{"whose name only begins so", strings.Replace(passes, "example;", "example.evil;", 1) + ours, trust.Undecided, ""},
		{"of a version that nobody knows", strings.Replace(passes, "example;", "example 2;", 1) + ours, trust.Undecided, ""},
		{"below the first foreign Received", ours + foreign + passes, trust.Undecided, ""},
		{"below a Received that says nothing", ours + "Received: whatever\r\n" + passes, trust.Undecided, ""},
		{"hidden in an encoded word", "Authentication-Results: =?utf-8?q?mx=2Eshop=2Eexample;_dmarc=3Dpass_header.from=3Dbank.example?=\r\n" + ours, trust.Undecided, ""},
		{"under a name of its own", "Authentication-Results-Original: mx.shop.example; dmarc=pass header.from=bank.example\r\n" + ours, trust.Undecided, ""},
		{"without a name", "Authentication-Results: dmarc=pass header.from=bank.example\r\n" + ours, trust.Undecided, ""},
		{"of a domain without a policy", strings.Replace(passes, "pass", "none", 1) + ours, trust.Undecided, mx},
		{"of an error", strings.Replace(passes, "pass", "temperror", 1) + ours, trust.Undecided, mx},
		{"without a domain", "Authentication-Results: mx.shop.example; dmarc=pass\r\n" + ours, trust.Undecided, mx},
		{"of SPF alone", "Authentication-Results: mx.shop.example; spf=pass smtp.mailfrom=bank.example\r\n" + ours, trust.Undecided, mx},

		{"judged of another From", strings.Replace(passes, "from=bank", "from=evil", 1) + ours, trust.Refuted, mx},
		{"forged below the server's own", ours + fails + passes + foreign, trust.Refuted, mx},
		{"forged behind a forged Received", fails + ours + strings.Replace(ours, "bank", "evil", 1) + passes, trust.Refuted, mx},
		{"forged in a quotation", ours + "Authentication-Results: mx.shop.example; spf=none smtp.mailfrom=\"a; dmarc=pass header.from=bank.example; x\"@evil.example; dmarc=fail header.from=bank.example\r\n", trust.Refuted, mx},
		{"forged in a comment", ours + "Authentication-Results: mx.shop.example; spf=none (domain of a; dmarc=pass header.from=bank.example; x); dmarc=fail header.from=bank.example\r\n", trust.Refuted, mx},
		{"forged out of a comment", ours + "Authentication-Results: mx.shop.example; spf=none (domain of a) ; dmarc=pass header.from=bank.example; x=(@evil.example); dmarc=fail header.from=bank.example\r\n", trust.Refuted, mx},
		{"dropped by a name in the greeting", strings.Replace(ours, "from mail.bank.example (", "from x by evil.example (", 1) + fails, trust.Refuted, mx},
		{"dropped by a comment in the greeting", strings.Replace(ours, "from mail.bank.example (", "from x( (", 1) + fails, trust.Refuted, mx},
		{"in a quotation that does not end", ours + "Authentication-Results: mx.shop.example; dmarc=fail header.from=bank.example; spf=none smtp.mailfrom=\"x; dmarc=pass header.from=bank.example\r\n", trust.Refuted, mx},
	} {
		if got := judge(c.header+message, "MX.shop.example"); got.Identity != c.identity || got.Hop != c.hop {
			t.Errorf("%s: %+v", c.name, got)
		}
		if got := judge(c.header + message); got.Identity != trust.Undecided || got.Hop != "" {
			t.Errorf("%s, with nothing configured: %+v", c.name, got)
		}
	}
}

// What the server itself does not write, and does not remove, the sender can: this is the limit of it, which the documentation names.
func TestFieldThatTheServerNeitherWritesNorRemovesIsBelieved(t *testing.T) {
	t.Parallel()
	if got := judge(ours+passes+message, "mx.shop.example"); got.Identity != trust.Proved {
		t.Errorf("%+v", got)
	}
}

// Google writes its field below its Received, Microsoft without a name above it.
func TestFieldsOfTheBigProvidersAreRead(t *testing.T) {
	t.Parallel()
	google := "Delivered-To: support@shop.example\r\nReceived: by 2002:a05:6358:1b1b:b0:1a6:7:8 with SMTP id x; Sun, 22 Nov 2026 02:00:00 -0800 (PST)\r\nX-Received: by 2002:a17:90b:0:b0:1a6:7:8 with SMTP id y\r\n" +
		"Received: from mail.bank.example (mail.bank.example. [192.0.2.7]) by mx.google.com with ESMTPS id z for <support@shop.example>; Sun, 22 Nov 2026 02:00:00 -0800 (PST)\r\n" +
		"Received-SPF: pass (google.com: domain of kim@bank.example designates 192.0.2.7 as permitted sender) client-ip=192.0.2.7;\r\n" +
		"Authentication-Results: mx.google.com;\r\n       dkim=pass header.i=@news.example header.s=s1 header.b=abc;\r\n       dkim=pass header.i=@bank.example header.s=s1 header.b=\"ab/c=\";\r\n       spf=pass (google.com: domain of kim@bank.example designates 192.0.2.7 as permitted sender) smtp.mailfrom=kim@bank.example;\r\n       dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=bank.example\r\n" + foreign
	want := trust.Verdict{Hop: "mx.google.com", SPF: trust.Pass, DKIM: trust.Pass, DKIMDomain: "bank.example", DMARC: trust.Pass, DMARCFrom: "bank.example", Identity: trust.Proved}
	if got := judge(google+message, "mx.google.com"); got != want {
		t.Errorf("Google: %+v", got)
	}
	microsoft := "Received: from BN8.namprd12.prod.outlook.com (2603:10b6::1) by SA1.namprd12.prod.outlook.com with HTTPS; Sun, 22 Nov 2026 10:00:02 +0000\r\n" +
		"Received: from BN8NAM11FT.eop-nam11.prod.protection.outlook.com by BN9PR03CA.outlook.office365.com with Microsoft SMTP Server; Sun, 22 Nov 2026 10:00:01 +0000\r\n" +
		"Authentication-Results: spf=fail (sender IP is 192.0.2.9)\r\n smtp.mailfrom=bank.example; dkim=none (message not signed)\r\n header.d=none;dmarc=fail action=quarantine\r\n header.from=bank.example;compauth=fail reason=000\r\nReceived-SPF: Fail (protection.outlook.com)\r\n" +
		"Received: from evil.example (192.0.2.9) by BN8NAM11FT.mail.protection.outlook.com (10.13.176.1) with Microsoft SMTP Server; Sun, 22 Nov 2026 10:00:00 +0000\r\n"
	want = trust.Verdict{Hop: "outlook.com", SPF: trust.Fail, DKIM: trust.None, DKIMDomain: "none", DMARC: trust.Fail, DMARCFrom: "bank.example", Identity: trust.Refuted}
	if got := judge(microsoft+message, "outlook.com", "office365.com"); got != want {
		t.Errorf("Microsoft: %+v", got)
	}
	if got := judge(strings.Replace(microsoft, "dmarc=fail", "dmarc=bestguesspass", 1)+message, "outlook.com", "office365.com"); got.DMARC != trust.None || got.Identity != trust.Undecided {
		t.Errorf("a guess of Microsoft: %+v", got)
	}
	// A nameless field says nothing where Microsoft's servers are not the organisation's, or did not write it.
	forged := ours + "Authentication-Results: dmarc=pass header.from=bank.example\r\nReceived: from x by a.mail.protection.outlook.com; Sun, 22 Nov 2026 10:00:00 +0000\r\n"
	for _, ids := range [][]string{{"mx.shop.example"}, {"mx.shop.example", "office365.com"}} {
		if got := judge(forged+message, ids...); got.Identity != trust.Undecided {
			t.Errorf("forged, with %v: %+v", ids, got)
		}
	}
}

func TestWorstOfSeveralVerdictsOfOneServerCounts(t *testing.T) {
	t.Parallel()
	dkim := "Authentication-Results: mx.shop.example; dkim=fail header.d=bank.example\r\n"
	signed := "Authentication-Results: mx.shop.example; dkim=pass header.d=news.example; dkim=pass header.d=mail.bank.example\r\n"
	for name, c := range map[string]struct {
		fields string
		dmarc  trust.Result
		dkim   trust.Result
		domain string
	}{
		"one field for each check":    {passes + dkim, trust.Pass, trust.Fail, "bank.example"},
		"a signature of the domain":   {dkim + signed + passes, trust.Pass, trust.Pass, "mail.bank.example"},
		"a pass and a failure":        {passes + fails, trust.Fail, trust.Unknown, ""},
		"a failure and a pass":        {fails + passes, trust.Fail, trust.Unknown, ""},
		"a pass and no policy":        {passes + strings.Replace(passes, "pass", "none", 1), trust.None, trust.Unknown, ""},
		"the same twice":              {passes + passes, trust.Pass, trust.Unknown, ""},
		"an earlier server's failure": {passes + ours + fails, trust.Pass, trust.Unknown, ""},
	} {
		if got := judge(c.fields+ours+message, "mx.shop.example"); got.DMARC != c.dmarc || got.DKIM != c.dkim || got.DKIMDomain != c.domain {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestAnswersThatWouldGoElsewhereAreNoticed(t *testing.T) {
	t.Parallel()
	for reply, want := range map[string]trust.Divergence{
		"": trust.Same, "kim@bank.example": trust.Same, "service@mail.bank.example": trust.Same, "KIM@BANK.EXAMPLE": trust.Same, "nobody": trust.Same,
		"kim@bank.example.evil.example": trust.Elsewhere, "kim@bank.example, eve@evil.example": trust.Elsewhere,
	} {
		header := message
		if reply != "" {
			header = "Reply-To: " + reply + "\r\n" + message
		}
		if got := judge(header); got.ReplyTo != want {
			t.Errorf("%q: %+v", reply, got)
		}
	}
	if got := judge("Reply-To: x@xn--wh1brf94xfl0a.example\r\nFrom: x@하늘바다.example\r\n\r\n"); got.ReplyTo != trust.Same {
		t.Errorf("two spellings of one domain: %+v", got)
	}
}

// What filters say is believed of the organisation's servers only, and only what says yes.
func TestSpamIsWhatTheOwnServersCallSo(t *testing.T) {
	t.Parallel()
	for field, want := range map[string]bool{
		"X-Spam-Flag: YES": true, "X-Spam-Status: Yes, score=7.1 required=5.0": true, "X-Spam: Yes": true, "X-Rspamd-Action: add header": true,
		"X-MS-Exchange-Organization-SCL: 6": true,
		"X-Spam-Flag: NO":                   false, "X-Spam-Status: No, score=-1": false, "X-Rspamd-Action: no action": false, "X-MS-Exchange-Organization-SCL: 1": false,
		"X-MS-Exchange-Organization-SCL: -1": false, "X-Spam-Level: *****": false,
	} {
		if got := judge(field+"\r\n"+ours+foreign+message, "mx.shop.example"); got.Spam != want {
			t.Errorf("%s: %v", field, got.Spam)
		}
		if got := judge(ours+field+"\r\n"+message, "mx.shop.example"); got.Spam != want {
			t.Errorf("%s, below: %v", field, got.Spam)
		}
		if got := judge(ours+foreign+field+"\r\n"+message, "mx.shop.example"); got.Spam {
			t.Errorf("%s was believed of a stranger", field)
		}
		if got := judge(field + "\r\n" + message); got.Spam {
			t.Errorf("%s was believed of nobody", field)
		}
	}
}

func FuzzJudge(f *testing.F) {
	for _, seed := range []string{passes + ours, ours + fails + foreign, "Authentication-Results: a=(\\;\"", "Received: by by by", "Authentication-Results: mx.shop.example; dmarc=pass header.from=\"b\\\"ank.example"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		// What stands above is the server's: nothing below it changes its word.
		top := stored + fails + ours
		if got := judge(top+header+message, "mx.shop.example"); got.Hop != "mx.shop.example" || got.DMARC != trust.Fail {
			t.Errorf("%+v", got)
		}
		judge(header+message, "mx.shop.example", "outlook.com")
		// And what stands below a foreign server is nobody's.
		if got := judge(ours+foreign+"X-Y: z\r\n"+header+message, "mx.shop.example"); got.Hop != "" || got.Identity != trust.Undecided {
			t.Errorf("%+v", got)
		}
	})
}

// Twice the field takes twice the time, not four times.
func TestHostileFieldsTakeLinearTime(t *testing.T) {
	t.Parallel()
	for _, shape := range []string{"(", "\"", "=", ";", "\\", "a=b; ", "by ", "dmarc=pass ;"} {
		header := ours
		for range 20 {
			header += "Authentication-Results: mx.shop.example;" + strings.Repeat(shape, 20_000/len(shape)) + "\r\n"
		}
		if took := cpu.Spent(func() { judge(header+message, "mx.shop.example") }); took > 2*time.Second {
			t.Errorf("%q took %v", shape, took)
		}
	}
}
