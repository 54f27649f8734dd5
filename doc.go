// Package postroom is the vocabulary of the product: the types, closed sets of states and transition tables that every other
// package speaks in. It imports the standard library only, does no I/O and holds no rules about mail, cards or routing.
//
// Follow one email through it:
//
//   - A customer writes. The mail becomes a [Message] in a Thread, and opens a [Contact]: one customer request being handled.
//   - The contact waits in a [Queue]; that stay is a [Segment].
//   - An [Offer] proposes it to one [Agent], exclusively and until a deadline. The agent accepts or declines it; or the offer
//     expires ([OfferExpired], which makes the agent [AgentRONA]), is withdrawn, or turns out to have been unreachable.
//   - An accepted offer is ownership: a new segment, with the agent. He replies or closes, and wraps up ([WrapUp]).
//
// The states of contact, segment, offer and agent change only as the tables [ContactMachine], [SegmentMachine],
// [OfferMachine] and [AgentMachine] say; docs/state-machines.md is drawn from them.
//
// The names R1–R50 and I1–I10 in comments are the requirements and invariants listed in docs/requirements.md.
package postroom
