import { describe, expect, it } from "vitest";
import { type Pressed, shortcutOf } from "./keys";

const key = (part: Partial<Pressed>): Pressed => ({
  code: "",
  altKey: false,
  shiftKey: false,
  ctrlKey: false,
  metaKey: false,
  isComposing: false,
  ...part,
});

describe("shortcuts", () => {
  it("are found by the key's place, whatever the layout writes there", () => {
    expect(shortcutOf(key({ code: "KeyJ" }), false, true)).toBe("next");
    expect(shortcutOf(key({ code: "KeyA", altKey: true, shiftKey: true }), false, true)).toBe("accept");
  });

  it("leave keys alone that compose a syllable", () => {
    expect(shortcutOf(key({ code: "KeyJ", isComposing: true }), false, true)).toBeUndefined();
    expect(
      shortcutOf(key({ code: "KeyA", altKey: true, shiftKey: true, isComposing: true }), true, true),
    ).toBeUndefined();
  });

  it("leave typing alone, but for accepting and the state", () => {
    expect(shortcutOf(key({ code: "KeyJ" }), true, true)).toBeUndefined();
    expect(shortcutOf(key({ code: "Digit2", altKey: true }), true, true)).toBeUndefined();
    expect(shortcutOf(key({ code: "KeyA", altKey: true, shiftKey: true }), true, true)).toBe("accept");
    expect(shortcutOf(key({ code: "KeyS", altKey: true, shiftKey: true }), true, true)).toBe("state");
  });

  it("of a single key can be turned off", () => {
    expect(shortcutOf(key({ code: "KeyK" }), false, false)).toBeUndefined();
    expect(shortcutOf(key({ code: "Slash", shiftKey: true }), false, false)).toBeUndefined();
    expect(shortcutOf(key({ code: "Digit1", altKey: true }), false, false)).toBe("all");
  });

  it("never take a browser's own combinations", () => {
    expect(shortcutOf(key({ code: "KeyK", ctrlKey: true }), false, true)).toBeUndefined();
    expect(shortcutOf(key({ code: "KeyQ", metaKey: true }), false, true)).toBeUndefined();
  });
});
