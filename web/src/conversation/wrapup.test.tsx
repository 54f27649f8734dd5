import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { screen, waitFor } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";
import { OfferState, Phase } from "../gen/postroom/contact/v1/contact_pb";
import type { ExtendWrapUpRequest } from "../gen/postroom/contact/v1/service_pb";
import { openDesk } from "../testing/desk";
import { aCard, aContact, Code, contactId, Fake, refusal } from "../testing/server";

let fake: Fake;

/** wrappingUp is a card whose wrap-up completes itself in so many seconds. */
const wrappingUp = (seconds: number, extensions: number, version = 5n) =>
  aCard({
    state: OfferState.WRAPUP,
    phase: Phase.WRAPUP,
    version,
    wrapUpDueAt: timestampFromMs(Date.now() + seconds * 1000),
    wrapUpExtensionsLeft: extensions,
  });

beforeEach(() => {
  fake = new Fake();
  fake.contact = aContact({ phase: Phase.WRAPUP, offerState: OfferState.WRAPUP, version: 5n, outcome: "replied" });
  history.replaceState(null, "", `/contacts/${contactId}`);
});

describe("a wrap-up that completes itself", () => {
  it("shows how long it has, and takes the time again as often as the queue allows", async () => {
    fake.cards = [wrappingUp(30, 1)];
    const { user } = openDesk(fake);
    const clock = await screen.findByText(/Completes itself in/);
    expect(clock.textContent).toMatch(/0:(30|29)/);
    await user.click(screen.getByRole("button", { name: "More time" }));
    await waitFor(() => expect(fake.called<ExtendWrapUpRequest>("extendWrapUp")).toHaveLength(1));
    fake.push({ case: "contactChanged", value: { contactId, card: wrappingUp(60, 0, 6n) } });
    await waitFor(() => expect(clock.textContent).toMatch(/(1:00|0:59|0:58)/));
    expect(screen.queryByRole("button", { name: "More time" })).toBeNull();
  });

  it("says so when it was first", async () => {
    fake.cards = [wrappingUp(1, 1)];
    fake.contacts = {
      extendWrapUp: () => {
        throw refusal(Code.Aborted, "wrapped_up_automatically");
      },
    };
    const { user } = openDesk(fake);
    await user.click(await screen.findByRole("button", { name: "More time" }));
    await screen.findByText(/the wrap-up completed itself/);
  });
});

describe("a wrap-up", () => {
  it("shows what the organisation asks of it", async () => {
    fake.cards = [aCard({ state: OfferState.WRAPUP, phase: Phase.WRAPUP, version: 5n })];
    openDesk(fake);
    await screen.findByText("Choose the first reason that fits.");
  });
});

describe("a wrap-up of a queue without auto wrap-up", () => {
  it("shows no clock", async () => {
    fake.cards = [aCard({ state: OfferState.WRAPUP, phase: Phase.WRAPUP, version: 5n })];
    openDesk(fake);
    await screen.findByRole("combobox", { name: /Select wrap-up/ });
    expect(screen.queryByText(/Completes itself in/)).toBeNull();
  });
});
