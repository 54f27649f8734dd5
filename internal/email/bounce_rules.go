package email

// The words of mail systems, in lower case. They are matched anywhere in what a bounce says, so that each must be telling by itself.

// replyCodes are the replies to failures that SMTP servers give (RFC 5321 section 4.2.3, RFC 4954, and some that others made up).
const replyCodes = "421 422 431 432 441 442 446 447 449 450 451 452 453 454 455 456 458 459 471 " +
	"500 501 502 503 504 505 510 511 512 513 515 517 521 523 525 530 531 532 533 534 535 538 540 541 542 543 544 545 546 547 548 549 " +
	"550 551 552 553 554 555 556 557 558 559 562 564 568 569 571 572 573 574 575 577 582 591"

var (
	// returnedPhrases announce the mail that came back.
	returnedPhrases = []string{
		"below this line is a copy", "this is a copy of the message", "this is a copy of your message", "original message follows",
		"original message -----",
		"header of the original message is following", "message headers follow", "copy of the message header", "unsent message follows",
		"returned message ---",
		"below is a copy of the original message", "original message headers:", "message text follows", "the original message:",
		"message header follow",
		"original message header", "-------original message", "-------original mail", "text of your message follows", "original mail as follows",
		"---original message",
		"start of original message", "your original message", "--- message header", "return message follows", "original-nachricht",
		"the header of the original",
		"원본 메일", "원본메일", "----- 원본", "元のメッセージ", "原始邮件",
	}
	// returnedFields are fields of mails as they come back, and how much each says that this is one: four are enough.
	returnedFields = map[string]int{
		"received": 3, "return-path": 3, "dkim-signature": 4, "domainkey-signature": 4, "x-received": 4, "arc-seal": 4, "message-id": 3, "mime-version": 2,
		"from": 1, "to": 1, "subject": 1, "date": 1, "content-type": 1, "content-transfer-encoding": 2, "delivered-to": 2, "x-mailer": 2, "user-agent": 2,
		"reply-to": 1, "x-google-smtp-source": 4, "x-ymail-osg": 4, "authentication-results": 3, "received-spf": 3, "x-originating-ip": 2,
		"arc-message-signature": 4, "arc-authentication-results": 4, "x-ms-exchange-organization-scl": 4, "x-google-dkim-signature": 4, "x-gm-message-state": 4,
	}
	// contactPhrases stand in lines whose addresses are no recipients.
	contactPhrases = []string{
		"contact <", "please contact", "send mail to", "for assistance", "for help", "envelope-from", "mail from:", "please send", "report this",
		"return address", "問い合わせ", "문의",
	}
	// leadPhrases stand before the address of a recipient.
	leadPhrases = []string{
		"to", "recipient", "recipients", "address", "for", "rcpt to", "user", "mailbox", "宛", "宛先", "收件人", "받는 사람", "받는사람", "수신자",
		"수신인", "an", "empfänger",
		"destinataire", "destinatario", "получатель", "failed", "message to", "delivery failed", "size", "attempts", "emailaddress",
	}
	// delayPhrases say that the mail system goes on trying.
	delayPhrases = []string{
		"has been delayed", "is delayed", "delayed mail", "warning message only", "this is a warning only", "is a warning only",
		"do not need to resend", "still being retried", "will be retried", "delivery delayed", "(delay)",
		"temporary failure report", "will keep trying", "delivery status notification (delay", "could not send message for past",
		"will continue to try",
		"notification: warning", "not yet been delivered", "has not been delivered yet", "지연", "遅延", "延迟",
	}
	// gaveUpPhrases say that it does not.
	gaveUpPhrases = []string{
		"i've given up", "giving up", "not going to try again", "no further delivery attempts", "permanent error", "failed permanently",
		"has been a permanent failure",
		"retry timeout exceeded", "will be deleted from queue",
	}
	// policyPhrases say that the mail or its sender was not wanted; nothing is wrong with the address.
	policyPhrases = []string{
		"spamhaus", "blacklist", "blocklist", "block list", "black list", "denylist", "blocked", "dnsbl", "rbl", "spam", "virus", "access denied. ip",
		"poor reputation", "dmarc", "spf ", "dkim", "relaying denied", "relay access", "unable to relay", "not permitted to relay", "banned",
		"reverse dns", "ptr record",
		"sender address rejected", "sender rejected", "sender verify",
	}
	// senderPhrases say that an address was wrong, but the sender's.
	senderPhrases = []string{"sender", "from address", "mail from", "return path", "envelope from", "helo", "ehlo"}
	// afterDataPhrases say that the recipient had been accepted.
	afterDataPhrases = []string{
		"end of data", "after i sent the message", "reply to data", "sending data", "end of message", "smtp command\ndata", "after data",
	}
	unknownUserPhrases = []string{
		"user unknown", "unknown user", "no such user", "no such account", "no such mailbox", "no mailbox", "mailbox not found",
		"mailbox unavailable", "does not exist",
		"doesn't exist", "invalid recipient", "recipient not found", "recipnotfound", "recipient name is not recognized", "unknown recipient",
		"not listed in", "address unknown",
		"unknown address", "unknown local", "unrouteable address", "unroutable address", "not our customer", "not our user", "no such person",
		"recipient address rejected: access denied", "user not found", "couldn't be found", "could not be found", "wasn't found", "not found in",
		"no such recipient", "is not a valid", "user not exist", "not a known user", "unknown or illegal", "invalid mailbox", "invalid address",
		"isn't a known", "not recognized",
		"mailbox name not allowed", "address rejected: user", "user doesn't", "bad destination mailbox", "has moved", "no longer",
		"account has been deactivated", "account closed",
		"존재하지 않", "없는 메일", "없는 계정", "없는 주소", "주소를 찾을 수 없", "주소가 잘못", "알 수 없는 사용자", "없는 사용자", "사용자가 없",
		"수신자를 찾을 수 없", "계정이 없", "見つから", "存在しない", "存在しません", "宛先不明",
		"不存在", "无此用户", "nicht gefunden", "unbekannt", "inconnu", "desconocido", "não existe", "не существует", "пользователь не найден",
	}
	unknownHostPhrases = []string{
		"host unknown", "unknown host", "host not found", "domain not found", "domain name not found", "dns error", "domain does not exist",
		"name or service not known", "no such domain", "unknown domain", "nxdomain", "dns lookup failure",
		"bad destination host", "unable to look up host", "non-existent domain", "no mx", "null mx", "couldn't find any host", "illegal host/domain",
		"does not accept mail", "domain may not exist", "domain is not reachable", "no such host", "name server: .: host not found", "invalid domain",
	}
	fullPhrases = []string{
		"mailbox full", "mailbox is full", "over quota", "overquota", "quota exceeded", "exceeded storage", "mailbox exceeded",
		"recipient's mailbox exceeded", "exceeds allowed size", "out of storage", "mailbox size limit", "storage space", "disk quota", "full mailbox",
		"insufficient space",
		"exceeded its", "quota", "inbox is full", "용량", "편지함이 가득", "메일함이 가득", "사서함이 가득", "メールボックスがいっぱい", "邮箱已满",
		"voll", "pleine",
	}
)
