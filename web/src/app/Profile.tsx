import { Menu } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { problemOf } from "../rpc/problem";
import { useReason } from "../rpc/useReason";
import { useSession } from "../session/session";
import { useNotices } from "../ui/Notices";
import { ProfileButton } from "./ProfileButton";
import { type Setting, setSetting, useSetting } from "./settings";

/** Profile is the menu of what the person prefers, and of signing out. */
export function Profile({ openHelp }: { openHelp: () => void }) {
  const { t } = useTranslation();
  const reason = useReason();
  const { signOut } = useSession();
  const { say } = useNotices();
  const [busy, setBusy] = useState(false);
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
        <ProfileButton loading={busy} />
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
