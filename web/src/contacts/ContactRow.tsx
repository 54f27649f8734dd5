import { Badge } from "@mantine/core";
import IconShieldLock from "@tabler/icons-react/dist/esm/icons/IconShieldLock.mjs";
import { useTranslation } from "react-i18next";
import { contactPath, Link } from "../app/route";
import { type ContactCard, OfferState } from "../gen/postroom/contact/v1/contact_pb";
import { labelOf } from "../i18n";
import { ms } from "../live/reducer";
import { Due, Since } from "../ui/Clock";
import classes from "./ContactRow.module.css";
import { customerOf } from "./customer";

/** ContactRow is an accepted contact in the list. */
export function ContactRow({ card }: { card: ContactCard }) {
  const { t, i18n } = useTranslation();
  const wrapUp = card.state === OfferState.WRAPUP;
  return (
    <Link to={contactPath(card.contactId)} className={classes.row} data-contact={card.contactId} data-list-item>
      <span className={classes.line}>
        <span className={classes.name}>{customerOf(card)}</span>
        {card.masked && <IconShieldLock size={16} aria-label={t("list.masked")} role="img" />}
        <Badge variant="outline" color="gray" size="sm" className={classes.phase} data-wrap-up={wrapUp || undefined}>
          {wrapUp ? t("list.wrapUp") : t("list.working")}
        </Badge>
      </span>
      <span className={classes.subject}>{card.subject || t("contact.subjectless")}</span>
      <span className={classes.foot}>
        <span>{labelOf(card.queueName, i18n.language)}</span>
        {!wrapUp &&
          (card.dueAt ? (
            <Due at={ms(card.dueAt)} />
          ) : (
            <span>
              {t("offer.waiting")} <Since at={ms(card.arrivedAt)} />
            </span>
          ))}
      </span>
    </Link>
  );
}
