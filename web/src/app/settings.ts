import { useSyncExternalStore } from "react";

/** What a person chooses for this browser. Nothing of a customer is ever here. */
export type Setting = "sound" | "notifications" | "singleKeys";

const defaults: Record<Setting, boolean> = { sound: true, notifications: true, singleKeys: true };
const listeners = new Set<() => void>();
const keyOf = (setting: Setting) => `postroom.${setting}`;

export function setting(name: Setting): boolean {
  const stored = localStorage.getItem(keyOf(name));
  return stored === null ? defaults[name] : stored === "on";
}

export function setSetting(name: Setting, on: boolean): void {
  localStorage.setItem(keyOf(name), on ? "on" : "off");
  for (const listener of listeners) {
    listener();
  }
}

export function useSetting(name: Setting): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => setting(name),
  );
}
