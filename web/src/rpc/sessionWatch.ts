/** SessionWatch carries the word that a call met no session from the transport, which is older than the page, to the page. */
export class SessionWatch {
  #listener: ((reason: string) => void) | undefined;

  report = (reason: string): void => this.#listener?.(reason);

  hear(listener: (reason: string) => void): () => void {
    this.#listener = listener;
    return () => {
      this.#listener = undefined;
    };
  }
}
