// Package pci is the gate (R36): the only package that turns text and bytes into [postroom.Text] and [postroom.Bytes], which are
// the only forms that store and blob accept. It is pure: values in, values out, no I/O, no clock, no log.
//
// A [Scanner] looks for payment card numbers (R27): an issuer prefix, a length that this issuer uses, and the Luhn check digit,
// over digits of any script, with the usual separators and invisible characters between them.
//
//   - Text masks what it finds in place, `**** **** **** 1111`: the length in characters and the separators stay, and so do the
//     last four digits, which PCI DSS 3.4.1 allows to be shown.
//   - Draft is Text for what people are still typing: an issuer-prefixed run of 11 digits already counts (R37).
//   - Attachment never masks: content with a card number is destroyed, content that cannot be inspected is withheld (R29).
//   - Seal passes finished bytes, such as a mail about to be sent, only when neither they nor their decoded parts hold anything (R28).
//
// How it works, from the outside in: scan.go and attachment.go are the doors; find.go walks the text; run.go collects digits that
// belong together; accept.go decides whether they are a card number; issuer.go, digit.go and context.go are its tables.
package pci
