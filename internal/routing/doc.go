// Package routing decides which queue a mail leads to, which agent a contact is offered to, which contact an agent is offered, and what time
// changes about a wait; and it explains all of that (R11, R31, R32, R35).
//
//   - ChooseQueue: rules and entry points.
//   - ChooseAgent, ChooseContact: the two sides of a match.
//   - Progress: stages, the end of a target's time, overflow. OpenSpan, OpenTime, After: business hours.
//   - Explain: what each agent lacks to be offered a waiting contact.
//
// It is pure: it takes values, the time included, and returns a decision with its reasons. It claims nothing; a decision is a wish that
// internal/store tests again under lock, and that may lose. How it decides is told in docs/routing.md.
package routing
