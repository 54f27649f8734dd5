import { useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { ContactList, type Tab } from "../contacts/ContactList";
import { ExpiredCard, OfferCard } from "../contacts/OfferCard";
import { useShortcuts } from "../keys/useShortcuts";
import { useLive } from "../live/hooks";
import { offersOf } from "../live/reducer";
import { StateBanner } from "../state/StateBanner";
import { Empty } from "../ui/Empty";
import { later } from "../ui/later";
import { NoticeList } from "../ui/Notices";
import { LinkBanner } from "./Connection";
import { DeliveryWatch } from "./DeliveryWatch";
import { Home } from "./Home";
import { NewVersion } from "./NewVersion";
import { useToggleScheme } from "./Preferences";
import { Link, routeOf, usePath } from "./route";
import classes from "./Shell.module.css";
import { TopBar } from "./TopBar";
import { useNarrow } from "./useNarrow";

const Conversation = later(async () => (await import("./parts")).Conversation);
const Reminders = later(async () => (await import("./parts")).Reminders);
const HelpSheet = later(async () => (await import("../keys/HelpSheet")).HelpSheet);

/** Shell is the desktop: the bar, what must not be missed, the list, and the conversation. */
export function Shell() {
  const { t } = useTranslation();
  const [tab, setTab] = useState<Tab>("all");
  const [help, setHelp] = useState(false);
  const { toggle } = useToggleScheme();
  const narrow = useNarrow();
  const path = usePath();
  const atList = routeOf(path).page === "home";
  useShortcuts({ setTab, toggleScheme: toggle, help: () => setHelp(true) });

  // The parts that are needed after an Accept are loaded before it.
  useEffect(() => void Conversation.preload(), []);

  const showList = !narrow || atList;
  return (
    <div className={classes.page}>
      <a href="#conversation" className={classes.skip}>
        {t("app.skip")}
      </a>
      <TopBar openHelp={() => setHelp(true)} />
      <StateBanner />
      <LinkBanner />
      <FiredReminders />
      <NoticeList />
      <DeliveryWatch />
      <NewVersion />
      {!showList && <OfferStrip />}
      <div className={classes.columns} data-narrow={narrow || undefined}>
        {showList && <ContactList tab={tab} onTab={setTab} />}
        {(!narrow || !atList) && (
          <main id="conversation" className={classes.conversation} tabIndex={-1}>
            <Page path={path} />
          </main>
        )}
      </div>
      {help && <HelpSheet close={() => setHelp(false)} />}
    </div>
  );
}

/** FiredReminders loads what shows them when there are any. */
function FiredReminders() {
  const fired = useLive((view) => view.fired);
  return fired.size > 0 ? <Reminders fired={fired} /> : null;
}

/** OfferStrip shows the offers where the list has no room: an offer is never out of sight, and never covers what one writes. */
function OfferStrip() {
  const view = useLive((v) => v);
  const offers = useMemo(() => offersOf(view), [view]);
  return (
    <div className={classes.strip}>
      {view.expired.map((card) => (
        <ExpiredCard key={card.offerId} card={card} />
      ))}
      {offers.map((card) => (
        <OfferCard key={card.offerId} card={card} />
      ))}
    </div>
  );
}

/** Page is what the address names. */
function Page({ path }: { path: string }) {
  const { t } = useTranslation();
  const route = routeOf(path);
  switch (route.page) {
    case "home":
      return <Home />;
    case "contact":
      return <Conversation contactId={route.contactId} />;
    case "unknown":
      return (
        <Empty title={t("app.notFound")}>
          <Link to="/">{t("app.home")}</Link>
        </Empty>
      );
  }
}
