import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { screen, waitFor } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";
import { Delivery } from "../gen/postroom/contact/v1/contact_pb";
import type {
  CancelReplyRequest,
  Reply,
  ResendReplyRequest,
  SendReplyNowRequest,
} from "../gen/postroom/sending/v1/sending_pb";
import { openDesk } from "../testing/desk";
import { aCard, aContact, Code, contactId, Fake, refusal } from "../testing/server";

let fake: Fake;
const messageId = "0198c1b2-7a00-7000-8000-0000000000c2";
const tomorrow = timestampFromMs(Date.now() + 86_400_000);

beforeEach(() => {
  fake = new Fake();
  fake.cards = [aCard()];
  history.replaceState(null, "", `/contacts/${contactId}`);
});

/** sent shows a reply in a state of delivery. */
function sent(delivery: Delivery, more: Partial<Omit<Reply, `$${string}`>>) {
  const contact = aContact();
  const [mail] = contact.messages;
  if (mail) {
    contact.messages.push({ ...mail, messageId, outbound: true, delivery, text: "It is lost." });
  }
  fake.contact = contact;
  fake.replies = [{ messageId, agent: "mina", delivery, ...more }];
  return openDesk(fake);
}

describe("a reply that waits", () => {
  it("says when it is sent, and is sent at once or taken back", async () => {
    const { user } = sent(Delivery.QUEUED, { sendAt: tomorrow, dueAt: tomorrow, sendable: true, cancellable: true });
    await screen.findByText(/Scheduled for/);
    await user.click(screen.getByRole("button", { name: "Send now" }));
    await waitFor(() => expect(fake.called<SendReplyNowRequest>("sendReplyNow")[0]?.messageId).toBe(messageId));
    await user.click(screen.getByRole("button", { name: "Take back" }));
    await waitFor(() => expect(fake.called<CancelReplyRequest>("cancelReply")[0]?.messageId).toBe(messageId));
  });

  it("says that it is held, because the customer has written since", async () => {
    sent(Delivery.QUEUED, { sendAt: tomorrow, heldAt: tomorrow, sendable: true, cancellable: true });
    await screen.findByText(/the customer has written since/);
  });

  it("says so when it was on its way already", async () => {
    fake.sending = {
      cancelReply: () => {
        throw refusal(Code.Aborted, "reply_gone");
      },
    };
    const { user } = sent(Delivery.DEFERRED, { attempts: 2, dueAt: tomorrow, cancellable: true });
    await screen.findByText(/Tried again at/);
    await user.click(screen.getByRole("button", { name: "Take back" }));
    await screen.findByText(/too late/);
  });

  it("is left to its undo window when it is only that", async () => {
    sent(Delivery.QUEUED, { dueAt: tomorrow });
    await screen.findByText("Waiting to be sent");
    expect(screen.queryByRole("button", { name: "Take back" })).toBeNull();
  });
});

describe("a reply whose fate is unknown", () => {
  it("is sent again by a second click, which says what it means", async () => {
    const { user } = sent(Delivery.UNKNOWN, { attempts: 1, resendable: true });
    await user.click(await screen.findByRole("button", { name: "Send again…" }));
    await screen.findByText(/may get it twice/);
    expect(fake.called("resendReply")).toHaveLength(0);
    await user.click(screen.getByRole("button", { name: "Send again" }));
    await waitFor(() => expect(fake.called<ResendReplyRequest>("resendReply")[0]?.contactId).toBe(contactId));
  });

  it("is looked for before anybody decides", async () => {
    sent(Delivery.SENDING, { attempts: 1, probeAt: tomorrow });
    await screen.findByText(/It is looked for at/);
    expect(screen.queryByRole("button", { name: /Send again/ })).toBeNull();
  });
});
