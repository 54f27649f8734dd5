import { useQuery } from "@connectrpc/connect-query";
import { Button, type ButtonProps } from "@mantine/core";
import type { ComponentPropsWithRef } from "react";
import { useTranslation } from "react-i18next";
import { AgentService, State } from "../gen/postroom/agent/v1/agent_pb";
import { useLive } from "../live/hooks";
import { ms } from "../live/reducer";
import { Since } from "../ui/Clock";
import { codeName, shapes, stateWord, tones } from "./describe";
import classes from "./state.module.css";

type Props = ButtonProps & ComponentPropsWithRef<"button">;

/** StateButton says which state the agent is in and for how long: what StateSelector opens from, and what is shown before its code is there. */
export function StateButton(props: Props) {
  const { t, i18n } = useTranslation();
  const agent = useLive((view) => view.agent);
  const codes = useQuery(AgentService.method.listIdleCodes, {}).data?.codes ?? [];
  if (!agent) {
    return (
      <Button variant="default" disabled>
        …
      </Button>
    );
  }
  const after = agent.idleAfterContact && codeName(agent.idleAfterContact, codes, t, i18n.language);
  return (
    <Button
      variant="default"
      leftSection={<Shape state={agent.state} />}
      rightSection={<Since at={ms(agent.since)} />}
      {...props}
    >
      <span className="unseen">{t("state.label")}</span>
      {stateWord(agent, t)}
      {agent.state === State.IDLE && ` · ${codeName(agent.idleCode, codes, t, i18n.language)}`}
      {after && <span className={classes.later}>&nbsp;· {t("state.afterContactSet", { code: after })}</span>}
    </Button>
  );
}

/** Shape is the sign of a state, which says without colour which one it is. */
export function Shape({ state }: { state: State }) {
  return (
    <span className={classes.shape} data-tone={tones[state]} aria-hidden>
      {shapes[state]}
    </span>
  );
}
