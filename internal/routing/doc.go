// Package routing decides which queue a mail leads to, which agent a contact is offered to, and which contact an agent is offered.
//
// It is pure: it takes values, the time included, and returns a decision with its reasons (R35). It claims nothing; a decision is a
// wish that internal/store tests again under lock, and that may lose.
package routing
