import { Button, Menu } from "@mantine/core";
import IconUser from "@tabler/icons-react/dist/esm/icons/IconUser.mjs";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { problemOf } from "../rpc/problem";
import { useReason } from "../rpc/useReason";
import { useSession } from "../session/session";
import { StateSelector } from "../state/StateSelector";
import { useNotices } from "../ui/Notices";
import { ConnectionBadge } from "./Connection";
import { Preferences } from "./Preferences";
import { type Setting, setSetting, useSetting } from "./settings";
import classes from "./TopBar.module.css";

/** TopBar holds what concerns the person rather than a contact. */
export function TopBar({ openHelp }: { openHelp: () => void }) {
  const { t } = useTranslation();
  return (
    <header className={classes.bar}>
      <h1 className={classes.title}>
        {t("app.name")} <span className={classes.desk}>{t("app.desk")}</span>
      </h1>
      <ConnectionBadge />
      <StateSelector />
      <Preferences />
      <Profile openHelp={openHelp} />
    </header>
  );
}

function Profile({ openHelp }: { openHelp: () => void }) {
  const { t } = useTranslation();
  const reason = useReason();
  const { state, signOut } = useSession();
  const { say } = useNotices();
  const [busy, setBusy] = useState(false);
  const name = state.status === "in" ? state.session.name : "";
  const leave = async () => {
    setBusy(true);
    try {
      await signOut();
    } catch (error) {
      say({ id: "sign-out", tone: "warn", text: reason(problemOf(error)) });
      setBusy(false);
    }
  };
  return (
    <Menu position="bottom-end" width={260} shadow="md">
      <Menu.Target>
        <Button
          variant="default"
          loading={busy}
          leftSection={<IconUser size={16} aria-hidden />}
          aria-label={t("top.profile", { name })}
          className={classes.profile}
        >
          <span className={classes.name}>{name}</span>
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Toggle setting="sound" label={t("top.sound")} />
        <NotificationToggle />
        <Toggle setting="singleKeys" label={t("top.singleKeys")} />
        <Menu.Item onClick={openHelp} rightSection={<kbd>?</kbd>}>
          {t("top.help")}
        </Menu.Item>
        <Menu.Divider />
        <Menu.Item onClick={() => void leave()}>{t("top.signOut")}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

interface ToggleProps {
  setting: Setting;
  label: string;
  disabled?: boolean;
  before?: () => void;
}

function Toggle({ setting, label, disabled = false, before }: ToggleProps) {
  const on = useSetting(setting) && !disabled;
  return (
    <Menu.CheckboxItem
      checked={on}
      disabled={disabled}
      onChange={(next) => {
        before?.();
        setSetting(setting, next);
      }}
    >
      {label}
    </Menu.CheckboxItem>
  );
}

function NotificationToggle() {
  const { t } = useTranslation();
  if (typeof Notification === "undefined") {
    return null; // browsers keep it to https and localhost
  }
  const denied = Notification.permission === "denied";
  const ask = () => {
    if (Notification.permission === "default") {
      void Notification.requestPermission();
    }
  };
  return (
    <Toggle
      setting="notifications"
      label={t("top.notifications") + (denied ? ` (${t("top.notificationsDenied")})` : "")}
      disabled={denied}
      before={ask}
    />
  );
}
