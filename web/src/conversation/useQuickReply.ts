import { createConnectQueryKey, useTransport } from "@connectrpc/connect-query";
import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { usePutContact } from "../contacts/useAccept";
import { ContactService } from "../gen/postroom/contact/v1/contact_pb";
import { useApi } from "../rpc/api";
import { type Problem, problemOf } from "../rpc/problem";
import { RequestIds } from "../rpc/request";
import { useSession } from "../session/session";
import type { DraftKeeper } from "./draft";

/** QuickReply is the sending of a reply, as the composer shows it. */
export interface QuickReply {
  send: () => Promise<void>;
  busy: boolean;
  problem: Problem | undefined;
  /** The last attempt was kept back because of card data. */
  refused: boolean;
  /** There was nothing to send. */
  empty: boolean;
}

/** useQuickReply sends the draft as it stands. */
export function useQuickReply(draft: DraftKeeper, offerId: string): QuickReply {
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

  const once = async (): Promise<"again" | "done"> => {
    await draft.hold();
    const { text, status, findings } = draft.view();
    if (status === "conflict" || status === "closed") {
      return "done";
    }
    if (findings.length > 0 && !state.refused) {
      setState({ busy: false, problem: undefined, refused: true, empty: false }); // masked while it was saved: the person looks first
      return "done";
    }
    const requestId = ids.current.of("reply", `${draft.version} ${text}`);
    try {
      const answer = await api.contact.quickReply({ requestId, offerId, text, draftVersion: draft.version });
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
    if (problem.reason === "already_handled" || problem.reason === "offer_ended") {
      await client.invalidateQueries({
        queryKey: createConnectQueryKey({ schema: ContactService.method.getContact, transport, cardinality: "finite" }),
      });
    }
    setState({ busy: false, problem, refused: false, empty: false });
    return "done";
  };

  const send = async () => {
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
      if ((await once()) === "again") {
        await once();
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
