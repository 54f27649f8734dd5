import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { announceOffer, closeNotifications } from "./announce";
import { setSetting } from "./settings";

class FakeNotification {
  static permission = "granted";
  static shown: FakeNotification[] = [];
  onclick: (() => void) | undefined;
  closed = false;
  constructor(
    readonly title: string,
    readonly options: { body: string; tag: string },
  ) {
    FakeNotification.shown.push(this);
  }
  close() {
    this.closed = true;
  }
}

describe("an offer that nobody looks at", () => {
  let hidden = true;

  beforeEach(() => {
    hidden = true;
    FakeNotification.shown = [];
    vi.stubGlobal("Notification", FakeNotification);
    vi.spyOn(document, "hidden", "get").mockImplementation(() => hidden);
  });
  afterEach(() => {
    closeNotifications([]);
    vi.unstubAllGlobals();
  });

  it("is a notification of its own, which leads to the page", () => {
    const focus = vi.spyOn(window, "focus").mockImplementation(() => {});
    announceOffer("o1", "New email", "Queue: General");
    const [notification] = FakeNotification.shown;
    expect(notification).toMatchObject({ title: "New email", options: { body: "Queue: General", tag: "o1" } });
    notification?.onclick?.();
    expect(focus).toHaveBeenCalledOnce();
    expect(notification?.closed).toBe(true);
  });

  it("is taken away when the offer has ended", () => {
    announceOffer("o1", "New email", "");
    announceOffer("o2", "New email", "");
    closeNotifications(["o2"]);
    expect(FakeNotification.shown.map((n) => n.closed)).toEqual([true, false]);
  });

  it("is none on a page that is seen, or where they are turned off", () => {
    hidden = false;
    announceOffer("o1", "New email", "");
    hidden = true;
    setSetting("notifications", false);
    announceOffer("o1", "New email", "");
    expect(FakeNotification.shown).toEqual([]);
  });
});
