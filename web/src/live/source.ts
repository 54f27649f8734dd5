import type { Transport } from "@connectrpc/connect";
import { Engine } from "./engine";
import type { LiveMessage, LiveSource, TabMessage, WorkerMessage } from "./messages";

type Listener = (message: LiveMessage) => void;

/** openLive gives this tab the stream: the worker's that all tabs share, or where there is none, one of its own. */
export function openLive(transport: Transport): LiveSource {
  if (typeof SharedWorker !== "function") {
    return directLive(transport);
  }
  try {
    return sharedLive(transport);
  } catch {
    return directLive(transport); // forbidden by a policy of the organisation
  }
}

function sharedLive(transport: Transport): LiveSource {
  const worker = new SharedWorker(new URL("./worker.ts", import.meta.url), { type: "module", name: "postroom-live" });
  const listeners = new Set<Listener>();
  let joined: string | undefined;
  let instead: LiveSource | undefined;
  const say = (message: TabMessage) => worker.port.postMessage(message);
  const tell = (message: LiveMessage) => {
    for (const listener of listeners) {
      listener(message);
    }
  };
  worker.port.onmessage = (event: MessageEvent<WorkerMessage>) => {
    if (event.data.kind === "ask") {
      say({ kind: "here" });
      return;
    }
    tell(event.data);
  };
  worker.onerror = () => {
    // Its script could not be loaded or run: this tab goes on with a stream of its own.
    instead ??= directLive(transport);
    instead.subscribe(tell);
    if (joined) {
      instead.start(joined);
    }
  };
  const sayVisible = () => say({ kind: "visible", visible: document.visibilityState === "visible" });
  document.addEventListener("visibilitychange", sayVisible);
  addEventListener("pagehide", () => say({ kind: "bye" }));
  addEventListener("pageshow", (event) => {
    sayVisible();
    if (event.persisted && joined) {
      say({ kind: "start", agent: joined }); // back from the browser's page cache: the worker has forgotten this tab
    }
  });
  sayVisible();
  return {
    start: (agent) => {
      joined = agent;
      instead ? instead.start(agent) : say({ kind: "start", agent });
    },
    stop: () => {
      joined = undefined;
      instead ? instead.stop() : say({ kind: "stop" });
    },
    shown: (offerId) => (instead ? instead.shown(offerId) : say({ kind: "shown", offerId })),
    reconnect: () => (instead ? instead.reconnect() : say({ kind: "reconnect" })),
    subscribe: subscriber(listeners),
  };
}

/** directLive is a stream of this tab's own. */
export function directLive(transport: Transport): LiveSource {
  const listeners = new Set<Listener>();
  const engine = new Engine(transport, (message) => {
    for (const listener of listeners) {
      listener(message);
    }
  });
  addEventListener("online", () => engine.reconnect());
  return {
    start: (agent) => engine.start(agent),
    stop: () => engine.stop(),
    shown: (offerId) => engine.shown(offerId),
    reconnect: () => engine.reconnect(),
    subscribe: subscriber(listeners),
  };
}

function subscriber(listeners: Set<Listener>): LiveSource["subscribe"] {
  return (listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
}
