import { CloseButton } from "@mantine/core";
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import classes from "./Notices.module.css";

/** Notice is something that a person should know, shown above the page until it is dismissed. */
export interface Notice {
  /** Another notice with the same id replaces this one. */
  id: string;
  tone: "info" | "warn" | "bad";
  text: string;
  action?: ReactNode;
}

interface Notices {
  notices: readonly Notice[];
  say: (notice: Notice) => void;
  dismiss: (id: string) => void;
}

const NoticesContext = createContext<Notices | undefined>(undefined);

export function useNotices(): Notices {
  const notices = useContext(NoticesContext);
  if (!notices) {
    throw new Error("there is no NoticesProvider above this component");
  }
  return notices;
}

export function NoticesProvider({ children }: { children: ReactNode }) {
  const [notices, setNotices] = useState<readonly Notice[]>([]);
  const say = useCallback((notice: Notice) => {
    setNotices((now) => [...now.filter((n) => n.id !== notice.id), notice]);
  }, []);
  const dismiss = useCallback((id: string) => setNotices((now) => now.filter((n) => n.id !== id)), []);
  const value = useMemo(() => ({ notices, say, dismiss }), [notices, say, dismiss]);
  return <NoticesContext.Provider value={value}>{children}</NoticesContext.Provider>;
}

/** A notice that only says that something went well leaves by itself. */
const leavesAfter = 8_000;

function useLeaving(notices: readonly Notice[], dismiss: (id: string) => void) {
  useEffect(() => {
    const timers = notices
      .filter((n) => n.tone === "info" && !n.action)
      .map((n) => setTimeout(() => dismiss(n.id), leavesAfter));
    return () => timers.forEach(clearTimeout);
  }, [notices, dismiss]);
}

/** NoticeList shows the notices; a screen reader hears new ones when it is idle. */
export function NoticeList() {
  const { t } = useTranslation();
  const { notices, dismiss } = useNotices();
  useLeaving(notices, dismiss);
  return (
    <div role="status">
      {notices.map((notice) => (
        <div key={notice.id} className={classes.notice} data-tone={notice.tone}>
          <span className={classes.text}>{notice.text}</span>
          {notice.action}
          <CloseButton size="sm" aria-label={t("app.dismiss")} onClick={() => dismiss(notice.id)} />
        </div>
      ))}
    </div>
  );
}
