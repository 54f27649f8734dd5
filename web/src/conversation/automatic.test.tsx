import { screen } from "@testing-library/react";
import { beforeEach, expect, it } from "vitest";
import { Delivery } from "../gen/postroom/contact/v1/contact_pb";
import { openDesk } from "../testing/desk";
import { aCard, aContact, contactId, Fake } from "../testing/server";

let fake: Fake;

beforeEach(() => {
  fake = new Fake();
  fake.cards = [aCard()];
  history.replaceState(null, "", `/contacts/${contactId}`);
});

it("says of an acknowledgement that nobody wrote it", async () => {
  const contact = aContact();
  const [mail] = contact.messages;
  if (mail) {
    const messageId = "0198c1b2-7a00-7000-8000-0000000000c3";
    contact.messages.push({
      ...mail,
      messageId,
      outbound: true,
      automatic: true,
      delivery: Delivery.SENT,
      text: "We have it.",
    });
  }
  fake.contact = contact;
  openDesk(fake);
  await screen.findByText("We have it.");
  expect(screen.getAllByText(/Written automatically/)).toHaveLength(1);
});
