import { useCallback } from "react";
import { useTranslation } from "react-i18next";
import type { AgentState, State } from "../gen/postroom/agent/v1/agent_pb";
import { useLiveStore } from "../live/hooks";
import { useApi } from "../rpc/api";
import { problemOf } from "../rpc/problem";
import { useAction } from "../rpc/useAction";
import { useReason } from "../rpc/useReason";
import { useNotices } from "../ui/Notices";

/** Choice is a state that a person chooses, and the version of the state that he saw when he chose. */
export interface Choice {
  state: State.AVAILABLE | State.IDLE;
  idleCode?: string;
  afterContact?: boolean;
  seen: bigint;
}

/**
 * useSetState changes the agent's state. One that has changed since it was seen is refused by the server: then it is read again, and the
 * person is told to choose again (I9: an old click never ends a RONA).
 */
export function useSetState(): { choose: (choice: Choice) => Promise<void>; busy: boolean } {
  const { t } = useTranslation();
  const api = useApi();
  const live = useLiveStore();
  const reason = useReason();
  const { say, dismiss } = useNotices();

  const { run, busy } = useAction(
    async (choice: Choice, requestId: string): Promise<AgentState | undefined> => {
      try {
        const answer = await api.agent.setState({
          requestId,
          state: choice.state,
          idleCode: choice.idleCode ?? "",
          afterContact: choice.afterContact ?? false,
          seenVersion: choice.seen,
        });
        dismiss("state");
        return answer.state;
      } catch (error) {
        const problem = problemOf(error);
        if (problem.reason === "stale_state") {
          say({ id: "state", tone: "warn", text: t("state.changed") });
          return (await api.agent.getState({})).state;
        }
        say({ id: "state", tone: "bad", text: reason(problem) });
        throw error;
      }
    },
    (choice) => `${choice.state} ${choice.idleCode ?? ""} ${choice.afterContact ?? false} ${choice.seen}`,
  );

  const choose = useCallback(
    async (choice: Choice) => {
      const state = await run(choice);
      if (state) {
        live.tookAgent(state);
      }
    },
    [run, live],
  );
  return { choose, busy };
}
