import { useQuery } from "@connectrpc/connect-query";
import { Menu, Text } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { AgentService, State } from "../gen/postroom/agent/v1/agent_pb";
import { labelOf } from "../i18n";
import { useLive } from "../live/hooks";
import { Shape, StateButton } from "./StateButton";
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
    return <StateButton />;
  }
  const known = codes.data?.codes ?? [];
  const mayWait = agent.state === State.AVAILABLE && holding > 0;

  return (
    <Menu position="bottom-end" width={300} shadow="md">
      <Menu.Target>
        <StateButton loading={busy} data-state-menu />
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
