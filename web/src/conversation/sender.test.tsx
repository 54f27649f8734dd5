import { timestampNow } from "@bufbuild/protobuf/wkt";
import { screen, within } from "@testing-library/react";
import axe from "axe-core";
import { beforeEach, expect, it } from "vitest";
import { OfferState, Phase, SenderMark } from "../gen/postroom/contact/v1/contact_pb";
import { openDesk } from "../testing/desk";
import { aCard, aContact, contactId, Fake } from "../testing/server";

// R48: what is known of who wrote a mail stands beside his name.

let fake: Fake;

function wrote(...senderMarks: SenderMark[]) {
  const from = { name: "Kim", address: "kim@bank.example" };
  fake.contact = aContact({
    messages: [{ messageId: contactId, from, at: timestampNow(), text: "Hello", senderMarks }],
  });
  openDesk(fake);
}

beforeEach(() => {
  fake = new Fake();
  fake.cards = [aCard({ state: OfferState.ACCEPTED, phase: Phase.OWNED, version: 4n })];
  history.replaceState(null, "", `/contacts/${contactId}`);
});

it("warns of a sender who may be another, in words", async () => {
  wrote(SenderMark.SPOOFED, SenderMark.REPLY_ELSEWHERE);
  const page = await screen.findByRole("region", { name: "Messages" });
  expect(await within(page).findByText(/Possibly forged/)).toBeTruthy();
  expect(within(page).getByText(/Replies go elsewhere/)).toBeTruthy();
  expect(within(page).queryByText(/Verified/)).toBeNull();
  const found = await axe.run(page, { iframes: false, rules: { "color-contrast": { enabled: false } } });
  expect(found.violations.map((v) => v.id)).toEqual([]);
});

it("says of a proved sender that he is, and of an unknown one nothing", async () => {
  wrote(SenderMark.PROVED);
  const page = within(await screen.findByRole("region", { name: "Messages" }));
  expect((await page.findByText(/Verified/)).textContent).toBe("✓ Verified");
});

it("shows no mark that it does not know", async () => {
  wrote(99 as SenderMark);
  const page = within(await screen.findByRole("region", { name: "Messages" }));
  expect(await page.findByText("Hello")).toBeTruthy();
  expect(page.queryByText(/[▲✓]/)).toBeNull();
});
