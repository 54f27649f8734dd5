import { useTranslation } from "react-i18next";
import { type Message, SenderMark } from "../gen/postroom/contact/v1/contact_pb";
import classes from "./conversation.module.css";

/** SenderMarks says beside the sender of an email whether he is who he says (R48). */
export function SenderMarks({ marks }: { marks: Message["senderMarks"] }) {
  const { t } = useTranslation();
  const words: Record<SenderMark, string> = {
    [SenderMark.UNSPECIFIED]: "",
    [SenderMark.PROVED]: t("sender.proved"),
    [SenderMark.REFUTED]: t("sender.refuted"),
    [SenderMark.SPOOFED]: t("sender.spoofed"),
    [SenderMark.OUTSIDER]: t("sender.outsider"),
    [SenderMark.REPLY_ELSEWHERE]: t("sender.elsewhere"),
  };
  return marks.map((mark) =>
    words[mark] ? (
      <span key={mark} className={classes.mark} data-good={mark === SenderMark.PROVED || undefined}>
        {mark === SenderMark.PROVED ? "✓ " : "▲ "}
        {words[mark]}
      </span>
    ) : null,
  );
}
