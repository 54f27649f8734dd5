import { useTranslation } from "react-i18next";
import { State } from "../gen/postroom/agent/v1/agent_pb";
import { useLive } from "../live/hooks";
import { Empty } from "../ui/Empty";

/** Home is the conversation's place while none is open. */
export function Home() {
  const { t } = useTranslation();
  const available = useLive((view) => view.agent?.state === State.AVAILABLE);
  const ready = useLive((view) => view.ready);
  if (!ready) {
    return null;
  }
  return <Empty title={available ? t("list.emptyAvailable") : t("list.emptyOther")} />;
}
