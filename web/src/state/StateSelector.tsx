import { useQuery } from "@connectrpc/connect-query";
import { Button, Menu, Text } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { AgentService, State } from "../gen/postroom/agent/v1/agent_pb";
import { labelOf } from "../i18n";
import { useLive } from "../live/hooks";
import { ms } from "../live/reducer";
import { Since } from "../ui/Clock";
import { codeName, shapes, stateWord, tones } from "./describe";
import classes from "./state.module.css";
import { useSetState } from "./useSetState";

/** StateSelector shows the agent's own state and for how long, and lets him choose another one (R10, R13). */
export function StateSelector() {
  const { t, i18n } = useTranslation();
  const agent = useLive((view) => view.agent);
  const holding = useLive((view) => view.cards.size);
  const codes = useQuery(AgentService.method.listIdleCodes, {});
  const { choose, busy } = useSetState();
  const [after, setAfter] = useState(false);

  if (!agent) {
    return (
      <Button variant="default" disabled>
        …
      </Button>
    );
  }
  const known = codes.data?.codes ?? [];
  const mayWait = agent.state === State.AVAILABLE && holding > 0;
  const word = stateWord(agent, t);
  const details = agent.state === State.IDLE ? ` · ${codeName(agent.idleCode, known, t, i18n.language)}` : "";
  const later = agent.idleAfterContact && codeName(agent.idleAfterContact, known, t, i18n.language);

  return (
    <Menu position="bottom-end" width={300} shadow="md">
      <Menu.Target>
        <Button
          variant="default"
          loading={busy}
          data-state-menu
          leftSection={
            <span className={classes.shape} data-tone={tones[agent.state]} aria-hidden>
              {shapes[agent.state]}
            </span>
          }
          rightSection={<Since at={ms(agent.since)} />}
        >
          <span className="unseen">{t("state.label")}</span>
          {word}
          {details}
          {later && <span className={classes.later}>&nbsp;· {t("state.afterContactSet", { code: later })}</span>}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item
          leftSection={<Shape state={State.AVAILABLE} />}
          onClick={() => void choose({ state: State.AVAILABLE, seen: agent.version })}
        >
          {t("state.available")}
        </Menu.Item>
        <Menu.Divider />
        <Menu.Label>{t("state.idle")}</Menu.Label>
        {codes.isError && <Menu.Item onClick={() => void codes.refetch()}>{t("state.codesFailed")}</Menu.Item>}
        {codes.isSuccess && known.length === 0 && <Menu.Item disabled>{t("state.noCodes")}</Menu.Item>}
        {known.map((code) => (
          <Menu.Item
            key={code.code}
            leftSection={<Shape state={State.IDLE} />}
            onClick={() => {
              const afterContact = mayWait && after;
              setAfter(false);
              void choose({ state: State.IDLE, idleCode: code.code, afterContact, seen: agent.version });
            }}
          >
            {labelOf(code.name, i18n.language)}
          </Menu.Item>
        ))}
        {mayWait && (
          <>
            <Menu.Divider />
            <Menu.CheckboxItem checked={after} onChange={setAfter}>
              {t("state.afterContact")}
              <Text size="xs" c="dimmed">
                {t("state.afterContactHint")}
              </Text>
            </Menu.CheckboxItem>
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}

function Shape({ state }: { state: State }) {
  return (
    <span className={classes.shape} data-tone={tones[state]} aria-hidden>
      {shapes[state]}
    </span>
  );
}
