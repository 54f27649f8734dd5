import { useEffect, useRef } from "react";
import { allowSound } from "../app/announce";
import { setting } from "../app/settings";
import type { Tab } from "../contacts/ContactList";
import { shortcutOf } from "./keys";

interface Commands {
  setTab: (tab: Tab) => void;
  toggleScheme: () => void;
  help: () => void;
}

/** useShortcuts listens to the keyboard for the whole desktop. */
export function useShortcuts(commands: Commands): void {
  const latest = useRef(commands);
  latest.current = commands;
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      allowSound();
      const id = event.defaultPrevented ? undefined : shortcutOf(event, isTyping(event.target), setting("singleKeys"));
      if (!id) {
        return;
      }
      event.preventDefault();
      switch (id) {
        case "accept":
          return click("[data-accept]:not(:disabled)");
        case "state":
          return click("[data-state-menu]");
        case "all":
        case "email":
          return latest.current.setTab(id);
        case "next":
          return step(1);
        case "previous":
          return step(-1);
        case "reply":
          return document.querySelector<HTMLElement>("textarea[data-reply]")?.focus();
        case "scheme":
          return latest.current.toggleScheme();
        case "help":
          return latest.current.help();
      }
    };
    document.addEventListener("keydown", press);
    document.addEventListener("pointerdown", allowSound);
    return () => {
      document.removeEventListener("keydown", press);
      document.removeEventListener("pointerdown", allowSound);
    };
  }, []);
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName))
  );
}

function click(selector: string): void {
  document.querySelector<HTMLElement>(selector)?.click();
}

/** step moves the focus along the list; Enter then does what the focused entry does. */
function step(by: number): void {
  const items = [...document.querySelectorAll<HTMLElement>("[data-list-item]")];
  const at = items.indexOf(document.activeElement as HTMLElement);
  const open = items.findIndex((item) => item.getAttribute("aria-current") === "page");
  const from = at >= 0 ? at : open;
  const next = from < 0 ? 0 : Math.min(items.length - 1, Math.max(0, from + by));
  items[next]?.focus();
}
