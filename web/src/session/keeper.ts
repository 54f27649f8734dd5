/**
 * Keeper holds what a person has typed and the server has not: in memory only (R37), outside the page, so that it outlives a lock, a
 * switch to another contact and a failed request. Signing out wipes it, and so does anybody else who signs in.
 */
export class Keeper {
  #owner = "";
  #kept = new Map<string, unknown>();

  /** belongTo says who types now. What somebody else has left is wiped. */
  belongTo(agent: string): void {
    if (agent !== this.#owner) {
      this.wipe();
      this.#owner = agent;
    }
  }

  /** wipe forgets everything. Kept things that have something to stop have a `dispose`. */
  wipe(): void {
    for (const key of [...this.#kept.keys()]) {
      this.forget(key);
    }
    this.#owner = "";
  }

  /** keep gives what is kept under a key, made now if there is nothing. */
  keep<T>(key: string, make: () => T): T {
    if (!this.#kept.has(key)) {
      this.#kept.set(key, make());
    }
    return this.#kept.get(key) as T;
  }

  set<T>(key: string, value: T): void {
    this.#kept.set(key, value);
  }

  forget(key: string): void {
    const kept = this.#kept.get(key);
    this.#kept.delete(key);
    if (typeof kept === "object" && kept !== null && "dispose" in kept && typeof kept.dispose === "function") {
      kept.dispose();
    }
  }
}
