import { useTranslation } from "react-i18next";
import { StateButton } from "../state/StateButton";
import { later } from "../ui/later";
import { ConnectionBadge } from "./Connection";
import { Preferences } from "./Preferences";
import { ProfileButton } from "./ProfileButton";
import classes from "./TopBar.module.css";

// Menus need more code than all the rest of the bar. Their buttons are there at once, and open a moment later.
const StateSelector = later(async () => (await import("./parts")).StateSelector, StateButton);
const Profile = later(async () => (await import("./parts")).Profile, ProfileButton);

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
