import type { Transport } from "@connectrpc/connect";
import { TransportProvider } from "@connectrpc/connect-query";
import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { LiveProvider } from "../live/hooks";
import type { LiveStore } from "../live/store";
import type { SessionWatch } from "../rpc/sessionWatch";
import { SignIn } from "../session/SignIn";
import { SessionProvider, useSession } from "../session/session";
import { Unlock } from "../session/Unlock";
import { Centre } from "../ui/Centre";
import { Delayed } from "../ui/Delayed";
import { NoticesProvider } from "../ui/Notices";
import { styleNonce } from "../ui/nonce";
import { ProblemNote } from "../ui/Problem";
import { theme, variables } from "../ui/theme";
import { Crash } from "./Crash";
import { Forbidden } from "./Forbidden";
import { LiveEffects } from "./LiveEffects";
import { Shell } from "./Shell";

interface Props {
  transport: Transport;
  live: LiveStore;
  watch: SessionWatch;
  /** For tests: no transitions. */
  env?: "default" | "test";
}

/** App is the desktop with what all of it needs. */
export function App({ transport, live, watch, env = "default" }: Props) {
  const [client] = useState(createQueryClient);
  const caches = useMemo(
    () => ({
      clear: () => {
        client.clear();
        live.reset();
      },
      leave: () => live.source.stop(),
    }),
    [client, live],
  );
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={variables}
      defaultColorScheme="auto"
      getStyleNonce={styleNonce}
      env={env}
    >
      <Crash>
        <TransportProvider transport={transport}>
          <QueryClientProvider client={client}>
            <LiveProvider value={live}>
              <SessionProvider transport={transport} watch={watch} caches={caches}>
                <Gate />
              </SessionProvider>
            </LiveProvider>
          </QueryClientProvider>
        </TransportProvider>
      </Crash>
    </MantineProvider>
  );
}

function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      // The stream says what has changed; nothing is read again because a window got the focus.
      queries: { retry: false, refetchOnWindowFocus: false, refetchOnReconnect: false, staleTime: 60_000 },
      mutations: { retry: false },
    },
  });
}

/** Gate shows the page to who is signed in, and to others the way in. The address is left alone: whoever comes back is where he was. */
function Gate() {
  const { state } = useSession();
  switch (state.status) {
    case "loading":
      return null;
    case "unreachable":
      return <Unreachable />;
    case "out":
      return <SignIn notice={state.notice} agent={state.agent} />;
    case "locked":
      return <Unlock session={state.session} />;
    case "in":
      if (state.session.role === "administrator") {
        return <Forbidden session={state.session} />;
      }
      return (
        <NoticesProvider key={state.session.agent}>
          <LiveEffects agent={state.session.agent} />
          <Shell />
        </NoticesProvider>
      );
  }
}

const tryAgain = 5_000;

function Unreachable() {
  const { t } = useTranslation();
  const { state, reload } = useSession();
  useEffect(() => {
    const timer = setInterval(() => void reload(), tryAgain);
    return () => clearInterval(timer);
  }, [reload]);
  if (state.status !== "unreachable") {
    return null;
  }
  return (
    <Delayed>
      <Centre>
        <h1>{t("app.unreachable")}</h1>
        <p>{t("app.unreachableText")}</p>
        <ProblemNote problem={state.problem} retry={() => void reload()} />
      </Centre>
    </Delayed>
  );
}
