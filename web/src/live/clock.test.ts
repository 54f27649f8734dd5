import { describe, expect, it } from "vitest";
import { ServerClock } from "./clock";
import { backOff } from "./engine";

describe("the server's clock", () => {
  it("is this machine's until a message has come", () => {
    expect(new ServerClock().now(1_000)).toBe(1_000);
  });

  it("follows the message that was the least time under way", () => {
    const clock = new ServerClock();
    clock.observe(100_000, 40_300); // 300 ms under way, this machine 60 s behind
    clock.observe(110_000, 50_020); // 20 ms
    clock.observe(120_000, 60_900); // 900 ms
    expect(clock.now(70_000)).toBe(129_980);
  });

  it("forgets what it knew when a clock was set, or the machine slept", () => {
    const clock = new ServerClock();
    clock.observe(100_000, 100_000);
    clock.observe(110_000, 3_600_000);
    expect(clock.now(3_600_000)).toBe(110_000);
  });

  it("follows a slow drift after a dozen messages", () => {
    const clock = new ServerClock();
    clock.observe(1_000, 0);
    for (let i = 1; i <= 12; i++) {
      clock.observe(10_000 * i + 500, 10_000 * i);
    }
    expect(clock.now(0)).toBe(500);
  });
});

describe("the wait before another attempt", () => {
  it("doubles, stays below ten seconds, and differs between desktops", () => {
    expect([1, 2, 3, 4, 5, 6, 7].map((n) => backOff(n, () => 1))).toEqual([500, 1000, 2000, 4000, 8000, 10000, 10000]);
    expect(backOff(3, () => 0)).toBe(1000);
  });
});
