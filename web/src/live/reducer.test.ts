import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import { State, type WatchResponse, WatchResponseSchema } from "../gen/postroom/agent/v1/agent_pb";
import { OfferState, Phase } from "../gen/postroom/contact/v1/contact_pb";
import { aCard, contactId, offerId } from "../testing/server";
import { forgetExpired, heldOf, newOffers, noState, offersOf, reduce } from "./reducer";

let seq = 0n;

function message(event: MessageInitShape<typeof WatchResponseSchema>["event"]): WatchResponse {
  return create(WatchResponseSchema, { token: { epoch: "e", seq: ++seq }, ...(event ? { event } : {}) });
}

const offered = () => reduce(noState, message({ case: "snapshot", value: { contacts: [aCard()] } }));

describe("the stream", () => {
  it("begins with a snapshot that replaces what was known", () => {
    const before = offered();
    const after = reduce(before, message({ case: "snapshot", value: { contacts: [aCard({ contactId: "other" })] } }));
    expect([...after.cards.keys()]).toEqual(["other"]);
    expect(after.token?.seq).toBe(seq);
  });

  it("moves the token on with every message, also with those that say nothing", () => {
    const after = reduce(offered(), message({ case: "keepAlive", value: {} }));
    expect(after.token?.seq).toBe(seq);
    expect(after.cards.size).toBe(1);
  });

  it("turns an offer into a contact in work when it was accepted, in whatever tab", () => {
    const card = aCard({ state: OfferState.ACCEPTED, phase: Phase.OWNED, version: 4n });
    const after = reduce(offered(), message({ case: "contactChanged", value: { contactId, card, offerId } }));
    expect(offersOf(after)).toEqual([]);
    expect(heldOf(after)).toEqual([card]);
  });

  it("lets an offer flash that was not answered, and no other", () => {
    const ended = (offerState: OfferState) =>
      reduce(offered(), message({ case: "contactChanged", value: { contactId, offerId, offerState } }));
    expect(ended(OfferState.EXPIRED).expired.map((c) => c.offerId)).toEqual([offerId]);
    expect(ended(OfferState.EXPIRED).cards.size).toBe(0);
    expect(ended(OfferState.WITHDRAWN).expired).toEqual([]);
    expect(ended(OfferState.UNREACHABLE).expired).toEqual([]);
    expect(forgetExpired(ended(OfferState.EXPIRED), offerId).expired).toEqual([]);
  });

  it("keeps the newer of two cards of a contact", () => {
    const late = aCard({ version: 2n, subject: "old" });
    const after = reduce(offered(), message({ case: "contactChanged", value: { contactId, card: late } }));
    expect(after.cards.get(contactId)?.subject).toBe("배송 문의");
  });

  it("keeps the newer of two states of the agent: an answer to a call races the stream", () => {
    const available = reduce(
      noState,
      message({ case: "stateChanged", value: { state: State.AVAILABLE, version: 7n } }),
    );
    const after = reduce(available, message({ case: "stateChanged", value: { state: State.RONA, version: 6n } }));
    expect(after.agent?.state).toBe(State.AVAILABLE);
  });

  it("gives the same for the same messages, and leaves its input alone", () => {
    const before = offered();
    const copy = new Map(before.cards);
    const m = message({ case: "contactChanged", value: { contactId, offerId, offerState: OfferState.DECLINED } });
    expect(reduce(before, m)).toEqual(reduce(before, m));
    expect(before.cards).toEqual(copy);
  });
});

describe("offers", () => {
  it("stand in the order in which they expire", () => {
    const late = aCard({ contactId: "a", offerId: "1", expiresAt: timestampFromMs(9_000) });
    const soon = aCard({ contactId: "b", offerId: "2", expiresAt: timestampFromMs(5_000) });
    const state = reduce(noState, message({ case: "snapshot", value: { contacts: [late, soon] } }));
    expect(offersOf(state).map((c) => c.offerId)).toEqual(["2", "1"]);
  });

  it("are new once: not after a reload, when a desktop has shown them already", () => {
    const state = offered();
    expect(newOffers(noState, state)).toHaveLength(1);
    expect(newOffers(state, state)).toHaveLength(0);
    const reloaded = reduce(noState, message({ case: "snapshot", value: { contacts: [aCard({ shown: true })] } }));
    expect(newOffers(noState, reloaded)).toHaveLength(0);
  });
});
