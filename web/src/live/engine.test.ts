import { fromBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { WatchResponseSchema } from "../gen/postroom/agent/v1/agent_pb";
import { aCard, contactId, Fake, offerId, refusal } from "../testing/server";
import { Engine } from "./engine";
import { Hub, type Port } from "./hub";
import type { LiveMessage, WorkerMessage } from "./messages";

const kinds = (messages: readonly WorkerMessage[]) =>
  messages.map((m) => {
    switch (m.kind) {
      case "response":
        return fromBinary(WatchResponseSchema, m.bytes).event.case ?? "nothing";
      case "link":
        return m.link.status;
      default:
        return m.kind;
    }
  });

let fake: Fake;

beforeEach(() => {
  vi.useFakeTimers();
  fake = new Fake();
});

afterEach(() => vi.useRealTimers());

describe("the stream's engine", () => {
  const messages: LiveMessage[] = [];
  let engine: Engine;
  const start = async () => {
    messages.length = 0;
    engine = new Engine(fake.transport(), (m) => messages.push(m));
    engine.start("mina");
    await vi.advanceTimersByTimeAsync(10);
  };
  afterEach(() => engine.stop());

  it("hands on the snapshot, and announces offers that nobody has seen", async () => {
    fake.cards = [aCard()];
    await start();
    expect(kinds(messages)).toEqual(["live", "snapshot", "announce"]);
  });

  it("comes back after a lost connection, from where it was", async () => {
    const tokens: (bigint | undefined)[] = [];
    let attempts = 0;
    fake.agents = {
      watch: async function* (request) {
        tokens.push(request.after?.seq);
        attempts++;
        if (attempts === 2) {
          throw new ConnectError("down", Code.Unavailable);
        }
        yield { token: { epoch: "e", seq: 7n }, event: { case: "keepAlive", value: {} } };
      },
    };
    await start();
    await vi.advanceTimersByTimeAsync(3_000);
    expect(tokens.slice(0, 3)).toEqual([undefined, 7n, 7n]);
    expect(kinds(messages)).toContain("waiting");
  });

  it("gives up a stream that says nothing for 25 seconds", async () => {
    let opened = 0;
    fake.agents = {
      watch: async function* (_request, context) {
        opened++;
        yield { token: { epoch: "e", seq: 1n }, event: { case: "keepAlive", value: {} } };
        await new Promise((resolve) => context.signal.addEventListener("abort", resolve));
      },
    };
    await start();
    await vi.advanceTimersByTimeAsync(24_000);
    expect(opened).toBe(1);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(opened).toBe(2);
  });

  it("gives up an attempt that hangs, and tries at once, when somebody asks", async () => {
    let opened = 0;
    fake.agents = {
      watch: async function* (_request, context) {
        if (++opened === 1) {
          await new Promise((resolve) => context.signal.addEventListener("abort", resolve));
        }
        yield { token: { epoch: "e", seq: 1n }, event: { case: "keepAlive", value: {} } };
        await new Promise((resolve) => context.signal.addEventListener("abort", resolve));
      },
    };
    await start();
    engine.reconnect();
    await vi.advanceTimersByTimeAsync(20);
    expect(opened).toBe(2);
    engine.reconnect(); // it lives: nothing to do
    await vi.advanceTimersByTimeAsync(20);
    expect(opened).toBe(2);
  });

  it("renews the lease while the stream lives, and not while it is down", async () => {
    let beats = 0;
    let down = false;
    fake.agents = {
      heartbeat: () => {
        beats++;
        return {};
      },
      watch: async function* () {
        while (!down) {
          yield { token: { epoch: "e", seq: 1n }, event: { case: "keepAlive", value: {} } };
          await new Promise((resolve) => setTimeout(resolve, 10_000));
        }
        throw new ConnectError("down", Code.Unavailable);
      },
    };
    await start();
    await vi.advanceTimersByTimeAsync(29_000);
    expect(beats).toBe(3);
    down = true;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(beats).toBe(3);
  });

  it("says once that an offer was shown, whatever happens", async () => {
    let failures = 2;
    let told = 0;
    fake.cards = [aCard()];
    fake.contacts = {
      markOfferShown: () => {
        told++;
        if (failures-- > 0) {
          throw refusal(Code.Unavailable, "database_unavailable");
        }
        return {};
      },
    };
    await start();
    engine.shown(offerId);
    engine.shown(offerId);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(told).toBe(3); // two failures, one success
  });

  it("ends with the session, and says why", async () => {
    await start();
    fake.push({ case: "sessionEnded", value: { reason: "session_locked" } });
    await vi.advanceTimersByTimeAsync(10);
    expect(messages.at(-1)).toEqual({ kind: "ended", reason: "session_locked" });
    await vi.advanceTimersByTimeAsync(30_000);
    expect(kinds(messages)).not.toContain("waiting");
  });
});

describe("the tabs of a browser", () => {
  class Tab implements Port {
    heard: WorkerMessage[] = [];
    postMessage(message: WorkerMessage) {
      this.heard.push(message);
    }
    kinds = () => kinds(this.heard);
  }

  it("share one stream, and a new one is brought up to date", async () => {
    let streams = 0;
    fake.cards = [aCard()];
    const transport = fake.transport();
    const counting: Transport = {
      unary: transport.unary,
      stream: (...args) => {
        streams++;
        return transport.stream(...args);
      },
    };
    const hub = new Hub(counting);
    const [first, second] = [new Tab(), new Tab()];
    hub.join(first)({ kind: "start", agent: "mina" });
    await vi.advanceTimersByTimeAsync(10);
    hub.join(second)({ kind: "start", agent: "mina" });
    await vi.advanceTimersByTimeAsync(10);
    expect(streams).toBe(1);
    expect(second.kinds()).toEqual(["snapshot", "live"]);
    fake.push({ case: "contactChanged", value: { contactId, offerId } });
    await vi.advanceTimersByTimeAsync(10);
    expect(first.kinds().at(-1)).toBe("contactChanged");
    expect(second.kinds().at(-1)).toBe("contactChanged");
  });

  it("hear nothing before they have a session", async () => {
    fake.cards = [aCard()];
    const hub = new Hub(fake.transport());
    const [inside, outside] = [new Tab(), new Tab()];
    hub.join(outside);
    hub.join(inside)({ kind: "start", agent: "mina" });
    await vi.advanceTimersByTimeAsync(10);
    expect(outside.heard).toEqual([]);
  });

  it("let the one that is seen announce an offer", async () => {
    const hub = new Hub(fake.transport());
    const [hidden, seen] = [new Tab(), new Tab()];
    for (const tab of [hidden, seen]) {
      const say = hub.join(tab);
      say({ kind: "visible", visible: tab === seen });
      say({ kind: "start", agent: "mina" });
    }
    await vi.advanceTimersByTimeAsync(10);
    fake.push({ case: "contactChanged", value: { contactId, offerId, card: aCard() } });
    await vi.advanceTimersByTimeAsync(10);
    expect(seen.kinds()).toContain("announce");
    expect(hidden.kinds()).not.toContain("announce");
  });

  it("all leave when one signs out", async () => {
    const hub = new Hub(fake.transport());
    const [leaving, other] = [new Tab(), new Tab()];
    const say = hub.join(leaving);
    say({ kind: "start", agent: "mina" });
    hub.join(other)({ kind: "start", agent: "mina" });
    await vi.advanceTimersByTimeAsync(10);
    say({ kind: "stop" });
    expect(other.heard.at(-1)).toEqual({ kind: "ended", reason: "stopped" });
    expect(leaving.kinds()).not.toContain("ended");
  });
});
