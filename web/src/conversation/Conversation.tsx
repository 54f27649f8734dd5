import { useQuery } from "@connectrpc/connect-query";
import { ActionIcon, Skeleton } from "@mantine/core";
import IconArrowLeft from "@tabler/icons-react/dist/esm/icons/IconArrowLeft.mjs";
import IconShieldLock from "@tabler/icons-react/dist/esm/icons/IconShieldLock.mjs";
import { useEffect, useMemo, useRef } from "react";
import { useTranslation } from "react-i18next";
import { contactPath, Link, navigate } from "../app/route";
import { writerOf } from "../contacts/customer";
import { type Contact, type ContactCard, OfferState, Phase } from "../gen/postroom/contact/v1/contact_pb";
import { ContactService } from "../gen/postroom/contact/v1/service_pb";
import { labelOf } from "../i18n";
import { useLive, useLiveStore } from "../live/hooks";
import { heldOf, ms } from "../live/reducer";
import { problemOf } from "../rpc/problem";
import { Since } from "../ui/Clock";
import { Delayed } from "../ui/Delayed";
import { Empty } from "../ui/Empty";
import { useNotices } from "../ui/Notices";
import { ProblemNote } from "../ui/Problem";
import { CloseButton } from "./CloseButton";
import { Composer } from "./Composer";
import classes from "./conversation.module.css";
import { MessageView } from "./MessageView";
import { WrapUp } from "./WrapUp";

/** Standing is how this agent stands to the contact. */
interface Standing {
  offerId: string;
  state: OfferState;
  /** He passed it on, and has only his own segment left to wrap up (R23). */
  passedOn?: boolean;
}

/**
 * standingOf takes the newer of two sources: the stream's card, and the contact as it was read. An answer to Accept is earlier than the
 * stream, and the stream is earlier than a contact that another tab has changed. What he passed on changes elsewhere without him.
 */
export function standingOf(contact: Contact, card: ContactCard | undefined, me: string): Standing | undefined {
  if (card?.passedOn && contact.offerId !== card.offerId) {
    return { offerId: card.offerId, state: card.state, passedOn: true };
  }
  if (card && card.version >= contact.version) {
    return { offerId: card.offerId, state: card.state };
  }
  if (contact.agent === me && contact.offerId !== "") {
    return { offerId: contact.offerId, state: contact.offerState };
  }
  return undefined;
}

/** Conversation is one contact: its mails, and what is to be done with it. */
export function Conversation({ contactId }: { contactId: string }) {
  const { t } = useTranslation();
  const query = useQuery(ContactService.method.getContact, { contactId });
  const contact = query.data?.contact;

  if (contact) {
    return <Thread contact={contact} key={contactId} />;
  }
  if (!query.error) {
    return (
      <Delayed>
        <div className={classes.loading} role="status" aria-label={t("app.loading")}>
          <Skeleton height={28} width="60%" />
          <Skeleton height={160} />
          <Skeleton height={90} />
        </div>
      </Delayed>
    );
  }
  const problem = problemOf(query.error);
  if (problem.reason === "unknown_contact" || problem.reason === "malformed" || problem.reason === "forbidden") {
    return (
      <Empty title={t("contact.unknown")}>
        <p>{t("contact.unknownText")}</p>
        <Link to="/">{t("app.home")}</Link>
      </Empty>
    );
  }
  return (
    <div className={classes.loading}>
      <ProblemNote problem={problem} title={t("contact.failed")} retry={() => void query.refetch()} />
    </div>
  );
}

function Thread({ contact }: { contact: Contact }) {
  const { t } = useTranslation();
  const card = useLive((view) => view.cards.get(contact.contactId));
  const me = useLive((view) => view.agent?.agent ?? "");
  const standing = standingOf(contact, card, me);
  const last = contact.messages.at(-1);
  const lastMail = useRef<HTMLDivElement>(null);
  const customer = contact.messages.findLast((m) => !m.outbound);
  const name = customer ? writerOf(customer) : (card?.customerAddress ?? "");
  const masked = contact.messages.some((m) => m.masked);
  const completed = useCompleted(contact.contactId);

  // The newest mail is what there is to answer.
  const newest = last?.messageId;
  useEffect(() => {
    if (newest) {
      lastMail.current?.scrollIntoView?.({ block: "start" });
    }
  }, [newest]);

  return (
    <article className={classes.page} aria-labelledby="contact-title" data-conversation={contact.contactId}>
      <Head contact={contact} standing={standing} name={name} />
      {masked && (
        <p className={classes.notice} data-masked>
          <IconShieldLock size={18} aria-hidden />
          {t("contact.masked")}
        </p>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard (WCAG 2.1.1) */}
      <section className={classes.thread} aria-label={t("contact.messages")} tabIndex={0}>
        {contact.messages.map((message) => (
          <div key={message.messageId} ref={message === last ? lastMail : undefined}>
            <MessageView message={message} contact={contact} />
          </div>
        ))}
      </section>
      <div className={classes.work}>
        <Work contact={contact} standing={standing} name={name} completed={completed} />
      </div>
    </article>
  );
}

interface WorkProps {
  contact: Contact;
  standing: Standing | undefined;
  name: string;
  completed: () => void;
}

function Work({ contact, standing, name, completed }: WorkProps) {
  const { t } = useTranslation();
  if (contact.phase === Phase.DONE && !standing?.passedOn) {
    return <p className={classes.closedNote}>{t("contact.done")}</p>;
  }
  switch (standing?.state) {
    case OfferState.ACCEPTED:
      return <Composer key={standing.offerId} contact={contact} offerId={standing.offerId} customer={name} />;
    case OfferState.WRAPUP:
      return <WrapUp key={standing.offerId} contact={contact} offerId={standing.offerId} completed={completed} />;
    case OfferState.LIVE:
      return <p className={classes.closedNote}>{t("offer.first")}</p>;
    default:
      return (
        <p className={classes.closedNote}>
          {t(contact.phase === Phase.PARKED ? "contact.parked" : "contact.elsewhere")}
        </p>
      );
  }
}

function Head({ contact, standing, name }: { contact: Contact; standing: Standing | undefined; name: string }) {
  const { t, i18n } = useTranslation();
  const title = useRef<HTMLHeadingElement>(null);
  // Who opened the contact by hand goes on from here; an offer that arrives never moves the focus.
  useEffect(() => {
    if (document.activeElement === document.body) {
      title.current?.focus();
    }
  }, []);
  return (
    <header className={classes.head}>
      <ActionIcon
        variant="subtle"
        color="gray"
        className={classes.back}
        renderRoot={(props) => <Link to="/" {...props} />}
        aria-label={t("contact.back")}
      >
        <IconArrowLeft size={18} />
      </ActionIcon>
      <div className={classes.headWords}>
        <h2 id="contact-title" className={classes.title} ref={title} tabIndex={-1}>
          {contact.subject || t("contact.subjectless")}
        </h2>
        <p className={classes.facts}>
          <span>{name}</span>
          <span>
            {t("contact.queue")}: {labelOf(contact.queueName, i18n.language)}
          </span>
          {contact.phase !== Phase.DONE && contact.phase !== Phase.WRAPUP && (
            <span>
              {t("offer.waiting")} <Since at={ms(contact.arrivedAt)} />
            </span>
          )}
        </p>
      </div>
      {standing?.state === OfferState.ACCEPTED && contact.phase !== Phase.DONE && (
        <CloseButton contact={contact} offerId={standing.offerId} />
      )}
    </header>
  );
}

/** useCompleted goes on with the next contact in hand, else to the list. */
function useCompleted(contactId: string): () => void {
  const { t } = useTranslation();
  const live = useLiveStore();
  const { say } = useNotices();
  return useMemo(
    () => () => {
      say({ id: "completed", tone: "info", text: t("contact.completed") });
      const next = heldOf(live.view()).find((card) => card.contactId !== contactId);
      navigate(next ? contactPath(next.contactId) : "/");
    },
    [t, live, say, contactId],
  );
}
