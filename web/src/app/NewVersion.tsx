import { Button } from "@mantine/core";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { useNotices } from "../ui/Notices";

/** NewVersion notices that the server has another desktop than this page: a part of it is not there any more. It never reloads by itself. */
export function NewVersion() {
  const { t } = useTranslation();
  const { say } = useNotices();
  useEffect(() => {
    const missing = (event: Event) => {
      event.preventDefault();
      say({
        id: "version",
        tone: "info",
        text: t("app.newVersion"),
        action: (
          <Button size="compact-sm" variant="default" onClick={() => location.reload()}>
            {t("app.reload")}
          </Button>
        ),
      });
    };
    addEventListener("vite:preloadError", missing);
    return () => removeEventListener("vite:preloadError", missing);
  }, [t, say]);
  return null;
}
