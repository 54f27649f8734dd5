/** Shortcut is one key combination. It is found by the key's place (event.code), as a Korean layout gives other letters for it. */
export interface Shortcut {
  id: "accept" | "state" | "all" | "email" | "next" | "previous" | "open" | "reply" | "send" | "scheme" | "help";
  /** How it is written in the list. */
  keys: string[];
  /** It works while typing, too. */
  always: boolean;
  /** A single key without Alt, Ctrl or Meta: it can be turned off (WCAG 2.1.4). */
  single: boolean;
}

/** shortcuts are all of them, in the order of the list. */
export const shortcuts: readonly Shortcut[] = [
  { id: "accept", keys: ["Alt", "Shift", "A"], always: true, single: false },
  { id: "state", keys: ["Alt", "Shift", "S"], always: true, single: false },
  { id: "send", keys: ["Ctrl", "Enter"], always: true, single: false },
  { id: "all", keys: ["Alt", "1"], always: false, single: false },
  { id: "email", keys: ["Alt", "2"], always: false, single: false },
  { id: "next", keys: ["J"], always: false, single: true },
  { id: "previous", keys: ["K"], always: false, single: true },
  { id: "open", keys: ["Enter"], always: false, single: false },
  { id: "reply", keys: ["Q"], always: false, single: true },
  { id: "scheme", keys: ["Alt", "Shift", "D"], always: false, single: false },
  { id: "help", keys: ["?"], always: false, single: true },
];

/** Pressed is what of a keyboard event matters. */
export type Pressed = Pick<KeyboardEvent, "code" | "altKey" | "shiftKey" | "ctrlKey" | "metaKey" | "isComposing">;

/** shortcutOf names the shortcut that was pressed. Keys that belong to the composition of a Korean syllable are none. */
export function shortcutOf(e: Pressed, typing: boolean, singleKeys: boolean): Shortcut["id"] | undefined {
  if (e.isComposing || e.ctrlKey || e.metaKey) {
    return undefined;
  }
  if (e.altKey && e.shiftKey) {
    return ({ KeyA: "accept", KeyS: "state", KeyD: typing ? undefined : "scheme" } as const)[e.code];
  }
  if (typing) {
    return undefined;
  }
  if (e.altKey) {
    return ({ Digit1: "all", Digit2: "email" } as const)[e.code];
  }
  if (!singleKeys) {
    return undefined;
  }
  if (e.shiftKey) {
    return e.code === "Slash" ? "help" : undefined;
  }
  return ({ KeyJ: "next", KeyK: "previous", KeyQ: "reply" } as const)[e.code];
}
