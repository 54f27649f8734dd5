import type { Draft } from "../gen/postroom/contact/v1/contact_pb";
import type { Finding } from "../gen/postroom/error/v1/error_pb";
import { backOff } from "../live/engine";
import { ms } from "../live/reducer";
import { type Problem, problemOf } from "../rpc/problem";
import { newRequestId } from "../rpc/request";

/** Typed text is saved this long after the last key. */
const debounce = 1_000;

/** DraftStatus is how the text stands to what the server has. */
export type DraftStatus =
  | "saved"
  | "unsaved"
  | "saving"
  /** The last attempt failed; it is tried again. Nothing is lost. */
  | "failed"
  /** Another window or person has saved another text: a person must choose. */
  | "conflict"
  /** The contact takes no draft any more. */
  | "closed";

/** DraftView is what the composer shows. */
export interface DraftView {
  text: string;
  status: DraftStatus;
  /** When the server saved it, in its Unix milliseconds; 0 if never. */
  savedAt: number;
  /** What the gate has masked, until it is dismissed. */
  findings: Finding[];
  /** The other text, in a conflict. */
  theirs: Draft | undefined;
  problem: Problem | undefined;
}

/** DraftServer is what a draft needs of the API. */
export interface DraftServer {
  save(request: Save): Promise<{ draft?: Draft; findings: Finding[] }>;
  /** load reads the draft as it is now. */
  load(): Promise<Draft | undefined>;
}

export interface Save {
  requestId: string;
  baseVersion: bigint;
  text: string;
}

/**
 * DraftKeeper saves a reply while it is typed. A text never leaves it before the server has it: a failed save is repeated with the same
 * request_id until its outcome is known, and only then is a newer text sent.
 */
export class DraftKeeper {
  readonly #server: DraftServer;
  readonly #listeners = new Set<() => void>();
  #view: DraftView;
  #base: bigint;
  #savedText: string;
  #open: Save | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #working: Promise<void> | undefined;
  #failures = 0;
  #disposed = false;

  constructor(server: DraftServer, draft: Draft | undefined) {
    this.#server = server;
    this.#base = draft?.version ?? 0n;
    this.#savedText = draft?.text ?? "";
    this.#view = {
      text: this.#savedText,
      status: "saved",
      savedAt: ms(draft?.at),
      findings: [],
      theirs: undefined,
      problem: undefined,
    };
  }

  view = (): DraftView => this.#view;

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** version is the draft's on the server, as far as this window knows. */
  get version(): bigint {
    return this.#base;
  }

  /** edit takes what was typed. */
  edit(text: string): void {
    if (this.#view.status === "closed" || text === this.#view.text) {
      return;
    }
    this.#set(this.#view.status === "conflict" ? { text } : { text, status: "unsaved" });
    this.#later(debounce);
  }

  /** flush saves at once what is not saved. It returns when everything is saved, or cannot be now. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    while (!this.#disposed) {
      if (this.#working) {
        await this.#working;
      }
      if (!this.#dirty()) {
        this.#settle();
        return;
      }
      if (this.#view.status === "failed" || this.#stuck()) {
        return;
      }
      await this.#work();
    }
  }

  /** retry is flush after a failure: a person, or the connection, says that it may work now. */
  retry(): Promise<void> {
    if (this.#view.status === "failed") {
      this.#set({ status: "unsaved", problem: undefined });
    }
    return this.flush();
  }

  /** offered takes a draft that was read anew: it replaces a text that has nothing unsaved. */
  offered(draft: Draft | undefined): void {
    if (!draft || draft.version <= this.#base || this.#dirty() || this.#working) {
      return;
    }
    this.#adopt(draft);
    this.#set({ text: draft.text });
  }

  /** choose ends a conflict with this window's text, or with the other one. */
  async choose(whose: "mine" | "theirs"): Promise<void> {
    const { theirs } = this.#view;
    if (!theirs) {
      return;
    }
    this.#adopt(theirs);
    this.#set({ text: whose === "theirs" ? theirs.text : this.#view.text });
    this.#settle();
    await this.flush();
  }

  /** hold waits for a save under way and keeps others back, so that a reply can be sent with the version that is known. */
  async hold(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#working;
    if (this.#open) {
      await this.retry(); // its outcome is unknown: settle it first
    }
  }

  /** release saves again by itself, after hold. */
  release(): void {
    if (this.#dirty() && !this.#stuck()) {
      this.#later(debounce);
    }
  }

  /** refused reads the draft again after the server has kept a reply back: the masked text of R28, or somebody else's. */
  async refused(sent: string, findings: Finding[]): Promise<void> {
    const now = await this.#server.load();
    if (!now) {
      return;
    }
    if (findings.length > 0 || now.text === sent) {
      this.#adopt(now);
      this.#set({ text: this.#view.text === sent ? now.text : this.#view.text, findings });
      this.#settle();
      return;
    }
    this.#conflict(now);
  }

  dismissFindings(): void {
    this.#set({ findings: [] });
  }

  dispose(): void {
    this.#disposed = true;
    clearTimeout(this.#timer);
  }

  #dirty(): boolean {
    return this.#open !== undefined || this.#view.text !== this.#savedText;
  }

  #settle(): void {
    this.#set({ status: this.#dirty() ? "unsaved" : "saved" });
  }

  #stuck(): boolean {
    return this.#view.status === "conflict" || this.#view.status === "closed";
  }

  #later(delay: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.#view.status === "failed") {
        this.#set({ status: "unsaved" });
      }
      void this.flush();
    }, delay);
  }

  #work(): Promise<void> {
    this.#working = this.#save().finally(() => {
      this.#working = undefined;
    });
    return this.#working;
  }

  async #save(): Promise<void> {
    this.#open ??= { requestId: newRequestId(), baseVersion: this.#base, text: this.#view.text };
    const save = this.#open;
    this.#set({ status: "saving", problem: undefined });
    try {
      const reply = await this.#server.save(save);
      this.#open = undefined;
      this.#failures = 0;
      if (reply.draft) {
        this.#took(save, reply.draft, reply.findings);
      }
    } catch (error) {
      await this.#failed(save, problemOf(error));
    }
  }

  #took(save: Save, draft: Draft, findings: Finding[]): void {
    const untouched = this.#view.text === save.text;
    this.#adopt(draft);
    this.#set({
      text: untouched ? draft.text : this.#view.text,
      findings: findings.length > 0 ? findings : this.#view.findings,
    });
    this.#settle();
  }

  async #failed(save: Save, problem: Problem): Promise<void> {
    if (problem.reason === "draft_moved") {
      this.#open = undefined;
      try {
        const now = await this.#server.load();
        if (now && now.text !== save.text && now.text !== this.#savedText) {
          this.#conflict(now);
          return;
        }
        if (now) {
          this.#adopt(now); // our own save, whose answer was lost, or a new version of the same text
        }
        this.#settle();
      } catch (error) {
        this.#later(backOff(++this.#failures + 1));
        this.#set({ status: "failed", problem: problemOf(error) });
      }
      return;
    }
    if (problem.retryable) {
      this.#set({ status: "failed", problem });
      this.#later(backOff(++this.#failures + 1));
      return;
    }
    if (problem.reason === "session_locked" || problem.reason === "session_ended") {
      this.#set({ status: "failed", problem }); // retried when the person is back
      return;
    }
    this.#open = undefined;
    this.#set({ status: problem.reason === "too_large" ? "failed" : "closed", problem });
  }

  #adopt(draft: Draft): void {
    this.#base = draft.version;
    this.#savedText = draft.text;
    this.#set({ savedAt: ms(draft.at), theirs: undefined, problem: undefined });
  }

  #conflict(theirs: Draft): void {
    this.#set({ status: "conflict", theirs });
  }

  #set(change: Partial<DraftView>): void {
    this.#view = { ...this.#view, ...change };
    for (const listener of this.#listeners) {
      listener();
    }
  }
}
