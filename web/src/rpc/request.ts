/** newRequestId makes a UUID. Browsers keep randomUUID to https and localhost; a demonstration over plain http needs it too. */
export function newRequestId(): string {
  if (typeof crypto.randomUUID === "function") {
    return crypto.randomUUID();
  }
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/**
 * RequestIds remembers the request_id of an action until its outcome is known, so that pressing a button again after a lost answer
 * repeats the request instead of making another one. The server refuses an id that comes back with another body: the body is part of
 * what is remembered.
 */
export class RequestIds {
  readonly #open = new Map<string, { body: string; id: string }>();

  /** of gives the id of an action with this body: the same one until it is settled. */
  of(action: string, body = ""): string {
    const known = this.#open.get(action);
    if (known?.body === body) {
      return known.id;
    }
    const id = newRequestId();
    this.#open.set(action, { body, id });
    return id;
  }

  /** settle forgets the action: it succeeded, or was refused for good. */
  settle(action: string): void {
    this.#open.delete(action);
  }
}
