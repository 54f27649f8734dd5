import { useTranslation } from "react-i18next";
import classes from "./conversation.module.css";

/** What the gate leaves of a card number: stars with the number's own separators, and its last four digits. */
const masked = /\*(?:[ .\-\u00a0]?\*){5,}[ .\-\u00a0]?(\d{4})(?!\d)/g;

/** MaskedText shows text as text: nothing in a mail is ever read as HTML here. Masked numbers are said in words to who cannot see them. */
export function MaskedText({ text }: { text: string }) {
  const { t } = useTranslation();
  const parts = [];
  let from = 0;
  for (const match of text.matchAll(masked)) {
    parts.push(text.slice(from, match.index));
    from = match.index + match[0].length;
    parts.push(
      <span key={match.index} className={classes.masked}>
        <span aria-hidden>{match[0]}</span>
        <span className="unseen">{t("contact.maskedNumber", { last: match[1] ?? "" })}</span>
      </span>,
    );
  }
  parts.push(text.slice(from));
  return <div className={classes.text}>{parts}</div>;
}
