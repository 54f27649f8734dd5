/** Link is how the stream stands. */
export type Link =
  | { status: "connecting" }
  | { status: "live" }
  /** Not connected; the next attempt is at retryAt, in Unix milliseconds of this machine. since is when it was lost. */
  | { status: "waiting"; retryAt: number; since: number };

/** What a tab hears: of the worker that all tabs share, or of its own stream. */
export type LiveMessage =
  /** A WatchResponse in binary, and this machine's clock when it arrived. */
  | { kind: "response"; bytes: Uint8Array; receivedAt: number }
  | { kind: "link"; link: Link }
  /** The session has ended or is locked. */
  | { kind: "ended"; reason: string }
  /** This tab, and no other, has to announce an offer: by sound or by a notification. */
  | { kind: "announce"; offerId: string };

/** What a tab says to the worker. */
export type TabMessage =
  | { kind: "start"; agent: string }
  | { kind: "stop" }
  | { kind: "shown"; offerId: string }
  | { kind: "reconnect" }
  | { kind: "visible"; visible: boolean }
  | { kind: "here" }
  | { kind: "bye" };

/** What the worker says beside LiveMessage: it asks whether the tab still exists. */
export type WorkerMessage = LiveMessage | { kind: "ask" };

/** LiveSource is the stream as a tab has it. */
export interface LiveSource {
  /** start opens the stream for the agent who is signed in, or joins it. */
  start(agent: string): void;
  /** stop closes it for all tabs. */
  stop(): void;
  /** shown says that the card of an offer is in the page. */
  shown(offerId: string): void;
  /** reconnect tries again at once. */
  reconnect(): void;
  /** subscribe hears messages until the returned function is called. */
  subscribe(listener: (message: LiveMessage) => void): () => void;
}
