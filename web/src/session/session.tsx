import type { Transport } from "@connectrpc/connect";
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useRef, useState } from "react";
import type { Session } from "../gen/postroom/auth/v1/auth_pb";
import { createApi } from "../rpc/api";
import { type Problem, problemOf } from "../rpc/problem";
import type { SessionWatch } from "../rpc/sessionWatch";
import { Keeper } from "./keeper";

/** SessionState is who is signed in, as far as this tab knows. */
export type SessionState =
  | { status: "loading" }
  /** Nobody could say. */
  | { status: "unreachable"; problem: Problem }
  /** notice says why, if there is more to say than that nobody is signed in. */
  | { status: "out"; notice?: "ended" | "signedOut"; agent: string }
  | { status: "locked"; session: Session }
  | { status: "in"; session: Session };

export interface SessionControl {
  state: SessionState;
  keeper: Keeper;
  reload: () => Promise<void>;
  signIn: (agent: string, password: string) => Promise<void>;
  unlock: (password: string) => Promise<void>;
  signOut: () => Promise<void>;
  /** lost says that a call or the stream has met no session any more. It reports whether the session holds all the same. */
  lost: (reason: string) => Promise<boolean>;
}

const SessionContext = createContext<SessionControl | undefined>(undefined);

export function useSession(): SessionControl {
  const control = useContext(SessionContext);
  if (!control) {
    throw new Error("there is no SessionProvider above this component");
  }
  return control;
}

/** What tabs tell each other: somebody has signed in or unlocked, or signed out. */
type Word = "in" | "out";

/** Caches are what must not outlive a session. */
export interface Caches {
  /** clear wipes what this tab has of the server: no customer's data stay behind an ended or locked session. */
  clear(): void;
  /** leave closes the stream for all tabs of the browser. */
  leave(): void;
}

interface Props {
  transport: Transport;
  watch: SessionWatch;
  caches: Caches;
  children: ReactNode;
}

/** SessionProvider knows who is signed in, and keeps all tabs of the browser of one mind. */
export function SessionProvider({ transport, watch, caches, children }: Props) {
  const [state, setState] = useState<SessionState>({ status: "loading" });
  const [keeper] = useState(() => new Keeper());
  const api = useMemo(() => createApi(transport), [transport]);
  const now = useRef<SessionState>(state);
  const agent = useRef(""); // who was signed in last, in this tab
  const tabs = useRef<BroadcastChannel | undefined>(undefined);

  const become = useCallback(
    (next: SessionState) => {
      if (now.current.status === "in" && (next.status !== "in" || next.session.agent !== agent.current)) {
        caches.clear();
      }
      if (next.status === "in" || next.status === "locked") {
        agent.current = next.session.agent;
        keeper.belongTo(next.session.agent);
      }
      if (next.status === "out" && next.notice === "signedOut") {
        keeper.wipe();
        agent.current = "";
      }
      now.current = next;
      setState(next);
    },
    [caches, keeper],
  );

  const enter = useCallback(
    (session: Session | undefined) => {
      if (!session) {
        become({ status: "out", agent: agent.current });
        return;
      }
      become(session.locked ? { status: "locked", session } : { status: "in", session });
    },
    [become],
  );

  const reload = useCallback(async () => {
    try {
      enter((await api.auth.getSession({})).session);
    } catch (error) {
      const problem = problemOf(error);
      if (problem.reason === "session_ended") {
        const { current } = agent;
        become(current === "" ? { status: "out", agent: "" } : { status: "out", notice: "ended", agent: current });
        return;
      }
      if (now.current.status === "loading" || now.current.status === "unreachable") {
        become({ status: "unreachable", problem });
      }
    }
  }, [api, become, enter]);

  const lost = useCallback(
    async (reason: string) => {
      const { current } = now;
      if (current.status !== "in") {
        return false;
      }
      if (reason === "session_locked" || reason === "session_ended") {
        caches.leave();
        become(
          reason === "session_locked"
            ? { status: "locked", session: current.session }
            : { status: "out", notice: "ended", agent: current.session.agent },
        );
        return false;
      }
      await reload(); // another tab has left the stream: it knows why, and the server says it
      return now.current.status === "in";
    },
    [caches, become, reload],
  );

  useEffect(() => watch.hear((reason) => void lost(reason)), [watch, lost]);
  useEffect(() => {
    void reload();
    const channel = new BroadcastChannel("postroom-session");
    tabs.current = channel;
    channel.onmessage = (event: MessageEvent<Word>) => {
      if (event.data === "out") {
        become({ status: "out", notice: "signedOut", agent: "" });
        return;
      }
      void reload();
    };
    return () => channel.close();
  }, [reload, become]);

  const control = useMemo<SessionControl>(() => {
    const tell = (word: Word) => tabs.current?.postMessage(word);
    return {
      state,
      keeper,
      reload,
      lost,
      signIn: async (name, password) => {
        const { session } = await api.auth.signIn({ agent: name, password });
        enter(session);
        tell("in");
      },
      unlock: async (password) => {
        const { session } = await api.auth.unlock({ password });
        enter(session);
        tell("in");
      },
      signOut: async () => {
        await api.auth.signOut({});
        caches.leave();
        become({ status: "out", notice: "signedOut", agent: "" });
        tell("out");
      },
    };
  }, [state, keeper, reload, lost, api, enter, caches, become]);

  return <SessionContext.Provider value={control}>{children}</SessionContext.Provider>;
}
