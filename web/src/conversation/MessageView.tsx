import { useTranslation } from "react-i18next";
import { writerOf } from "../contacts/customer";
import { type Address, type Contact, Delivery, type Message } from "../gen/postroom/contact/v1/contact_pb";
import { dateAndTime } from "../i18n/format";
import { ms } from "../live/reducer";
import { Attachments } from "./Attachments";
import classes from "./conversation.module.css";
import { MessageBody } from "./MessageBody";
import { ReplyChoices } from "./ReplyChoices";
import { SenderMarks } from "./SenderMarks";
import { troubles } from "./troubles";

/** MessageView is one email of the conversation. */
export function MessageView({ message, contact }: { message: Message; contact: Contact }) {
  const { t, i18n } = useTranslation();
  const at = ms(message.at);
  return (
    <article className={classes.message} data-outbound={message.outbound || undefined} data-message={message.messageId}>
      <header className={classes.messageHead}>
        <span>
          <strong>{writerOf(message)}</strong>{" "}
          {message.from?.name && <span className={classes.dim}>{message.from.address}</span>}
          <SenderMarks marks={message.senderMarks} />
          {message.automatic && <span className={classes.dim}> · {t("contact.automatic")}</span>}
        </span>
        <time className={classes.dim} dateTime={new Date(at).toISOString()}>
          {dateAndTime(at, i18n.language)}
        </time>
      </header>
      <p className={classes.recipients}>
        {t("contact.to")}: {message.to.map(inWords).join(", ")}
        {message.cc.length > 0 && (
          <>
            {" · "}
            {t("contact.cc")}: {message.cc.map(inWords).join(", ")}
          </>
        )}
      </p>
      <MessageBody message={message} />
      <Attachments attachments={message.attachments} />
      {message.outbound && (
        <>
          <DeliveryNote message={message} />
          <ReplyChoices
            contactId={contact.contactId}
            version={contact.version}
            messageId={message.messageId}
            delivery={message.delivery}
          />
        </>
      )}
    </article>
  );
}

function inWords(address: Address): string {
  return address.name ? `${address.name} <${address.address}>` : address.address;
}

function DeliveryNote({ message }: { message: Message }) {
  const { t } = useTranslation();
  const words: Record<Delivery, string> = {
    [Delivery.UNSPECIFIED]: "",
    [Delivery.QUEUED]: t("delivery.queued"),
    [Delivery.SENDING]: t("delivery.sending"),
    [Delivery.SENT]: t("delivery.sent"),
    [Delivery.DEFERRED]: t("delivery.deferred"),
    [Delivery.FAILED]: t("delivery.failed"),
    [Delivery.BOUNCED]: t("delivery.bounced"),
    [Delivery.UNKNOWN]: t("delivery.unknown"),
    [Delivery.CANCELLED]: t("delivery.cancelled"),
  };
  if (!words[message.delivery]) {
    return null;
  }
  const trouble = troubles.includes(message.delivery);
  const said = message.serverText || (message.replyCode > 0 ? String(message.replyCode) : "");
  return (
    <p className={classes.delivery} data-delivery={Delivery[message.delivery]} data-trouble={trouble || undefined}>
      {trouble ? "▲ " : ""}
      {words[message.delivery]}
      {said && (trouble || message.delivery === Delivery.DEFERRED) && (
        <span className={classes.said}>
          {t("delivery.server")} {said}
        </span>
      )}
    </p>
  );
}
