/** A jump larger than this, in milliseconds, is a clock that was set or a machine that slept, and no slow message. */
const jump = 2_000;
const samples = 12;

/**
 * ServerClock tells the server's time from this machine's (R7: server time only). A message is never earlier here than it was sent, so
 * the largest of the recent differences is the nearest to the truth: the others were longer under way.
 */
export class ServerClock {
  #offsets: number[] = [];
  #offset = 0;

  /** observe takes the server's clock in a message, and this machine's when the message arrived; both in Unix milliseconds. */
  observe(serverNow: number, receivedAt: number): void {
    const offset = serverNow - receivedAt;
    const last = this.#offsets.at(-1);
    if (last !== undefined && Math.abs(offset - last) > jump) {
      this.#offsets = [];
    }
    this.#offsets.push(offset);
    this.#offsets = this.#offsets.slice(-samples);
    this.#offset = Math.max(...this.#offsets);
  }

  /** now is the server's time in Unix milliseconds. */
  now(local: number = Date.now()): number {
    return local + this.#offset;
  }
}
