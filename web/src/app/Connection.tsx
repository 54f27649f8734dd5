import { Button } from "@mantine/core";
import { useEffect, useState, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { timeOfDay } from "../i18n/format";
import { useLive, useLiveStore } from "../live/hooks";
import classes from "./Connection.module.css";

/** After this long without a connection the lists are called stale. */
const staleAfter = 10_000;

function useOnline(): boolean {
  return useSyncExternalStore(
    (listener) => {
      addEventListener("online", listener);
      addEventListener("offline", listener);
      return () => {
        removeEventListener("online", listener);
        removeEventListener("offline", listener);
      };
    },
    () => navigator.onLine,
  );
}

/** ConnectionBadge says in a word how the stream stands. */
export function ConnectionBadge() {
  const { t } = useTranslation();
  const link = useLive((view) => view.link);
  const ready = useLive((view) => view.ready);
  const online = useOnline();
  const status = link.status === "live" ? "live" : online ? (ready ? "waiting" : "connecting") : "offline";
  const words = {
    live: t("link.live"),
    waiting: t("link.reconnecting"),
    connecting: t("link.connecting"),
    offline: t("link.offline"),
  };
  const signs = { live: "●", waiting: "↻", connecting: "↻", offline: "✕" };
  return (
    <span className={classes.badge} data-link={status} role="status">
      <span aria-hidden>{signs[status]}</span> {words[status]}
    </span>
  );
}

/** LinkBanner says that what is seen may be old, since when, and when it is tried again. */
export function LinkBanner() {
  const { t, i18n } = useTranslation();
  const { source } = useLiveStore();
  const link = useLive((view) => view.link);
  const ready = useLive((view) => view.ready);
  const online = useOnline();
  const since = link.status === "waiting" ? link.since : 0;
  const stale = useStale(since);
  if (!ready || since === 0 || (online && !stale)) {
    return null;
  }
  return (
    <div className={classes.banner} data-banner="stale">
      <span>{online ? t("link.stale", { time: timeOfDay(since, i18n.language) }) : t("link.offlineText")}</span>
      <Button size="compact-sm" variant="default" onClick={() => source.reconnect()}>
        {t("link.now")}
      </Button>
    </div>
  );
}

/** useStale reports whether the connection has been lost for a while. */
function useStale(since: number): boolean {
  const [stale, setStale] = useState(false);
  useEffect(() => {
    if (since === 0) {
      setStale(false);
      return;
    }
    const timer = setTimeout(() => setStale(true), Math.max(0, since + staleAfter - Date.now()));
    return () => clearTimeout(timer);
  }, [since]);
  return stale && since > 0;
}
