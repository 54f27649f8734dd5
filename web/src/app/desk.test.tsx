import { create } from "@bufbuild/protobuf";
import { timestampFromMs, timestampNow } from "@bufbuild/protobuf/wkt";
import { ConnectError } from "@connectrpc/connect";
import { screen, waitFor, within } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";
import { AgentStateSchema, type SetStateRequest, State } from "../gen/postroom/agent/v1/agent_pb";
import { SessionSchema } from "../gen/postroom/auth/v1/auth_pb";
import { Delivery, DraftSchema, MessageSchema, OfferState, Phase } from "../gen/postroom/contact/v1/contact_pb";
import type {
  CompleteWrapUpRequest,
  MarkOfferShownRequest,
  QuickReplyRequest,
} from "../gen/postroom/contact/v1/service_pb";
import { openDesk } from "../testing/desk";
import { aCard, aContact, Code, contactId, Fake, offerId, refusal } from "../testing/server";

// The whole desktop in a page, over the services of the API.

let fake: Fake;

beforeEach(() => {
  fake = new Fake();
});

const accepted = () => aCard({ state: OfferState.ACCEPTED, phase: Phase.OWNED, version: 4n });
const box = () => screen.findByRole("textbox", { name: /Reply to/ });
const quickReply = () => screen.getByRole("button", { name: "Quick Reply" });

describe("an offer", () => {
  beforeEach(() => {
    fake.cards = [aCard()];
  });

  it("shows customer, queue, subject and its clocks, and is acknowledged once", async () => {
    openDesk(fake);
    const card = await screen.findByRole("article", { name: /이영희/ });
    expect(card.textContent).toContain("yh@example.org");
    expect(card.textContent).toContain("General");
    expect(card.textContent).toContain("배송 문의");
    expect(within(card).getByRole("timer").textContent).toMatch(/^(90|89) seconds left$/);
    expect(card.textContent).toContain("1:0"); // the customer waits for a minute
    await waitFor(() => {
      expect(fake.called<MarkOfferShownRequest>("markOfferShown").map((r) => r.offerId)).toEqual([offerId]);
    });
    expect(document.title).toMatch(/^\(1\)/);
  });

  it("says how long it has by the service level of its queue, and by how much it is late", async () => {
    const now = Date.now();
    fake.cards = [
      aCard({ dueAt: timestampFromMs(now + 3_600_000) }),
      aCard({ contactId: crypto.randomUUID(), offerId: crypto.randomUUID(), dueAt: timestampFromMs(now - 61_000) }),
    ];
    openDesk(fake);
    expect((await screen.findByText(/^Due in/)).textContent).toMatch(/^Due in (1:00:00|59:5\d)$/);
    expect(screen.getByText(/Late by/).textContent).toMatch(/^▲ Late by 1:0\d$/);
  });

  it("stands in the tabs All and Email alike", async () => {
    const { user } = openDesk(fake);
    await screen.findByRole("button", { name: "Accept" });
    await user.click(screen.getByRole("tab", { name: /Email/ }));
    expect(screen.getByRole("button", { name: "Accept" })).toBeTruthy();
    fake.push({ case: "contactChanged", value: { contactId, offerId, offerState: OfferState.WITHDRAWN } });
    await waitFor(() => expect(screen.queryByRole("button", { name: "Accept" })).toBeNull());
    await user.click(screen.getByRole("tab", { name: /All/ }));
    expect(screen.queryByRole("button", { name: "Accept" })).toBeNull();
    expect(fake.called("markOfferShown")).toHaveLength(1);
  });

  it("opens the mail when it is accepted, as text and never as HTML", async () => {
    const { user } = openDesk(fake);
    await user.click(await screen.findByRole("button", { name: "Accept" }));
    await box();
    expect(location.pathname).toBe(`/contacts/${contactId}`);
    expect(screen.getByText(/<b>bold<\/b>/)).toBeTruthy();
    expect(document.querySelector("b")).toBeNull();
  });

  it("can be accepted from the keyboard", async () => {
    const { user } = openDesk(fake);
    await screen.findByRole("button", { name: "Accept" });
    await user.keyboard("{Alt>}{Shift>}[KeyA]{/Shift}{/Alt}");
    await box();
  });

  it("that has expired is said in a sentence, and a lost answer is asked for again with the same id", async () => {
    let attempt = 0;
    const ids: string[] = [];
    fake.contacts = {
      acceptOffer: (request) => {
        ids.push(request.requestId);
        if (++attempt === 1) {
          throw new ConnectError("gone", Code.Unavailable);
        }
        throw refusal(Code.Aborted, "offer_expired");
      },
    };
    const { user } = openDesk(fake);
    await user.click(await screen.findByRole("button", { name: "Accept" }));
    await screen.findByText(/could not be reached/);
    await user.click(screen.getByRole("button", { name: "Accept" }));
    await screen.findByText("This request is no longer available.");
    expect(ids).toHaveLength(2);
    expect(ids[0]).toBe(ids[1]);
  });

  it("has no Email tab without capacity for email, not even by its shortcut, once nothing of it is held (R2)", async () => {
    const { user } = openDesk(fake);
    await user.click(await screen.findByRole("tab", { name: /Email/ }));
    const profile = (email: number) =>
      fake.push({ case: "stateChanged", value: create(AgentStateSchema, { ...fake.agent, capacity: { email } }) });
    profile(0);
    await waitFor(() => expect(screen.getByRole("tab", { name: /Email/ }).textContent).toContain("1"));
    fake.push({ case: "contactChanged", value: { contactId, offerId, offerState: OfferState.WITHDRAWN } });
    await waitFor(() => expect(screen.queryByRole("tab", { name: /Email/ })).toBeNull());
    expect(screen.getByRole("tab", { name: /All/ }).getAttribute("aria-selected")).toBe("true");
    await user.keyboard("{Alt>}[Digit2]{/Alt}");
    expect(screen.getByRole("tab", { name: /All/ }).getAttribute("aria-selected")).toBe("true");
    profile(1);
    expect(await screen.findByRole("tab", { name: /Email/ })).toBeTruthy();
  });

  it("is accepted in another tab: its card becomes a contact in work here", async () => {
    openDesk(fake);
    await screen.findByRole("button", { name: "Accept" });
    fake.push({
      case: "contactChanged",
      value: { contactId, offerId, card: accepted(), offerState: OfferState.ACCEPTED },
    });
    await waitFor(() => expect(screen.queryByRole("button", { name: "Accept" })).toBeNull());
    expect(screen.getByRole("link", { name: /이영희/ })).toBeTruthy();
  });
});

describe("an offer that is not answered", () => {
  it("flashes, and a banner that cannot be missed leads back to Available", async () => {
    fake.cards = [aCard({ expiresAt: timestampFromMs(Date.now() + 3_000) })];
    const { user } = openDesk(fake);
    const card = await screen.findByRole("article", { name: /이영희/ });
    expect(card.dataset.urgent).toBe("true");
    fake.push({ case: "contactChanged", value: { contactId, offerId, offerState: OfferState.EXPIRED } });
    fake.agent = create(AgentStateSchema, { agent: "mina", state: State.RONA, since: timestampNow(), version: 2n });
    fake.push({ case: "stateChanged", value: fake.agent });
    await screen.findByText("▲ Not answered in time");
    const banner = (await screen.findAllByRole("alert")).find((e) => e.dataset.banner === "rona");
    expect(banner?.textContent).toContain("You missed a request. Choose Available to receive contacts again.");
    await user.click(within(banner as HTMLElement).getByRole("button", { name: "Available" }));
    await waitFor(() => expect(document.querySelector("[data-banner=rona]")).toBeNull());
    expect(fake.called<SetStateRequest>("setState")[0]).toMatchObject({ state: State.AVAILABLE, seenVersion: 2n });
  });

  it("leaves no doubt about a state that has changed meanwhile", async () => {
    fake.agent = create(AgentStateSchema, {
      agent: "mina",
      state: State.IDLE,
      idleCode: "disconnected",
      since: timestampNow(),
      version: 5n,
    });
    fake.agents = {
      setState: () => {
        fake.agent = create(AgentStateSchema, { ...fake.agent, state: State.RONA, idleCode: "", version: 6n });
        throw refusal(Code.Aborted, "stale_state");
      },
    };
    const { user } = openDesk(fake);
    await screen.findByText("Idle: your connection was lost");
    await user.click(screen.getByRole("button", { name: "Available" }));
    await screen.findByText(/Your state had changed meanwhile/);
    expect(document.querySelector("[data-banner=rona]")).not.toBeNull();
  });
});

describe("Idle after this contact", () => {
  it("can be chosen while something is in hand", async () => {
    fake.cards = [accepted()];
    const { user } = openDesk(fake);
    await user.click(await screen.findByRole("button", { name: /State: Available/ }));
    await user.click(await screen.findByRole("menuitemcheckbox", { name: /After this contact/ }));
    await user.click(screen.getByRole("menuitem", { name: /Lunch/ }));
    await waitFor(() => {
      expect(fake.called<SetStateRequest>("setState")[0]).toMatchObject({
        state: State.IDLE,
        idleCode: "lunch",
        afterContact: true,
        seenVersion: 1n,
      });
    });
  });
});

describe("a reply", () => {
  beforeEach(() => {
    fake.cards = [accepted()];
    history.replaceState(null, "", `/contacts/${contactId}`);
  });

  it("goes out with one click, and the wrap-up follows", async () => {
    const { user } = openDesk(fake);
    await user.type(await box(), "내일 도착합니다.");
    await user.keyboard("{Control>}{Enter}{/Control}");
    const code = await screen.findByRole("combobox", { name: /Select wrap-up/ });
    const sent = fake.called<QuickReplyRequest>("quickReply")[0];
    expect(sent).toMatchObject({ text: "내일 도착합니다.", offerId });
    for (const mood of ["Positive", "Neutral", "Negative"]) {
      expect((screen.getByRole("radio", { name: mood }) as HTMLInputElement).checked).toBe(false);
    }
    await user.click(screen.getByRole("button", { name: "Complete" }));
    expect(screen.getByText("Choose a wrap-up code")).toBeTruthy();
    await user.click(code);
    await user.click(await screen.findByRole("option", { name: /Refund/ }));
    await user.click(screen.getByRole("button", { name: "Complete" }));
    expect(screen.getByText("This wrap-up code needs a note")).toBeTruthy();
    await user.type(screen.getByRole("textbox", { name: /Notes/ }), "10 Euro");
    await user.click(screen.getByRole("radio", { name: "Positive" }));
    await user.keyboard("{Control>}{Enter}{/Control}");
    await screen.findByText("The contact is completed.");
    expect(fake.called<CompleteWrapUpRequest>("completeWrapUp")[0]).toMatchObject({
      code: "refund",
      sentiment: "positive",
      status: "",
      note: "10 Euro",
    });
  });

  it("with a card number is kept back: the masked text stays, says where, and can be sent", async () => {
    const masked = "Card ************1111 it is";
    let refused = false;
    fake.contacts = {
      saveDraft: () => {
        throw new ConnectError("slow", Code.Unavailable);
      },
      quickReply: (request) => {
        fake.calls.push({ method: "quickReply", request });
        if (!refused) {
          refused = true;
          fake.contact = aContact({
            draft: create(DraftSchema, { version: 1n, text: masked, author: "mina", at: timestampNow() }),
          });
          throw refusal(Code.FailedPrecondition, "card_data", [
            { kind: "pan", place: "draft", brand: "Visa", last4: "1111" },
          ]);
        }
        fake.contact = aContact({ phase: Phase.WRAPUP, offerState: OfferState.WRAPUP, version: 5n });
        return { contact: fake.contact };
      },
    };
    const { user } = openDesk(fake);
    await user.type(await box(), "Card 4111111111111111 it is");
    await user.click(quickReply());
    await screen.findByText("The reply holds a card number and was not sent");
    expect(screen.getByText("Visa card number, ends in 1111")).toBeTruthy();
    expect(((await box()) as HTMLTextAreaElement).value).toBe(masked);
    await user.click(screen.getByRole("button", { name: "Send the masked text" }));
    await screen.findByRole("combobox", { name: /Select wrap-up/ });
    const [first, second] = fake.called<QuickReplyRequest>("quickReply");
    expect(second).toMatchObject({ text: masked, draftVersion: 1n });
    expect(second?.requestId).not.toBe(first?.requestId);
  });

  it("that meets another window's draft lets the person choose", async () => {
    const theirs = create(DraftSchema, { version: 3n, text: "other text", author: "mina", at: timestampNow() });
    fake.contacts = {
      saveDraft: (request) => {
        fake.calls.push({ method: "saveDraft", request });
        if (request.baseVersion !== 3n) {
          fake.contact = aContact({ draft: theirs });
          throw refusal(Code.Aborted, "draft_moved");
        }
        return { draft: create(DraftSchema, { ...theirs, version: 4n, text: request.text }) };
      },
    };
    const { user } = openDesk(fake);
    await user.type(await box(), "my text");
    await user.tab(); // leaving the box saves
    await screen.findByText("This draft was changed in another window");
    expect(screen.getByText("other text")).toBeTruthy();
    expect((screen.getByRole("button", { name: "Quick Reply" }) as HTMLButtonElement).disabled).toBe(true);
    await user.click(screen.getByRole("button", { name: "Keep this window's text" }));
    await waitFor(() => expect(screen.queryByText("This draft was changed in another window")).toBeNull());
    expect(((await box()) as HTMLTextAreaElement).value).toBe("my text");
  });

  it("whose sending failed keeps the text, and is repeated with the same id", async () => {
    const ids: string[] = [];
    fake.contacts = {
      quickReply: (request) => {
        ids.push(request.requestId);
        if (ids.length === 1) {
          throw new ConnectError("gone", Code.Unavailable);
        }
        fake.contact = aContact({ phase: Phase.WRAPUP, offerState: OfferState.WRAPUP, version: 5n });
        return { contact: fake.contact };
      },
    };
    const { user } = openDesk(fake);
    await user.type(await box(), "kept");
    await user.tab();
    await screen.findByText(/Draft saved/);
    await user.click(quickReply());
    await screen.findByText("The reply was not sent. Your text is kept.");
    expect(((await box()) as HTMLTextAreaElement).value).toBe("kept");
    await user.click(quickReply());
    await screen.findByRole("combobox", { name: /Select wrap-up/ });
    expect(ids[0]).toBe(ids[1]);
  });

  it("can be left out: Close asks once where something was written", async () => {
    fake.contacts = {
      closeContact: () => {
        fake.contact = aContact({
          phase: Phase.WRAPUP,
          offerState: OfferState.WRAPUP,
          version: 5n,
          outcome: "closed_without_reply",
        });
        return { contact: fake.contact };
      },
    };
    const { user } = openDesk(fake);
    await user.type(await box(), "half");
    await user.click(screen.getByRole("button", { name: "Close" }));
    await user.click(await screen.findByRole("button", { name: "Close without reply" }));
    await screen.findByText(/Closed without reply. Complete the wrap-up/);
  });
});

describe("a reply that did not arrive", () => {
  it("is said although its contact is completed and gone from the list", async () => {
    const [message] = aContact().messages;
    openDesk(fake);
    await screen.findByText("No contacts");
    fake.contact = aContact({
      phase: Phase.DONE,
      messages: [
        ...(message ? [message] : []),
        create(MessageSchema, { messageId: "m2", outbound: true, text: "answer", delivery: Delivery.BOUNCED }),
      ],
    });
    fake.push({ case: "contactChanged", value: { contactId, offerId } });
    await screen.findByText("A reply needs your attention: 배송 문의");
    expect(screen.getByRole("link", { name: "Open" }).getAttribute("href")).toBe(`/contacts/${contactId}`);
  });
});

describe("what came with a mail", () => {
  it("can be downloaded if it passed, and says why if it did not", async () => {
    fake.cards = [accepted()];
    fake.contact = aContact({
      messages: [
        {
          messageId: "m1",
          from: { address: "yh@example.org" },
          at: timestampNow(),
          masked: true,
          text: "My card: **** **** **** 4242",
          attachments: [
            { attachmentId: "a1", filename: "notes.txt", mediaType: "text/plain", size: 1234n, verdict: "passed" },
            { attachmentId: "a2", filename: "card.txt", size: 10n, verdict: "destroyed", reason: "card_data" },
            { attachmentId: "a3", filename: "scan.png", size: 10n, verdict: "withheld", reason: "image" },
          ],
        },
      ],
    });
    history.replaceState(null, "", `/contacts/${contactId}`);
    openDesk(fake);
    const link = await screen.findByRole("link", { name: /notes.txt.*Download/ });
    expect(link.getAttribute("href")).toBe("/content/attachments/a1");
    expect(screen.getByText("It held card data and was destroyed (PCI).")).toBeTruthy();
    expect(screen.getByText("Images cannot be inspected for card data.")).toBeTruthy();
    expect(screen.queryByRole("link", { name: /card.txt|scan.png/ })).toBeNull();
    expect(screen.getByText("Card data is masked in this conversation (PCI)")).toBeTruthy();
    expect(screen.getByText("Masked card number, ends in 4242")).toBeTruthy();
  });
});

describe("the session", () => {
  it("is asked for by name and password, and a refusal says why", async () => {
    let signedIn = false;
    fake.auth = {
      getSession: () => {
        throw refusal(Code.Unauthenticated, "session_ended");
      },
      signIn: (request) => {
        if (request.password !== "right") {
          throw refusal(Code.Unauthenticated, "sign_in_failed");
        }
        signedIn = true;
        return { session: create(SessionSchema, { agent: request.agent, name: "김미나", role: "agent" }) };
      },
    };
    const { user } = openDesk(fake);
    await user.type(await screen.findByRole("textbox", { name: /Agent/ }), "mina");
    await user.type(screen.getByLabelText(/Password/), "wrong{Enter}");
    await screen.findByText("The key or the password is wrong.");
    await user.type(screen.getByLabelText(/Password/), "right{Enter}");
    await screen.findByRole("heading", { name: "Active contacts" });
    expect(signedIn).toBe(true);
  });

  it("that is locked takes everything off the page, and gives the typed text back", async () => {
    fake.cards = [accepted()];
    fake.auth = {
      unlock: () => ({ session: create(SessionSchema, { agent: "mina", name: "김미나", role: "agent" }) }),
    };
    history.replaceState(null, "", `/contacts/${contactId}`);
    const { user } = openDesk(fake);
    await user.type(await box(), "half a sentence");
    fake.push({ case: "sessionEnded", value: { reason: "session_locked" } });
    await screen.findByRole("heading", { name: "Locked" });
    expect(document.body.textContent).not.toContain("이영희");
    await user.type(screen.getByLabelText(/Password/), "right{Enter}");
    expect(((await box()) as HTMLTextAreaElement).value).toBe("half a sentence");
  });

  it("that has ended leads to the sign-in, with the place kept", async () => {
    fake.cards = [accepted()];
    history.replaceState(null, "", `/contacts/${contactId}`);
    openDesk(fake);
    await box();
    fake.push({ case: "sessionEnded", value: { reason: "session_ended" } });
    await screen.findByText(/Your session has ended/);
    expect((screen.getByRole("textbox", { name: /Agent/ }) as HTMLInputElement).value).toBe("mina");
    expect(location.pathname).toBe(`/contacts/${contactId}`);
  });

  it("of an administrator is told that this page is not for it", async () => {
    fake.auth = {
      getSession: () => ({ session: create(SessionSchema, { agent: "admin", name: "Ada", role: "administrator" }) }),
    };
    openDesk(fake);
    await screen.findByRole("heading", { name: "This account receives no contacts" });
  });
});

describe("a lost connection", () => {
  it("is said, leaves the list, and holds Accept back with a reason", async () => {
    fake.cards = [aCard()];
    let lose = () => {};
    const lost = new Promise<void>((resolve) => {
      lose = resolve;
    });
    fake.agents = {
      watch: async function* (request) {
        if (request.after) {
          throw new ConnectError("down", Code.Unavailable);
        }
        yield {
          token: { epoch: "e", seq: 1n },
          serverNow: timestampNow(),
          event: { case: "snapshot", value: { state: fake.agent, contacts: fake.cards } },
        };
        await lost;
        throw new ConnectError("down", Code.Unavailable);
      },
    };
    openDesk(fake);
    await screen.findByRole("button", { name: "Accept" });
    lose();
    await screen.findByText("Reconnecting…");
    expect((screen.getByRole("button", { name: "Accept" }) as HTMLButtonElement).disabled).toBe(true);
    expect(screen.getByText("Accept is possible again when the connection is back.")).toBeTruthy();
  });
});

describe("a stream that begins anew", () => {
  it("has the open contact read again: anything may have happened meanwhile", async () => {
    fake.cards = [accepted()];
    history.replaceState(null, "", `/contacts/${contactId}`);
    openDesk(fake);
    await box();
    fake.contact = aContact({ subject: "changed meanwhile", version: 5n });
    fake.push({ case: "snapshot", value: { state: fake.agent, contacts: fake.cards } });
    await screen.findByRole("heading", { name: "changed meanwhile" });
  });
});

describe("a page that is not there", () => {
  it("says so, and leads to the contacts", async () => {
    history.replaceState(null, "", "/no/such/place");
    openDesk(fake);
    await screen.findByText("There is no such page");
    expect(screen.getByRole("link", { name: "To the contacts" })).toBeTruthy();
  });

  it("is the same for a contact that one may not read", async () => {
    fake.contacts = {
      getContact: () => {
        throw refusal(Code.NotFound, "unknown_contact");
      },
    };
    history.replaceState(null, "", `/contacts/${contactId}`);
    openDesk(fake);
    await screen.findByText("This contact is not here");
  });
});
