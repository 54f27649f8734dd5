import { Button, Text } from "@mantine/core";
import { useEffect, useId } from "react";
import { useTranslation } from "react-i18next";
import type { ContactCard } from "../gen/postroom/contact/v1/contact_pb";
import { labelOf } from "../i18n";
import { useLive, useLiveStore, useSecondsSince } from "../live/hooks";
import { ms } from "../live/reducer";
import { useApi } from "../rpc/api";
import { useAction } from "../rpc/useAction";
import { Due, Since } from "../ui/Clock";
import { ProblemNote } from "../ui/Problem";
import { customerOf } from "./customer";
import classes from "./OfferCard.module.css";
import { useAccept } from "./useAccept";

/** The last seconds are red, and a larger number. */
const urgent = 5;

/** OfferCard is the notification of an offer: who, which queue, both clocks, and Accept (R6, R7). */
export function OfferCard({ card }: { card: ContactCard }) {
  const { t, i18n } = useTranslation();
  const api = useApi();
  const live = useLiveStore();
  const connected = useLive((view) => view.link.status === "live");
  const { accept, busy, problem } = useAccept(card.offerId);
  const decline = useAction(
    (offerId: string, requestId) => api.contact.declineOffer({ requestId, offerId }),
    (offerId) => offerId,
  );
  const why = useId();

  // In the page, and that is what *shown* means (R12): whether anybody looks is another matter.
  useEffect(() => live.source.shown(card.offerId), [live, card.offerId]);

  const left = -useSecondsSince(ms(card.expiresAt));
  const whole = (ms(card.expiresAt) - ms(card.offeredAt)) / 1000;
  const gone = (p: { reason: string }) => p.reason === "offer_expired" || p.reason === "offer_ended";

  return (
    <article
      className={classes.card}
      data-offer={card.offerId}
      data-urgent={left <= urgent || undefined}
      aria-label={t("offer.label", { name: customerOf(card) })}
    >
      <div className={classes.head}>
        <span className={classes.kind}>{t("offer.new")}</span>
        <span className={classes.queue}>{labelOf(card.queueName, i18n.language)}</span>
      </div>
      <Countdown left={left} whole={whole} />
      <p className={classes.name}>{customerOf(card)}</p>
      {card.customerName && <p className={classes.address}>{card.customerAddress}</p>}
      <p className={classes.subject}>{card.subject || t("contact.subjectless")}</p>
      <p className={classes.clocks}>
        <span>
          {t("offer.since")} <Since at={ms(card.offeredAt)} />
        </span>
        <span>
          {t("offer.waiting")} <Since at={ms(card.arrivedAt)} />
        </span>
        {card.dueAt && <Due at={ms(card.dueAt)} />}
      </p>
      {problem && !gone(problem) && <ProblemNote problem={problem} />}
      {decline.problem && !gone(decline.problem) && <ProblemNote problem={decline.problem} />}
      <div className={classes.actions}>
        <Button
          onClick={accept}
          loading={busy}
          disabled={!connected}
          aria-describedby={connected ? undefined : why}
          data-accept
          data-list-item
        >
          {t("offer.accept")}
        </Button>
        <Button
          variant="default"
          onClick={() => void decline.run(card.offerId)}
          loading={decline.busy}
          disabled={!connected || busy}
        >
          {t("offer.decline")}
        </Button>
      </div>
      {!connected && (
        <Text id={why} size="xs" c="dimmed">
          {t("link.acceptNeedsLink")}
        </Text>
      )}
    </article>
  );
}

function Countdown({ left, whole }: { left: number; whole: number }) {
  const { t } = useTranslation();
  const seconds = Math.max(0, left);
  return (
    <div className={classes.countdown}>
      <span className={`numbers ${classes.left}`} role="timer" data-left={seconds}>
        {t("offer.left", { count: seconds })}
      </span>
      <span className={classes.track} aria-hidden>
        <span className={classes.bar} style={{ width: `${Math.min(100, (seconds / Math.max(1, whole)) * 100)}%` }} />
      </span>
    </div>
  );
}

/** ExpiredCard is what stays for a moment of an offer that was not answered in time: it flashes, and is still with reduced motion (R9). */
export function ExpiredCard({ card }: { card: ContactCard }) {
  const { t, i18n } = useTranslation();
  return (
    <article className={`${classes.card} ${classes.expired}`} data-expired={card.offerId}>
      <div className={classes.head}>
        <span className={classes.kind}>▲ {t("offer.missed")}</span>
        <span className={classes.queue}>{labelOf(card.queueName, i18n.language)}</span>
      </div>
      <p className={classes.name}>{customerOf(card)}</p>
      <p className={classes.subject}>{card.subject || t("contact.subjectless")}</p>
    </article>
  );
}
