import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import type { AgentState, StreamToken, WatchResponse } from "../gen/postroom/agent/v1/agent_pb";
import { type ContactCard, OfferState } from "../gen/postroom/contact/v1/contact_pb";

/** LiveState is what the stream has told: the agent's state and his active contact list. */
export interface LiveState {
  /** The place to resume from; nothing before the first snapshot. */
  token: StreamToken | undefined;
  agent: AgentState | undefined;
  /** The list by contact. */
  cards: ReadonlyMap<string, ContactCard>;
  /** Cards whose offer has just expired: they flash for a moment (R9). */
  expired: readonly ContactCard[];
  /** The reminders that have fired to him and are not done (R25). */
  fired: ReadonlySet<string>;
}

export const noState: LiveState = {
  token: undefined,
  agent: undefined,
  cards: new Map(),
  expired: [],
  fired: new Set(),
};

/** reduce is what a message of the stream makes of the state. A snapshot replaces everything; the rest is one contact or the agent. */
export function reduce(state: LiveState, message: WatchResponse): LiveState {
  const token = message.token ?? state.token;
  const { event } = message;
  switch (event.case) {
    case "snapshot":
      return {
        token,
        agent: event.value.state,
        cards: new Map(event.value.contacts.map((card) => [card.contactId, card])),
        expired: [],
        fired: new Set(event.value.firedReminderIds),
      };
    case "stateChanged":
      return { ...withAgent(state, event.value), token };
    case "contactChanged": {
      const { contactId, card, offerId, offerState } = event.value;
      const known = state.cards.get(contactId);
      if (card && known && known.version > card.version) {
        return { ...state, token };
      }
      const cards = new Map(state.cards);
      if (card) {
        cards.set(contactId, card);
      } else {
        cards.delete(contactId);
      }
      const missed = offerState === OfferState.EXPIRED && known?.offerId === offerId && isLive(known);
      return { ...state, token, cards, expired: missed ? [...state.expired, known] : state.expired };
    }
    case "reminderChanged": {
      const fired = new Set(state.fired);
      fired.delete(event.value.reminderId);
      if (event.value.fired) {
        fired.add(event.value.reminderId);
      }
      return { ...state, token, fired };
    }
    default:
      return { ...state, token };
  }
}

/** withAgent takes a state of the agent, unless a newer one is known: an answer to a call and the stream race each other. */
export function withAgent(state: LiveState, agent: AgentState): LiveState {
  return state.agent && state.agent.version > agent.version ? state : { ...state, agent };
}

/** forgetExpired takes a card away that has flashed. */
export function forgetExpired(state: LiveState, offerId: string): LiveState {
  return { ...state, expired: state.expired.filter((card) => card.offerId !== offerId) };
}

/** newOffers are the offers in next that nobody has seen yet: not in previous, and not marked as shown by a desktop before. */
export function newOffers(previous: LiveState, next: LiveState): ContactCard[] {
  return offersOf(next).filter((card) => !card.shown && previous.cards.get(card.contactId)?.offerId !== card.offerId);
}

export const isLive = (card: ContactCard): boolean => card.state === OfferState.LIVE;

/** offersOf lists the live offers, the one that expires first at the front: that is what "accept the first" takes. */
export function offersOf(state: LiveState): ContactCard[] {
  return [...state.cards.values()].filter(isLive).sort((a, b) => ms(a.expiresAt) - ms(b.expiresAt));
}

/** heldOf lists what was accepted, oldest first: contacts in work before those in wrap-up would jump about, so time alone decides. */
export function heldOf(state: LiveState): ContactCard[] {
  return [...state.cards.values()].filter((card) => !isLive(card)).sort((a, b) => ms(a.acceptedAt) - ms(b.acceptedAt));
}

/** ms is a timestamp in Unix milliseconds; 0 if there is none. */
export function ms(t: Timestamp | undefined): number {
  return t ? timestampMs(t) : 0;
}
