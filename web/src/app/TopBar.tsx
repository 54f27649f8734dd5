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

function Toggle({ setting, label }: { setting: Setting; label: string }) {
  const on = useSetting(setting);
  return (
    <Menu.CheckboxItem checked={on} onChange={(next) => setSetting(setting, next)}>
      {label}
    </Menu.CheckboxItem>
  );
}

/** NotificationToggle is on when the person wants notifications and the browser lets us: turning it on asks the browser. */
function NotificationToggle() {
  const { t } = useTranslation();
  const wanted = useSetting("notifications");
  const [permission, setPermission] = useState(() =>
    typeof Notification === "undefined" ? undefined : Notification.permission,
  );
  if (!permission) {
    return null; // browsers keep notifications to https and localhost
  }
  const change = async (on: boolean) => {
    setSetting("notifications", on);
    if (on) {
      setPermission(await Notification.requestPermission());
    }
  };
  const denied = permission === "denied";
  return (
    <Menu.CheckboxItem
      checked={wanted && permission === "granted"}
      disabled={denied}
      onChange={(on) => void change(on)}
    >
      {t("top.notifications")}
      {denied && ` (${t("top.notificationsDenied")})`}
    </Menu.CheckboxItem>
  );
}
