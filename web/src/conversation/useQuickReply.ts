import { createConnectQueryKey, useTransport } from "@connectrpc/connect-query";
import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { usePutContact } from "../contacts/useAccept";
import { ContactService } from "../gen/postroom/contact/v1/service_pb";
import { useApi } from "../rpc/api";
import { type Problem, problemOf } from "../rpc/problem";
import { RequestIds } from "../rpc/request";
import { useSession } from "../session/session";
import type { DraftKeeper } from "./draft";

/** QuickReply is the sending of a reply, as the composer shows it. */
export interface QuickReply {
  /** send sends the draft; "anyway", also over a mail that came meanwhile (R22). */
  send: (how?: "anyway") => Promise<void>;
  busy: boolean;
  problem: Problem | undefined;
  /** The last attempt was kept back because of card data. */
  refused: boolean;
  /** There was nothing to send. */
  empty: boolean;
}

/** useQuickReply sends the draft as it stands. seen is the newest message that the person has seen: a reply over a newer mail is refused. */
export function useQuickReply(draft: DraftKeeper, offerId: string, seen: string): QuickReply {
  const api = useApi();
  const put = usePutContact();
  const { keeper } = useSession();
  const client = useQueryClient();
  const transport = useTransport();
  const ids = useRef(new RequestIds());
  const running = useRef(false);
  const [state, setState] = useState<Omit<QuickReply, "send">>({
    busy: false,
    problem: undefined,
    refused: false,
    empty: false,
  });

  const once = async (sendAnyway: boolean): Promise<"again" | "done"> => {
    await draft.hold();
    const { text, status, findings } = draft.view();
    if (status === "conflict" || status === "closed") {
      return "done";
    }
    if (findings.length > 0 && !state.refused) {
      setState({ busy: false, problem: undefined, refused: true, empty: false }); // masked while it was saved: the person looks first
      return "done";
    }
    const requestId = ids.current.of("reply", `${draft.version} ${seen} ${sendAnyway} ${text}`);
    try {
      const answer = await api.contact.quickReply({
        requestId,
        offerId,
        text,
        draftVersion: draft.version,
        seenMessageId: seen,
        sendAnyway,
      });
      ids.current.settle("reply");
      put(answer.contact);
      keeper.forget(`draft:${offerId}`);
      return "done";
    } catch (error) {
      const problem = problemOf(error);
      if (!problem.retryable) {
        ids.current.settle("reply");
      }
      return await recover(problem, text);
    }
  };

  const recover = async (problem: Problem, text: string): Promise<"again" | "done"> => {
    if (problem.reason === "card_data" || problem.reason === "draft_moved") {
      await draft.refused(text, problem.findings);
      const { status } = draft.view();
      if (problem.reason === "draft_moved") {
        return status === "conflict" ? "done" : "again"; // our own text, whose answer was lost
      }
      setState({ busy: false, problem, refused: true, empty: false });
      return "done";
    }
    if (problem.reason === "unseen_message") {
      await draft.refused(text, problem.findings); // it is saved as the draft by now
    }
    if (
      problem.reason === "already_handled" ||
      problem.reason === "offer_ended" ||
      problem.reason === "unseen_message"
    ) {
      await client.invalidateQueries({
        queryKey: createConnectQueryKey({ schema: ContactService.method.getContact, transport, cardinality: "finite" }),
      });
    }
    setState({ busy: false, problem, refused: false, empty: false });
    return "done";
  };

  const send = async (how?: "anyway") => {
    if (running.current) {
      return;
    }
    if (draft.view().text.trim() === "") {
      setState({ busy: false, problem: undefined, refused: false, empty: true });
      return;
    }
    running.current = true;
    setState((now) => ({ ...now, busy: true, problem: undefined, empty: false }));
    try {
      if ((await once(how === "anyway")) === "again") {
        await once(how === "anyway");
      }
    } catch (error) {
      setState({ busy: false, problem: problemOf(error), refused: false, empty: false });
    } finally {
      running.current = false;
      setState((now) => ({ ...now, busy: false }));
      draft.release();
    }
  };
  return { send, ...state };
}
