import { createContext, useContext, useSyncExternalStore } from "react";
import type { LiveStore, LiveView } from "./store";

const LiveContext = createContext<LiveStore | undefined>(undefined);

export const LiveProvider = LiveContext.Provider;

export function useLiveStore(): LiveStore {
  const store = useContext(LiveContext);
  if (!store) {
    throw new Error("there is no LiveProvider above this component");
  }
  return store;
}

/** useLive reads what the stream has told. select must give the same value for the same view. */
export function useLive<T>(select: (view: LiveView) => T): T {
  const store = useLiveStore();
  return useSyncExternalStore(store.subscribe, () => select(store.view()));
}

/** useSecondsSince is how many whole seconds of the server's time have passed since at, in Unix milliseconds; negative before it. */
export function useSecondsSince(at: number): number {
  const { clock } = useLiveStore();
  return useSyncExternalStore(ticker, () => Math.floor((clock.now() - at) / 1000));
}

const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

/** ticker wakes every clock of the page four times a second, by one timer; each renders only when it shows another second. */
function ticker(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    for (const l of listeners) {
      l();
    }
  }, 250);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}
