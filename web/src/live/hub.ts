import type { Transport } from "@connectrpc/connect";
import { Engine } from "./engine";
import type { LiveMessage, TabMessage, WorkerMessage } from "./messages";

/** A tab answers the worker's question every 10 s; one that has not for this long is closed or frozen. */
const forgottenAfter = 25_000;
const askEvery = 10_000;

interface Tab {
  joined: boolean; // it has a session and hears the stream
  visible: boolean;
  seenAt: number;
}

/** Port is the part of MessagePort that the hub needs. */
export interface Port {
  postMessage(message: WorkerMessage): void;
}

/**
 * Hub shares one stream among all tabs of a browser. Over HTTP/1.1 a browser has six connections for a server, shared by its tabs: a
 * stream in each would stop the seventh tab from loading.
 */
export class Hub {
  readonly #engine: Engine;
  readonly #tabs = new Map<Port, Tab>();

  constructor(transport: Transport) {
    this.#engine = new Engine(transport, (message) => this.#hand(message));
    setInterval(() => this.#ask(), askEvery);
  }

  /** join adds a tab and returns what has to be called with each of its messages. */
  join(port: Port): (message: TabMessage) => void {
    this.#tabs.set(port, { joined: false, visible: false, seenAt: Date.now() });
    return (message) => this.#take(port, message);
  }

  /** reconnect ends the wait for the next attempt. */
  reconnect(): void {
    this.#engine.reconnect();
  }

  #take(port: Port, message: TabMessage): void {
    const tab = this.#tabs.get(port) ?? { joined: false, visible: false, seenAt: 0 };
    this.#tabs.set(port, tab); // one that was frozen is back
    tab.seenAt = Date.now();
    switch (message.kind) {
      case "start":
        this.#engine.start(message.agent);
        tab.joined = true;
        for (const present of this.#engine.present()) {
          port.postMessage(present);
        }
        return;
      case "stop":
        this.#engine.stop();
        tab.joined = false;
        this.#hand({ kind: "ended", reason: "stopped" }); // the other tabs ask the server why
        return;
      case "shown":
        this.#engine.shown(message.offerId);
        return;
      case "reconnect":
        this.#engine.reconnect();
        return;
      case "visible":
        tab.visible = message.visible;
        return;
      case "bye":
        this.#tabs.delete(port);
        return;
      case "here":
        return;
    }
  }

  #hand(message: LiveMessage): void {
    if (message.kind === "announce") {
      this.#announcer()?.postMessage(message);
      return;
    }
    for (const [port, tab] of this.#tabs) {
      if (tab.joined) {
        port.postMessage(message);
      }
    }
    if (message.kind === "ended") {
      this.#leaveAll();
    }
  }

  /** announcer is the one tab that makes a sound or a notification: one that is seen, else the one that spoke last. */
  #announcer(): Port | undefined {
    const joined = [...this.#tabs].filter(([, tab]) => tab.joined && tab.seenAt > Date.now() - forgottenAfter);
    joined.sort(([, a], [, b]) => Number(b.visible) - Number(a.visible) || b.seenAt - a.seenAt);
    return joined[0]?.[0];
  }

  #leaveAll(): void {
    for (const tab of this.#tabs.values()) {
      tab.joined = false;
    }
  }

  #ask(): void {
    for (const port of this.#tabs.keys()) {
      port.postMessage({ kind: "ask" });
    }
  }
}
