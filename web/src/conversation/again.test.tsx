import { create } from "@bufbuild/protobuf";
import { timestampFromMs, timestampNow } from "@bufbuild/protobuf/wkt";
import { screen, waitFor } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";
import { type Contact, DraftSchema, OfferState, Phase } from "../gen/postroom/contact/v1/contact_pb";
import type {
  CloseContactRequest,
  CompleteWrapUpRequest,
  QuickReplyRequest,
  ReturnToContactRequest,
} from "../gen/postroom/contact/v1/service_pb";
import { openDesk } from "../testing/desk";
import { aCard, aContact, Code, contactId, Fake, offerId, refusal } from "../testing/server";
import { standingOf } from "./Conversation";

// The customer writes again (R22).

let fake: Fake;

const first = "0198c1b2-7a00-7000-8000-0000000000c1";
const second = "0198c1b2-7a00-7000-8000-0000000000c2";

/** writtenAgain is the contact after another mail of the customer. */
function writtenAgain(contact: Contact): Contact {
  const mails = contact.messages.map((m) => ({ ...m }));
  return aContact({
    ...(contact.phase === Phase.WRAPUP && { phase: Phase.WRAPUP, offerState: OfferState.WRAPUP, outcome: "replied" }),
    version: contact.version + 1n,
    messages: [
      ...mails,
      {
        messageId: second,
        from: { name: "이영희", address: "yh@example.org" },
        subject: "Re: 배송 문의",
        text: "아직도 안 왔어요",
        at: timestampNow(),
      },
    ],
  });
}

beforeEach(() => {
  fake = new Fake();
  history.replaceState(null, "", `/contacts/${contactId}`);
});

describe("a reply over a mail that was not seen", () => {
  beforeEach(() => {
    fake.cards = [aCard({ state: OfferState.ACCEPTED, phase: Phase.OWNED, version: 4n })];
  });

  it("is not sent, shows the mail, keeps the text, and can be sent anyway", async () => {
    fake.contacts = {
      quickReply: (request) => {
        fake.calls.push({ method: "quickReply", request });
        if (!request.sendAnyway) {
          fake.contact = writtenAgain(fake.contact);
          fake.contact.draft = create(DraftSchema, {
            version: 9n,
            text: request.text,
            author: "mina",
            at: timestampNow(),
          });
          throw refusal(Code.Aborted, "unseen_message");
        }
        fake.contact = aContact({
          phase: Phase.WRAPUP,
          offerState: OfferState.WRAPUP,
          version: 6n,
          outcome: "replied",
        });
        return { contact: fake.contact };
      },
    };
    const { user } = openDesk(fake);
    await user.type(await screen.findByRole("textbox", { name: /Reply to/ }), "내일 도착합니다");
    await user.click(screen.getByRole("button", { name: "Quick Reply" }));
    await screen.findByText("The customer has written again: your reply was not sent");
    await screen.findByText("아직도 안 왔어요");
    expect(screen.getByRole<HTMLTextAreaElement>("textbox", { name: /Reply to/ }).value).toBe("내일 도착합니다");
    await user.click(screen.getByRole("button", { name: "Send anyway" }));
    await screen.findByRole("combobox", { name: /Select wrap-up/ });
    const [refused, sent] = fake.called<QuickReplyRequest>("quickReply");
    expect([refused?.seenMessageId, refused?.sendAnyway]).toEqual([first, false]);
    expect([sent?.seenMessageId, sent?.sendAnyway, sent?.draftVersion]).toEqual([first, true, 9n]);
    expect(sent?.requestId).not.toBe(refused?.requestId);
  });

  it("is closed by a second click, once the mail is shown", async () => {
    fake.contacts = {
      closeContact: (request) => {
        fake.calls.push({ method: "closeContact", request });
        if (request.seenMessageId === first) {
          fake.contact = writtenAgain(fake.contact);
          throw refusal(Code.Aborted, "unseen_message");
        }
        fake.contact = aContact({ phase: Phase.WRAPUP, offerState: OfferState.WRAPUP, version: 6n });
        return { contact: fake.contact };
      },
    };
    const { user } = openDesk(fake);
    await user.click(await screen.findByRole("button", { name: "Close" }));
    await screen.findByText(/Read the new message first/);
    await screen.findByText("아직도 안 왔어요");
    await user.click(screen.getByRole("button", { name: "Close without reply" }));
    await waitFor(() => expect(fake.called<CloseContactRequest>("closeContact")[1]?.seenMessageId).toBe(second));
  });
});

describe("a wrap-up during which the customer writes", () => {
  beforeEach(() => {
    fake.cards = [
      aCard({
        state: OfferState.WRAPUP,
        phase: Phase.WRAPUP,
        version: 5n,
        handledAt: timestampFromMs(Date.now() - 1000),
      }),
    ];
    const contact = aContact();
    contact.messages = contact.messages.map((m) => ({ ...m, at: timestampFromMs(Date.now() - 5000) }));
    fake.contact = aContact({
      phase: Phase.WRAPUP,
      offerState: OfferState.WRAPUP,
      version: 5n,
      outcome: "replied",
      messages: contact.messages.map((m) => ({ ...m })),
    });
  });

  it("shows the mail, and offers the way back to work", async () => {
    fake.contacts = {
      completeWrapUp: (request) => {
        fake.calls.push({ method: "completeWrapUp", request });
        if (request.seenMessageId === first) {
          fake.contact = writtenAgain(fake.contact);
          throw refusal(Code.Aborted, "unseen_message");
        }
        return {};
      },
      returnToContact: (request) => {
        fake.calls.push({ method: "returnToContact", request });
        fake.contact = aContact({ version: 7n });
        return { contact: fake.contact };
      },
    };
    const { user } = openDesk(fake);
    await user.click(await screen.findByRole("combobox", { name: /Select wrap-up/ }));
    await user.click(await screen.findByRole("option", { name: "Resolved" }));
    await user.click(screen.getByRole("button", { name: "Complete" }));
    await screen.findByText("아직도 안 왔어요");
    await screen.findByText(/the new message becomes a new contact/);
    expect(fake.called<CompleteWrapUpRequest>("completeWrapUp")).toHaveLength(1);
    await user.click(screen.getByRole("button", { name: "Back to work" }));
    await screen.findByRole("textbox", { name: /Reply to/ });
    expect(fake.called<ReturnToContactRequest>("returnToContact")[0]?.offerId).toBe(offerId);
  });

  it("can be completed all the same, once the mail is shown", async () => {
    fake.contacts = {
      completeWrapUp: (request) => {
        fake.calls.push({ method: "completeWrapUp", request });
        if (request.seenMessageId === first) {
          fake.contact = writtenAgain(fake.contact);
          throw refusal(Code.Aborted, "unseen_message");
        }
        return {};
      },
    };
    const { user } = openDesk(fake);
    await user.click(await screen.findByRole("combobox", { name: /Select wrap-up/ }));
    await user.click(await screen.findByRole("option", { name: "Resolved" }));
    await user.click(screen.getByRole("button", { name: "Complete" }));
    await screen.findByText("아직도 안 왔어요");
    await user.click(screen.getByRole("button", { name: "Complete" }));
    await waitFor(() => expect(fake.called<CompleteWrapUpRequest>("completeWrapUp")[1]?.seenMessageId).toBe(second));
  });
});

describe("a contact that was passed on", () => {
  const card = aCard({ state: OfferState.WRAPUP, phase: Phase.WAITING, version: 5n, passedOn: true });

  it("leaves the agent his own segment to wrap up, wherever the contact is", () => {
    const elsewhere = {
      agent: "tom",
      offerId: "0198c1b2-7a00-7000-8000-0000000000a2",
      offerState: OfferState.ACCEPTED,
    };
    for (const contact of [aContact({ ...elsewhere, version: 9n }), aContact({ ...elsewhere, version: 5n })]) {
      expect(standingOf(contact, card, "mina")).toEqual({ offerId, state: OfferState.WRAPUP, passedOn: true });
    }
  });

  it("offers no way back", async () => {
    fake.cards = [card];
    fake.contact = aContact({
      agent: "",
      offerId: "",
      offerState: OfferState.UNSPECIFIED,
      phase: Phase.WAITING,
      version: 9n,
    });
    openDesk(fake);
    await screen.findByText(/You passed this contact on/);
    expect(screen.queryByRole("button", { name: "Back to work" })).toBeNull();
  });
});
