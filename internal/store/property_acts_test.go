package store_test

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/postroom/postroom"
	"github.com/postroom/postroom/internal/store"
	"github.com/postroom/postroom/internal/testkit"
)

// acts are everything that happens in a world.
func acts() []act {
	return slices.Concat(peoplesActs(), systemsActs(), supervisorsActs(), composingActs())
}

// supervise is what sora, or an agent himself, does to a contact in one of the phases: on what was seen, or on something older. It may be
// repeated later.
func supervise(name string, weight int, do func(ctx context.Context, s *store.Store, v store.Supervision, agent postroom.AgentID) error,
	phases ...postroom.ContactPhase) act {
	return act{name, weight, func(w *world) func(context.Context, *store.Store) error {
		contact, ok := pick(w, w.contacts, func(c seenContact) bool { return slices.Contains(phases, c.Phase) })
		if !ok {
			return nil
		}
		agent := w.agents[w.random.IntN(len(w.agents))]
		v := store.Supervision{Command: testkit.Command("sora"), By: sora, Contact: contact.ID, Seen: contact.Version - int64(w.random.IntN(8)/7)}
		if name == "pick" {
			v.Command, v.By = testkit.Command(agent), postroom.Actor{Kind: postroom.ActorAgent, ID: string(agent)}
		}
		return w.remembered(func(ctx context.Context, s *store.Store) error { return do(ctx, s, v, agent) })
	}}
}

func supervisorsActs() []act {
	return []act{
		supervise("assign", 3, func(ctx context.Context, s *store.Store, v store.Supervision, agent postroom.AgentID) error {
			_, err := s.AssignContact(ctx, v, agent)
			return err
		}, postroom.ContactWaiting, postroom.ContactOffered),
		supervise("pick", 2, func(ctx context.Context, s *store.Store, v store.Supervision, _ postroom.AgentID) error {
			_, err := s.PickContact(ctx, v)
			return err
		}, postroom.ContactWaiting),
		supervise("requeue", 2, func(ctx context.Context, s *store.Store, v store.Supervision, _ postroom.AgentID) error {
			_, err := s.RequeueContact(ctx, v)
			return err
		}, postroom.ContactOffered, postroom.ContactOwned),
		supervise("move", 2, func(ctx context.Context, s *store.Store, v store.Supervision, _ postroom.AgentID) error {
			_, err := s.MoveContact(ctx, v, "second")
			if err == nil || postroom.ReasonOf(err) != postroom.ReasonAlreadyThere {
				return err
			}
			_, err = s.MoveContact(ctx, v, "general")
			return err
		}, postroom.ContactWaiting, postroom.ContactOffered, postroom.ContactOwned),
		supervise("reprioritise", 1, func(ctx context.Context, s *store.Store, v store.Supervision, _ postroom.AgentID) error {
			five := 5
			_, err := s.ReprioritiseContact(ctx, v, &five)
			return err
		}, postroom.ContactWaiting, postroom.ContactOwned),
		supervise("unstick", 2, func(ctx context.Context, s *store.Store, v store.Supervision, _ postroom.AgentID) error {
			_, err := s.UnstickContact(ctx, v, "general")
			return err
		}, postroom.ContactNew, postroom.ContactWaiting, postroom.ContactOffered, postroom.ContactOwned, postroom.ContactWrapUp),
		supervise("close waiting", 1, func(ctx context.Context, s *store.Store, v store.Supervision, _ postroom.AgentID) error {
			_, err := s.CloseWaiting(ctx, store.Closing{Supervision: v, Agent: "sora", Code: "solved"})
			return err
		}, postroom.ContactWaiting),
		force("force Available", 1, postroom.AgentAvailable),
		force("force Idle", 1, postroom.AgentIdle),
		force("force out", 1, postroom.AgentLoggedOut),
		presence("lose the owner", 2, func(ctx context.Context, s *store.Store, agent postroom.AgentID) error {
			_, err := s.LoseOwner(ctx, agent)
			return err
		}),
	}
}

// force is a state that sora gives an agent, by what she saw or something older.
func force(name string, weight int, to postroom.AgentState) act {
	return act{name, weight, func(w *world) func(context.Context, *store.Store) error {
		agent := w.agents[w.random.IntN(len(w.agents))]
		f := store.Forcing{Command: testkit.Command("sora"), By: sora, Change: store.AgentChange{Agent: agent, To: to, Code: "lunch",
			Seen: w.versions[agent] - int64(w.random.IntN(4)/3)}}
		return w.remembered(func(ctx context.Context, s *store.Store) error {
			_, _, err := s.ForceAgentState(ctx, f)
			return err
		})
	}}
}

func peoplesActs() []act {
	return []act{
		{"a customer writes", 4, func(w *world) func(context.Context, *store.Store) error {
			mail := w.Mail(uuid.NewString()+"@customer.example", "Hello")
			return func(ctx context.Context, s *store.Store) error { _, err := s.Ingest(ctx, mail); return err }
		}},
		{"a customer writes again", 5, func(w *world) func(context.Context, *store.Store) error {
			contact, ok := pick(w, w.contacts, func(c seenContact) bool { return c.Answer != "" })
			if !ok {
				return nil
			}
			mail := w.FollowUp(contact.From, contact.Answer)
			return func(ctx context.Context, s *store.Store) error { _, err := s.Ingest(ctx, mail); return err }
		}},
		by("accept", 8, func(ctx context.Context, s *store.Store, c postroom.Command, o seenOffer) error {
			_, err := s.AcceptOffer(ctx, c, o.ID)
			return err
		}, postroom.OfferLive),
		by("decline", 2, func(ctx context.Context, s *store.Store, c postroom.Command, o seenOffer) error {
			_, err := s.DeclineOffer(ctx, c, o.ID)
			return err
		}, postroom.OfferLive),
		by("close", 3, func(ctx context.Context, s *store.Store, c postroom.Command, o seenOffer) error {
			_, err := s.CloseWithoutReply(ctx, c, o.ID)
			return err
		}, postroom.OfferAccepted),
		by("draft", 2, func(ctx context.Context, s *store.Store, c postroom.Command, o seenOffer) error {
			_, err := s.SaveDraft(ctx, c, store.DraftSave{Offer: o.ID, Body: postroom.SealText("Dear customer"),
				Findings: []postroom.Finding{{Kind: postroom.FindingPAN, Place: "draft", Detector: "test"}}})
			return err
		}, postroom.OfferAccepted),
		by("reply", 6, reply, postroom.OfferAccepted),
		by("note", 2, func(ctx context.Context, s *store.Store, _ postroom.Command, o seenOffer) error {
			return s.SaveWrapUpNote(ctx, o.Agent, o.ID, postroom.SealText("note"), []postroom.Finding{{Kind: postroom.FindingPAN, Place: "note", Detector: "test"}})
		}, postroom.OfferWrapUp),
		by("complete", 6, func(ctx context.Context, s *store.Store, c postroom.Command, o seenOffer) error {
			_, err := s.CompleteWrapUp(ctx, c, o.ID, postroom.WrapUp{Code: "solved"})
			return err
		}, postroom.OfferWrapUp),
		by("extend the wrap-up", 2, func(ctx context.Context, s *store.Store, c postroom.Command, o seenOffer) error {
			_, err := s.ExtendWrapUp(ctx, c, o.ID)
			return err
		}, postroom.OfferWrapUp),
		by("transfer to the queue", 2, func(ctx context.Context, s *store.Store, c postroom.Command, o seenOffer) error {
			_, err := s.TransferContact(ctx, c, o.ID, store.Transfer{Queue: "general"})
			return err
		}, postroom.OfferAccepted),
		by("transfer to an agent", 2, func(ctx context.Context, s *store.Store, c postroom.Command, o seenOffer) error {
			_, err := s.TransferContact(ctx, c, o.ID, store.Transfer{Agent: map[postroom.AgentID]postroom.AgentID{"mina": "jiwoo", "jiwoo": "tom", "tom": "mina"}[o.Agent]})
			return err
		}, postroom.OfferAccepted),
		by("park for a while", 2, func(ctx context.Context, s *store.Store, c postroom.Command, o seenOffer) error {
			_, err := s.ParkContact(ctx, c, o.ID, time.Now().Add(leap))
			if postroom.ReasonOf(err) == postroom.ReasonParkTime {
				return nil // the clock has leapt over it
			}
			return err
		}, postroom.OfferAccepted),
		by("park until the customer writes", 2, func(ctx context.Context, s *store.Store, c postroom.Command, o seenOffer) error {
			_, err := s.ParkContact(ctx, c, o.ID, time.Time{})
			return err
		}, postroom.OfferAccepted),
		{"reopen", 3, func(w *world) func(context.Context, *store.Store) error {
			contact, ok := pick(w, w.contacts, func(c seenContact) bool { return c.Phase == postroom.ContactDone })
			if !ok {
				return nil
			}
			command := testkit.Command(w.agents[w.random.IntN(len(w.agents))])
			return w.remembered(func(ctx context.Context, s *store.Store) error {
				_, err := s.ReopenContact(ctx, command, contact.ID)
				return err
			})
		}},
		{"look and leave a note", 2, func(w *world) func(context.Context, *store.Store) error {
			contact, ok := pick(w, w.contacts, func(seenContact) bool { return true })
			if !ok {
				return nil
			}
			command := testkit.Command(w.agents[w.random.IntN(len(w.agents))])
			return w.remembered(func(ctx context.Context, s *store.Store) error {
				if err := s.RecordLook(ctx, command.Actor, contact.ID); err != nil {
					return err
				}
				_, err := s.AddNote(ctx, command, contact.ID, postroom.SealText("He called, too."), nil)
				return err
			})
		}},
		by("return to work", 2, func(ctx context.Context, s *store.Store, c postroom.Command, o seenOffer) error {
			_, err := s.ReturnToContact(ctx, c, o.ID)
			return err
		}, postroom.OfferWrapUp),
		choice("choose Available", 8, postroom.AgentAvailable, false),
		choice("choose Idle", 1, postroom.AgentIdle, false),
		choice("choose Idle after contact", 1, postroom.AgentIdle, true),
		presence("sign in", 2, func(ctx context.Context, s *store.Store, agent postroom.AgentID) error {
			return s.OpenSession(ctx, newToken(), agent)
		}),
		presence("sign out", 1, func(ctx context.Context, s *store.Store, agent postroom.AgentID) error {
			if err := s.RevokeSessions(ctx, testkit.Command("admin"), postroom.System("test"), agent); err != nil {
				return err
			}
			_, err := s.CloseSession(ctx, newToken(), agent)
			return err
		}),
		{"repeat an old request", 5, func(w *world) func(context.Context, *store.Store) error {
			if len(w.past) == 0 {
				return nil
			}
			return w.past[w.random.IntN(len(w.past))]
		}},
	}
}

// reply renders and queues a reply, as two steps of which the second may come too late.
func reply(ctx context.Context, s *store.Store, c postroom.Command, o seenOffer) error {
	source, err := s.ReplySource(ctx, o.ID, "")
	if err != nil {
		return err
	}
	_, err = s.QueueReply(ctx, c, o.ID, store.Reply{Outbox: postroom.OutboxID(testkit.NewID()), Message: postroom.MessageID(testkit.NewID()),
		Mailbox: source.Mailbox, DraftVersion: source.Version, From: postroom.Address{Address: postroom.SealText(source.From)},
		Recipients: []store.Recipient{{Field: "to", Address: postroom.Address{Address: postroom.SealText(source.To)}}}, Subject: postroom.SealText(source.Subject), Body: postroom.SealText("Dear customer"),
		MessageID: testkit.NewID() + "@shop.example", EnvelopeFrom: source.From, BlobKey: testkit.NewID(), Size: 10})
	return err
}

func systemsActs() []act {
	return []act{
		on("route", 8, func(ctx context.Context, s *store.Store, c seenContact) error {
			_, err := s.RouteContact(ctx, c.ID, "general", "test")
			return err
		}, postroom.ContactNew),
		on("resume", 3, func(ctx context.Context, s *store.Store, c seenContact) error {
			_, err := s.ResumeContact(ctx, c.ID)
			return err
		}, postroom.ContactParked),
		{"claim", 14, func(w *world) func(context.Context, *store.Store) error {
			contact, ok := pick(w, w.contacts, func(c seenContact) bool { return c.Phase == postroom.ContactWaiting })
			if !ok {
				return nil
			}
			claim := store.Claim{Contact: contact.ID, Agent: w.agents[w.random.IntN(len(w.agents))], Reason: "test", By: postroom.System("test")}
			return func(ctx context.Context, s *store.Store) error { _, _, err := s.ClaimOffer(ctx, claim); return err }
		}},
		by("show", 8, func(ctx context.Context, s *store.Store, _ postroom.Command, o seenOffer) error {
			return s.OfferShown(ctx, o.Agent, o.ID)
		}, postroom.OfferLive),
		by("meet an outage", 1, func(ctx context.Context, s *store.Store, _ postroom.Command, o seenOffer) error {
			return s.AcceptMetOutage(ctx, o.Agent, o.ID)
		}, postroom.OfferLive),
		by("expire", 6, func(ctx context.Context, s *store.Store, _ postroom.Command, o seenOffer) error {
			_, err := s.ExpireOffer(ctx, o.ID)
			return err
		}, postroom.OfferLive),
		by("complete by itself", 4, func(ctx context.Context, s *store.Store, _ postroom.Command, o seenOffer) error {
			_, err := s.AutoWrapUp(ctx, o.ID)
			return err
		}, postroom.OfferWrapUp),
		presence("heartbeat", 6, func(ctx context.Context, s *store.Store, agent postroom.AgentID) error {
			_, err := s.Heartbeat(ctx, agent)
			return err
		}),
		presence("lose the lease", 2, func(ctx context.Context, s *store.Store, agent postroom.AgentID) error {
			_, err := s.LoseLease(ctx, agent)
			return err
		}),
		presence("look", 2, func(ctx context.Context, s *store.Store, agent postroom.AgentID) error {
			want, found, err := s.WantOf(ctx, agent)
			if err != nil || !found {
				return err
			}
			return s.Looked(ctx, want)
		}),
		{"reconcile", 2, func(*world) func(context.Context, *store.Store) error {
			return func(ctx context.Context, s *store.Store) error {
				if _, err := s.ForgetOverdue(ctx); err != nil {
					return err
				}
				untold, err := s.TakeUntold(ctx, 10)
				if err != nil {
					return err
				}
				return s.MarkTold(ctx, untold...)
			}
		}},
		{"send", 2, func(*world) func(context.Context, *store.Store) error { return sendOne }},
	}
}

// sendOne takes a reply of some open contact to send, as its workflow does.
func sendOne(ctx context.Context, s *store.Store) error {
	var contact postroom.ContactID
	if err := s.Pool().QueryRow(ctx, "SELECT coalesce((SELECT contact_id::text FROM outbox WHERE settled_at IS NULL LIMIT 1), '')").Scan(&contact); err != nil ||
		contact == "" {
		return nil
	}
	now, err := s.LoadContact(ctx, contact)
	if err != nil || len(now.Sends) == 0 {
		return err
	}
	taken, err := s.TakeToSend(ctx, now.Sends[0].Outbox)
	if err != nil || !taken.Take {
		return err
	}
	if err := s.BeforeDot(ctx, taken.Sending.Outbox, taken.Sending.Token); err != nil {
		return err
	}
	return noted(s.EndAttempt(ctx, taken.Sending.Outbox, taken.Sending.Token, store.Attempted{Delivery: postroom.DeliverySent, Code: 250, Retry: time.Second}))
}
