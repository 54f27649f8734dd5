import { Button } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { State } from "../gen/postroom/agent/v1/agent_pb";
import { useLive } from "../live/hooks";
import { shapes } from "./describe";
import classes from "./state.module.css";
import { useSetState } from "./useSetState";

/** StateBanner cannot be missed: it says that the agent gets no contacts although he chose to, why, and offers the way back (R10, R12). */
export function StateBanner() {
  const { t } = useTranslation();
  const agent = useLive((view) => view.agent);
  const { choose, busy } = useSetState();
  if (!agent) {
    return null;
  }
  const back = () => void choose({ state: State.AVAILABLE, seen: agent.version });
  if (agent.state === State.RONA) {
    return (
      <div role="alert" className={`${classes.banner} ${classes.rona}`} data-banner="rona">
        <span className={classes.sign} aria-hidden>
          {shapes[State.RONA]}
        </span>
        <span className={classes.words}>
          <strong className={classes.title}>{t("state.rona")}</strong>
          {t("state.ronaText")}
        </span>
        <Button variant="white" color="dark" loading={busy} onClick={back}>
          {t("state.available")}
        </Button>
      </div>
    );
  }
  if (agent.state === State.IDLE && agent.idleCode === "disconnected") {
    return (
      <div role="alert" className={`${classes.banner} ${classes.disconnected}`} data-banner="disconnected">
        <span className={classes.words}>
          <strong className={classes.title}>{t("state.disconnectedTitle")}</strong>
          {t("state.disconnectedText")}
        </span>
        <Button variant="default" loading={busy} onClick={back}>
          {t("state.available")}
        </Button>
      </div>
    );
  }
  return null;
}
