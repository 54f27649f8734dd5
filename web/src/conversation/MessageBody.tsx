import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Message } from "../gen/postroom/contact/v1/contact_pb";
import classes from "./conversation.module.css";
import { MaskedText } from "./MaskedText";

/** MessageBody is what an email says: its text, with quotations folded away, or its HTML in a frame of its own. */
export function MessageBody({ message }: { message: Message }) {
  const { t } = useTranslation();
  const [formatted, setFormatted] = useState(false);
  return (
    <>
      {message.formatted && (
        <button
          type="button"
          className={classes.fold}
          aria-pressed={formatted}
          onClick={() => setFormatted(!formatted)}
        >
          {t("contact.formatted")}
        </button>
      )}
      {formatted ? <Formatted message={message} /> : <Text message={message} />}
    </>
  );
}

/**
 * Formatted is a page of another origin, without scripts, that the server has made fit to show. Nobody can measure it, so its height is
 * fixed, and it scrolls.
 */
function Formatted({ message }: { message: Message }) {
  const { t } = useTranslation();
  return (
    <>
      <p className={classes.dim}>{t("contact.blocked")}</p>
      <iframe
        className={classes.frame}
        src={`/content/messages/${message.messageId}/html`}
        title={message.subject || t("contact.subjectless")}
        sandbox="allow-popups allow-popups-to-escape-sandbox"
        referrerPolicy="no-referrer"
        loading="lazy"
      />
    </>
  );
}

function Text({ message }: { message: Message }) {
  const { t } = useTranslation();
  if (message.text.trim() === "") {
    return <p className={classes.dim}>{t("contact.textless")}</p>;
  }
  return stretches(message.text, message.quoted).map((part) =>
    part.quoted ? <Quoted key={part.line} text={part.text} /> : <MaskedText key={part.line} text={part.text} />,
  );
}

/** Quoted is a quotation, which is there for whoever wants it. */
function Quoted({ text }: { text: string }) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  return (
    <div className={classes.quoted}>
      <button type="button" className={classes.fold} aria-expanded={open} onClick={() => setOpen(!open)}>
        {t("contact.quoted")}
      </button>
      {open && <MaskedText text={text} />}
    </div>
  );
}

/** Stretch is a part of a text: whole lines, from a line on. */
interface Stretch {
  line: number;
  text: string;
  quoted: boolean;
}

/** stretches cuts a text where its quotations begin and end; together they are the text. */
export function stretches(text: string, quoted: readonly number[]): Stretch[] {
  const lines = text.split("\n");
  const parts: Stretch[] = [];
  let from = 0;
  [...quoted, lines.length].forEach((to, i) => {
    if (to > from) {
      parts.push({ line: from, text: lines.slice(from, to).join("\n"), quoted: i % 2 === 1 });
      from = to;
    }
  });
  return parts;
}
