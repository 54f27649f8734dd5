import { fromBinary } from "@bufbuild/protobuf";
import { type AgentState, WatchResponseSchema } from "../gen/postroom/agent/v1/agent_pb";
import { OfferState } from "../gen/postroom/contact/v1/contact_pb";
import { ServerClock } from "./clock";
import type { Link, LiveMessage, LiveSource } from "./messages";
import { forgetExpired, type LiveState, ms, noState, reduce, withAgent } from "./reducer";

/** Cards flash for this long when their offer has expired (R9). */
const flash = 3_000;

/** LiveView is what components read of the stream. */
export interface LiveView extends LiveState {
  link: Link;
  /** Whether a snapshot has arrived. */
  ready: boolean;
}

const nothing: LiveView = { ...noState, link: { status: "connecting" }, ready: false };

/** What happens outside the state, once per message. */
export interface LiveEffects {
  /** A contact has changed; its page must be read again. Without an id, any may have. */
  changed(contactId?: string): void;
  ended(reason: string): void | Promise<void>;
  announce(offerId: string): void;
}

/** LiveStore is the stream's state in one tab. */
export class LiveStore {
  readonly source: LiveSource;
  readonly clock = new ServerClock();
  readonly #listeners = new Set<() => void>();
  readonly #outOfList = new Set<(contactId: string) => void>();
  #view: LiveView = nothing;
  #effects: LiveEffects | undefined;

  constructor(source: LiveSource) {
    this.source = source;
    source.subscribe((message) => this.#take(message));
  }

  /** connect says who is told what happens; the returned function disconnects. */
  connect(effects: LiveEffects): () => void {
    this.#effects = effects;
    return () => {
      this.#effects = undefined;
    };
  }

  /** onOutOfList hears of contacts that have changed and are not in the list: a reply's delivery has. */
  onOutOfList(listener: (contactId: string) => void): () => void {
    this.#outOfList.add(listener);
    return () => this.#outOfList.delete(listener);
  }

  view = (): LiveView => this.#view;

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** tookAgent takes the agent's state from the answer to a call, which may be earlier than the stream. */
  tookAgent(agent: AgentState): void {
    this.#set({ ...this.#view, ...withAgent(this.#view, agent) });
  }

  /** reset forgets everything that the stream has told. */
  reset(): void {
    this.#set(nothing);
  }

  #take(message: LiveMessage): void {
    switch (message.kind) {
      case "response":
        this.#response(message.bytes, message.receivedAt);
        return;
      case "link":
        this.#set({ ...this.#view, link: message.link });
        return;
      case "announce":
        this.#effects?.announce(message.offerId);
        return;
      case "ended":
        void this.#effects?.ended(message.reason);
        return;
    }
  }

  #response(bytes: Uint8Array, receivedAt: number): void {
    const response = fromBinary(WatchResponseSchema, bytes);
    if (response.serverNow) {
      this.clock.observe(ms(response.serverNow), receivedAt);
    }
    if (response.event.case === "keepAlive") {
      return;
    }
    const before = this.#view;
    const after = reduce(before, response);
    for (const card of after.expired) {
      if (!before.expired.includes(card)) {
        setTimeout(() => this.#set({ ...this.#view, ...forgetExpired(this.#view, card.offerId) }), flash);
      }
    }
    this.#set({ ...before, ...after, ready: before.ready || response.event.case === "snapshot" });
    if (response.event.case === "snapshot") {
      this.#effects?.changed();
    }
    if (response.event.case === "contactChanged") {
      const { contactId, card, offerState } = response.event.value;
      this.#effects?.changed(contactId);
      if (!card && offerState === OfferState.UNSPECIFIED) {
        for (const listener of this.#outOfList) {
          listener(contactId);
        }
      }
    }
  }

  #set(view: LiveView): void {
    this.#view = view;
    for (const listener of this.#listeners) {
      listener();
    }
  }
}
