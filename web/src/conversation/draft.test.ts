import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { type Draft, DraftSchema } from "../gen/postroom/contact/v1/contact_pb";
import { FindingSchema } from "../gen/postroom/error/v1/error_pb";
import { refusal } from "../testing/server";
import { DraftKeeper, type Save } from "./draft";

const draftOf = (version: bigint, text: string): Draft =>
  create(DraftSchema, { version, text, author: "mina", at: timestampFromMs(1_000) });
const offline = () => new ConnectError("no answer", Code.Unavailable);

/** Server keeps one draft as the real one does: compared by version, a repeated request answered with the draft as it is. */
class Server {
  draft = draftOf(0n, "");
  saves: Save[] = [];
  seen = new Set<string>();
  before: () => Promise<void> | void = () => {};
  after: () => void = () => {};

  save = async (save: Save) => {
    this.saves.push(save);
    await this.before();
    if (!this.seen.has(save.requestId)) {
      if (save.baseVersion !== this.draft.version) {
        throw refusal(Code.Aborted, "draft_moved");
      }
      this.seen.add(save.requestId);
      this.draft = draftOf(this.draft.version + 1n, save.text.replace("4111111111111111", "************1111"));
    }
    this.after();
    const findings = save.text.includes("4111111111111111")
      ? [create(FindingSchema, { brand: "Visa", last4: "1111" })]
      : [];
    return { draft: this.draft, findings };
  };
  load = async () => this.draft;
}

describe("a draft", () => {
  let server: Server;
  let draft: DraftKeeper;

  beforeEach(() => {
    vi.useFakeTimers();
    server = new Server();
    draft = new DraftKeeper(server, undefined);
  });

  it("is saved a second after the last key, on the version that it was written on", async () => {
    draft.edit("안");
    await vi.advanceTimersByTimeAsync(600);
    draft.edit("안녕");
    await vi.advanceTimersByTimeAsync(900);
    expect(server.saves).toEqual([]);
    await vi.advanceTimersByTimeAsync(200);
    expect(server.saves.map((s) => [s.text, s.baseVersion])).toEqual([["안녕", 0n]]);
    expect(draft.view()).toMatchObject({ status: "saved", text: "안녕" });
    draft.edit("안녕하세요");
    await draft.flush();
    expect(server.saves.at(-1)?.baseVersion).toBe(1n);
  });

  it("survives a failed request, and is repeated with the same request_id", async () => {
    server.before = () => {
      throw offline();
    };
    draft.edit("my answer");
    await draft.flush();
    expect(draft.view()).toMatchObject({ status: "failed", text: "my answer" });
    draft.edit("my answer, longer"); // typing goes on meanwhile
    server.before = () => {};
    await draft.flush();
    expect(draft.view()).toMatchObject({ status: "saved", text: "my answer, longer" });
    expect(server.saves.map((s) => s.text)).toEqual(["my answer", "my answer", "my answer, longer"]);
    expect(server.saves[0]?.requestId).toBe(server.saves[1]?.requestId);
    expect(server.saves[1]?.requestId).not.toBe(server.saves[2]?.requestId);
  });

  it("is tried again by itself", async () => {
    server.before = () => {
      throw offline();
    };
    draft.edit("x");
    await draft.flush();
    server.before = () => {};
    await vi.advanceTimersByTimeAsync(2_000);
    expect(draft.view().status).toBe("saved");
  });

  it("whose answer was lost is not taken for somebody else's", async () => {
    server.after = () => {
      throw offline();
    };
    draft.edit("once");
    await draft.flush();
    server.after = () => {};
    await draft.retry();
    expect(draft.view()).toMatchObject({ status: "saved", text: "once" });
    expect(draft.version).toBe(1n);
  });

  it("that another window has changed waits for a person to choose, and keeps both texts", async () => {
    draft.edit("mine");
    server.draft = draftOf(4n, "theirs");
    await draft.flush();
    expect(draft.view()).toMatchObject({ status: "conflict", text: "mine", theirs: { text: "theirs" } });
    draft.edit("mine, longer");
    await vi.advanceTimersByTimeAsync(5_000);
    expect(server.draft.text).toBe("theirs");
    await draft.choose("mine");
    expect(server.draft).toMatchObject({ version: 5n, text: "mine, longer" });
    expect(draft.view()).toMatchObject({ status: "saved", theirs: undefined });
  });

  it("can be given up for the other window's", async () => {
    draft.edit("mine");
    server.draft = draftOf(4n, "theirs");
    await draft.flush();
    await draft.choose("theirs");
    expect(draft.view()).toMatchObject({ status: "saved", text: "theirs" });
    expect(draft.version).toBe(4n);
  });

  it("with a card number shows the masked text and tells the person", async () => {
    draft.edit("card 4111111111111111 please");
    await draft.flush();
    expect(draft.view()).toMatchObject({ status: "saved", text: "card ************1111 please" });
    expect(draft.view().findings.map((f) => f.last4)).toEqual(["1111"]);
  });

  it("is not overwritten by the masked text where typing went on, and is masked then", async () => {
    server.before = () => draft.edit("card 4111111111111111 and more");
    draft.edit("card 4111111111111111");
    const saving = draft.flush();
    await vi.advanceTimersByTimeAsync(0);
    server.before = () => {};
    await saving;
    expect(draft.view()).toMatchObject({ status: "saved", text: "card ************1111 and more" });
  });

  it("takes a newer one from the server only where nothing is unsaved", () => {
    draft.offered(draftOf(2n, "from the other tab"));
    expect(draft.view().text).toBe("from the other tab");
    draft.edit("mine");
    draft.offered(draftOf(3n, "later"));
    expect(draft.view().text).toBe("mine");
  });

  it("waits for the person when the session is locked, and loses nothing", async () => {
    server.before = () => {
      throw refusal(Code.Unauthenticated, "session_locked");
    };
    draft.edit("half a sentence");
    await draft.flush();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.saves).toHaveLength(1);
    server.before = () => {};
    await draft.retry();
    expect(server.draft.text).toBe("half a sentence");
  });

  it("of a contact that is gone is kept in the window and not sent any more", async () => {
    server.before = () => {
      throw refusal(Code.Aborted, "offer_ended");
    };
    draft.edit("too late");
    await draft.flush();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(draft.view()).toMatchObject({ status: "closed", text: "too late" });
    expect(server.saves).toHaveLength(1);
  });
});
