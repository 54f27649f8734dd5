import { useTranslation } from "react-i18next";
import { State } from "../gen/postroom/agent/v1/agent_pb";
import { useLive } from "../live/hooks";
import { Empty } from "../ui/Empty";

/** Home is the conversation's place while none is open. */
export function Home() {
  const { t } = useTranslation();
  const available = useLive((view) => view.agent?.state === State.AVAILABLE);
  const ready = useLive((view) => view.ready);
  const some = useLive((view) => view.cards.size > 0);
  if (!ready) {
    return null;
  }
  if (some) {
    return <Empty title={t("list.choose")} />;
  }
  return <Empty title={available ? t("list.emptyAvailable") : t("list.emptyOther")} />;
}
