import { create, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Client, Code, createClient, type Transport } from "@connectrpc/connect";
import {
  AgentService,
  SnapshotSchema,
  type WatchResponse,
  WatchResponseSchema,
} from "../gen/postroom/agent/v1/agent_pb";
import { ContactService } from "../gen/postroom/contact/v1/service_pb";
import { problemOf } from "../rpc/problem";
import { ServerClock } from "./clock";
import type { Link, LiveMessage } from "./messages";
import { isLive, type LiveState, ms, newOffers, noState, reduce } from "./reducer";

/** The stream says something every 10 s; after this long without a word it is dead, whatever the connection claims. */
const watchdog = 25_000;
/** The lease lasts 30 s (R12). It is renewed by what the stream says every 10 s, as browsers slow the timers of hidden pages. */
const heartbeat = 8_000;
const firstDelay = 500;
const longestDelay = 10_000;

/**
 * Engine keeps one stream open for one agent: it resumes after the last message, renews the lease while the stream lives, and says once
 * per offer that it was shown. It runs in the worker that all tabs share, or in the tab itself where there is no such worker.
 *
 * The lease is renewed only while the stream lives: a desktop that cannot hear of offers must not look as if it could.
 */
export class Engine {
  readonly #agents: Client<typeof AgentService>;
  readonly #contacts: Client<typeof ContactService>;
  readonly #emit: (message: LiveMessage) => void;
  readonly #clock = new ServerClock();
  #state: LiveState = noState;
  #link: Link = { status: "connecting" };
  #agent: string | undefined;
  #run = new AbortController();
  #attempt: AbortController | undefined;
  #wake: (() => void) | undefined;
  #hurry = false;
  #shown = new Set<string>();

  constructor(transport: Transport, emit: (message: LiveMessage) => void) {
    this.#agents = createClient(AgentService, transport);
    this.#contacts = createClient(ContactService, transport);
    this.#emit = emit;
  }

  /** start opens the stream for an agent; for the same agent again it is nothing. */
  start(agent: string): void {
    if (this.#agent === agent) {
      return;
    }
    this.stop();
    this.#agent = agent;
    this.#run = new AbortController();
    void this.#follow(this.#run.signal);
  }

  /** stop closes the stream and forgets everything. */
  stop(): void {
    this.#run.abort();
    this.#agent = undefined;
    this.#state = noState;
    this.#shown.clear();
    this.#link = { status: "connecting" };
  }

  /** reconnect tries again at once, and gives an attempt up that hangs. */
  reconnect(): void {
    if (this.#link.status === "live") {
      return;
    }
    this.#hurry = true;
    this.#attempt?.abort();
    this.#wake?.();
  }

  /** shown tells the server, once, that the card of an offer is in a page. */
  shown(offerId: string): void {
    if (this.#agent && !this.#shown.has(offerId)) {
      this.#shown.add(offerId);
      void this.#tellShown(offerId, this.#run.signal);
    }
  }

  /** present is what brings a new tab up to date. */
  present(): LiveMessage[] {
    const messages: LiveMessage[] = [{ kind: "link", link: this.#link }];
    if (!this.#state.token) {
      return messages;
    }
    const receivedAt = Date.now();
    const snapshot = create(SnapshotSchema, {
      ...(this.#state.agent ? { state: this.#state.agent } : {}),
      contacts: [...this.#state.cards.values()],
    });
    const response = create(WatchResponseSchema, {
      token: this.#state.token,
      serverNow: timestampFromMs(this.#clock.now(receivedAt)),
      event: { case: "snapshot", value: snapshot },
    });
    return [{ kind: "response", bytes: toBinary(WatchResponseSchema, response), receivedAt }, ...messages];
  }

  async #follow(run: AbortSignal): Promise<void> {
    let attempt = 0;
    let since = 0;
    while (!run.aborted) {
      const heard = await this.#stream(run);
      if (run.aborted) {
        return;
      }
      attempt = heard ? 1 : attempt + 1;
      since = heard || since === 0 ? Date.now() : since;
      const delay = this.#hurry ? 0 : backOff(attempt);
      this.#setLink({ status: "waiting", retryAt: Date.now() + delay, since });
      await this.#pause(delay, run);
    }
  }

  /** stream follows one stream to its end, and reports whether it said anything. */
  async #stream(run: AbortSignal): Promise<boolean> {
    const dead = new AbortController();
    this.#attempt = dead;
    this.#hurry = false;
    let timer = setTimeout(() => dead.abort(), watchdog);
    let beatAt = 0;
    let heard = false;
    try {
      const after = this.#state.token;
      const stream = this.#agents.watch(after ? { after } : {}, {
        signal: AbortSignal.any([run, dead.signal]),
        timeoutMs: 0,
      });
      for await (const response of stream) {
        clearTimeout(timer);
        timer = setTimeout(() => dead.abort(), watchdog);
        if (run.aborted) {
          return heard;
        }
        heard = true;
        if (Date.now() - beatAt >= heartbeat) {
          beatAt = Date.now();
          void this.#beat(run);
        }
        this.#setLink({ status: "live" });
        this.#take(response);
      }
    } catch (error) {
      this.#endIfSessionLost(error, run);
    } finally {
      clearTimeout(timer);
    }
    return heard;
  }

  #take(response: WatchResponse): void {
    const receivedAt = Date.now();
    if (response.serverNow) {
      this.#clock.observe(ms(response.serverNow), receivedAt);
    }
    const previous = this.#state;
    this.#state = { ...reduce(previous, response), expired: [] };
    this.#emit({ kind: "response", bytes: toBinary(WatchResponseSchema, response), receivedAt });
    if (response.event.case === "sessionEnded") {
      this.#end(response.event.value.reason);
      return;
    }
    for (const card of newOffers(previous, this.#state)) {
      this.#emit({ kind: "announce", offerId: card.offerId });
    }
  }

  async #beat(run: AbortSignal): Promise<void> {
    try {
      await this.#agents.heartbeat({}, { signal: run, timeoutMs: heartbeat });
    } catch (error) {
      this.#endIfSessionLost(error, run);
    }
  }

  async #tellShown(offerId: string, run: AbortSignal): Promise<void> {
    for (let attempt = 1; !run.aborted; attempt++) {
      try {
        await this.#contacts.markOfferShown({ offerId }, { signal: run });
        return;
      } catch (error) {
        const stillLive = [...this.#state.cards.values()].some((card) => card.offerId === offerId && isLive(card));
        if (!problemOf(error).retryable || !stillLive) {
          return;
        }
        await sleep(backOff(attempt), run);
      }
    }
  }

  #endIfSessionLost(error: unknown, run: AbortSignal): void {
    const problem = problemOf(error);
    if (!run.aborted && (problem.code === Code.Unauthenticated || problem.code === Code.PermissionDenied)) {
      this.#end(problem.reason);
    }
  }

  #end(reason: string): void {
    this.stop();
    this.#emit({ kind: "ended", reason });
  }

  #setLink(link: Link): void {
    if (link.status === "live" && this.#link.status === "live") {
      return;
    }
    this.#link = link;
    this.#emit({ kind: "link", link });
  }

  async #pause(delay: number, run: AbortSignal): Promise<void> {
    const waked = new AbortController();
    this.#wake = () => waked.abort();
    await sleep(delay, AbortSignal.any([run, waked.signal]));
    this.#wake = undefined;
  }
}

/** backOff is how long to wait before an attempt: doubling, and between half and whole, so that desktops do not return all at once. */
export function backOff(attempt: number, random: () => number = Math.random): number {
  const whole = Math.min(firstDelay * 2 ** (attempt - 1), longestDelay);
  return whole * (0.5 + random() / 2);
}

function sleep(delay: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const timer = setTimeout(resolve, delay);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
