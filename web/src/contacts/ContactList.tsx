import { Skeleton, Tabs } from "@mantine/core";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { State } from "../gen/postroom/agent/v1/agent_pb";
import { useLive } from "../live/hooks";
import { heldOf, offersOf } from "../live/reducer";
import { Delayed } from "../ui/Delayed";
import { Empty } from "../ui/Empty";
import classes from "./ContactList.module.css";
import { ContactRow } from "./ContactRow";
import { ExpiredCard, OfferCard } from "./OfferCard";

/** Tab names what the list shows: every channel, or one (R6). */
export type Tab = "all" | "email";

interface Props {
  tab: Tab;
  onTab: (tab: Tab) => void;
}

/** ContactList is the active contact list: offers first, then what the agent holds. */
export function ContactList({ tab, onTab }: Props) {
  const { t } = useTranslation();
  const cards = useLive((view) => view.cards);
  const emails = useMemo(() => [...cards.values()].filter((card) => card.channel === "email").length, [cards]);
  const capacity = useLive((view) => view.agent?.capacity.email ?? (view.agent ? 0 : undefined));
  // Whose profile has no capacity for email has no Email tab, unless he still holds one from before that (R2).
  const hasEmail = capacity !== 0 || emails > 0;
  return (
    <nav className={classes.list} aria-labelledby="contact-list-title">
      <h2 id="contact-list-title" className={classes.title}>
        {t("list.title")}
      </h2>
      <Tabs
        value={hasEmail ? tab : "all"}
        onChange={(value) => onTab(value as Tab)}
        keepMounted={false}
        classNames={{ root: classes.tabs, tab: classes.tab, panel: classes.panel }}
      >
        <Tabs.List>
          <Tabs.Tab value="all" rightSection={<Count n={cards.size} />}>
            {t("list.all")}
          </Tabs.Tab>
          {hasEmail && (
            <Tabs.Tab value="email" rightSection={<Count n={emails} />}>
              {t("list.email")}
            </Tabs.Tab>
          )}
        </Tabs.List>
        <Tabs.Panel value="all">
          <Entries channel={undefined} />
        </Tabs.Panel>
        <Tabs.Panel value="email">
          <Entries channel="email" />
        </Tabs.Panel>
      </Tabs>
    </nav>
  );
}

function Count({ n }: { n: number }) {
  const { t } = useTranslation();
  return (
    <span className={`numbers ${classes.count}`}>
      <span aria-hidden>{n}</span>
      <span className="unseen">{t("list.count", { count: n })}</span>
    </span>
  );
}

function Entries({ channel }: { channel: string | undefined }) {
  const { t } = useTranslation();
  const view = useLive((v) => v);
  const offers = useMemo(() => offersOf(view), [view]);
  const held = useMemo(() => heldOf(view), [view]);
  const here = (card: { channel: string }) => channel === undefined || card.channel === channel;
  if (!view.ready) {
    return (
      <Delayed>
        <div className={classes.loading} aria-label={t("app.loading")} role="status">
          <Skeleton height={60} />
          <Skeleton height={60} />
        </div>
      </Delayed>
    );
  }
  const expired = view.expired.filter(here);
  if (offers.filter(here).length + held.filter(here).length + expired.length === 0) {
    return (
      <Empty title={t("list.empty")}>
        {view.agent?.state === State.AVAILABLE ? t("list.emptyAvailable") : t("list.emptyOther")}
      </Empty>
    );
  }
  return (
    <>
      {expired.map((card) => (
        <ExpiredCard key={card.offerId} card={card} />
      ))}
      {offers.filter(here).map((card) => (
        <OfferCard key={card.offerId} card={card} />
      ))}
      {held.filter(here).map((card) => (
        <ContactRow key={card.offerId} card={card} />
      ))}
    </>
  );
}
