import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { screen, waitFor } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";
import { Delivery, OfferState, Phase } from "../gen/postroom/contact/v1/contact_pb";
import type { UndoReplyRequest } from "../gen/postroom/sending/v1/sending_pb";
import { openDesk } from "../testing/desk";
import { aCard, aContact, Code, contactId, Fake, offerId, refusal } from "../testing/server";

let fake: Fake;
const messageId = "0198c1b2-7a00-7000-8000-0000000000c2";

beforeEach(() => {
  fake = new Fake();
  const contact = aContact({ phase: Phase.WRAPUP, offerState: OfferState.WRAPUP, version: 5n, outcome: "replied" });
  const [mail] = contact.messages;
  if (mail) {
    contact.messages.push({ ...mail, messageId, outbound: true, delivery: Delivery.QUEUED, text: "It is lost." });
  }
  fake.contact = contact;
  fake.cards = [aCard({ state: OfferState.WRAPUP, phase: Phase.WRAPUP, version: 5n })];
  history.replaceState(null, "", `/contacts/${contactId}`);
});

const inSeconds = (seconds: number) => [
  { messageId, agent: "mina", delivery: Delivery.QUEUED, dueAt: timestampFromMs(Date.now() + seconds * 1000) },
];

describe("a reply in its undo window", () => {
  it("says how long it waits, and is taken back", async () => {
    fake.replies = inSeconds(10);
    const { user } = openDesk(fake);
    const clock = await screen.findByText(/Your reply is sent in/);
    expect(clock.textContent).toMatch(/0:(10|09|08)/);
    await user.click(screen.getByRole("button", { name: "Undo" }));
    await waitFor(() => expect(fake.called<UndoReplyRequest>("undoReply")[0]?.offerId).toBe(offerId));
    await waitFor(() => expect(screen.queryByText(/Your reply is sent in/)).toBeNull());
  });

  it("says so when it was on its way already", async () => {
    fake.replies = inSeconds(10);
    fake.sending = {
      undoReply: () => {
        throw refusal(Code.Aborted, "reply_gone");
      },
    };
    const { user } = openDesk(fake);
    await user.click(await screen.findByRole("button", { name: "Undo" }));
    await screen.findByText(/too late/);
  });

  it("cannot be taken back when the window is over", async () => {
    fake.replies = inSeconds(-1);
    openDesk(fake);
    await screen.findByRole("combobox", { name: /Select wrap-up/ });
    expect(screen.queryByRole("button", { name: "Undo" })).toBeNull();
  });
});
