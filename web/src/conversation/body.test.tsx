import { timestampNow } from "@bufbuild/protobuf/wkt";
import { screen, within } from "@testing-library/react";
import axe from "axe-core";
import { beforeEach, describe, expect, it } from "vitest";
import { OfferState, Phase } from "../gen/postroom/contact/v1/contact_pb";
import { openDesk } from "../testing/desk";
import { aCard, aContact, contactId, Fake } from "../testing/server";
import { stretches } from "./MessageBody";

// What an email shows: its text with quotations folded, or its HTML in a frame.

let fake: Fake;

const messageId = "0198c1b2-7a00-7000-8000-0000000000c1";

/** shows opens the contact with one mail. */
function shows(mail: { text: string; formatted?: boolean; quoted?: number[] }) {
  fake.contact = aContact({
    messages: [{ messageId, from: { address: "yh@example.org" }, at: timestampNow(), ...mail }],
  });
  return openDesk(fake);
}

/** violations are what axe finds in the mails; colours it cannot see here. */
async function violations() {
  const page = screen.getByRole("region", { name: "Messages" });
  const result = await axe.run(page, { iframes: false, rules: { "color-contrast": { enabled: false } } });
  return result.violations.map((v) => v.id);
}

beforeEach(() => {
  fake = new Fake();
  fake.cards = [aCard({ state: OfferState.ACCEPTED, phase: Phase.OWNED, version: 4n })];
  history.replaceState(null, "", `/contacts/${contactId}`);
});

describe("a mail with HTML", () => {
  it("is text first, and is shown in a frame without scripts and origin on request", async () => {
    const { user } = shows({ text: "안녕하세요", formatted: true });
    const thread = within(await screen.findByRole("region", { name: "Messages" }));
    expect(await thread.findByText("안녕하세요")).toBeTruthy();
    expect(thread.queryByTitle("(no subject)")).toBeNull();

    await user.click(thread.getByRole("button", { name: "Show formatted" }));
    const frame = thread.getByTitle("(no subject)");
    expect(frame.getAttribute("src")).toBe(`/content/messages/${messageId}/html`);
    expect(frame.getAttribute("sandbox")).toBe("allow-popups allow-popups-to-escape-sandbox");
    expect(frame.getAttribute("srcdoc")).toBeNull();
    expect(thread.getByText(/Remote images are blocked/)).toBeTruthy();
    expect(thread.queryByText("안녕하세요")).toBeNull();
    expect(await violations()).toEqual([]);

    await user.click(thread.getByRole("button", { name: "Show formatted" }));
    expect(thread.getByText("안녕하세요")).toBeTruthy();
    expect(thread.queryByTitle("(no subject)")).toBeNull();
  });

  it("offers no frame where there is none to show", async () => {
    shows({ text: "안녕하세요" });
    expect(await screen.findByText("안녕하세요")).toBeTruthy();
    expect(screen.queryByRole("button", { name: "Show formatted" })).toBeNull();
  });
});

describe("a quotation", () => {
  it("is folded, and there for whoever wants it", async () => {
    const { user } = shows({
      text: "감사합니다\n\nOn Mon, Kim wrote:\n> 4012\n> **** **** **** 1881\n\nBye",
      quoted: [2, 5],
    });
    const button = await screen.findByRole("button", { name: "Quoted text" });
    expect(button.getAttribute("aria-expanded")).toBe("false");
    expect(screen.getByText(/감사합니다/)).toBeTruthy();
    expect(screen.getByText(/Bye/)).toBeTruthy();
    expect(screen.queryByText(/Kim wrote/)).toBeNull();

    await user.click(button);
    expect(screen.getByText(/Kim wrote/)).toBeTruthy();
    expect(screen.getByText("Masked card number, ends in 1881")).toBeTruthy();
    expect(screen.getByRole("button", { name: "Quoted text" }).getAttribute("aria-expanded")).toBe("true");
    expect(await violations()).toEqual([]);
  });

  it("is cut out of the text, and nothing is lost", () => {
    const text = "a\nb\n> c\n> d\ne\n> f";
    for (const quoted of [[], [2, 4], [2, 4, 5, 6], [0, 6], [0, 1], [5, 99], [3, 3]]) {
      const parts = stretches(text, quoted);
      expect(parts.map((part) => part.text).join("\n")).toBe(text);
    }
    expect(stretches(text, [2, 4, 5, 6]).map((part) => part.quoted)).toEqual([false, true, false, true]);
  });
});
