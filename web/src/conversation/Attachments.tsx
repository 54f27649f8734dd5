import IconDownload from "@tabler/icons-react/dist/esm/icons/IconDownload.mjs";
import IconPaperclip from "@tabler/icons-react/dist/esm/icons/IconPaperclip.mjs";
import IconShieldX from "@tabler/icons-react/dist/esm/icons/IconShieldX.mjs";
import { useTranslation } from "react-i18next";
import type { Attachment } from "../gen/postroom/contact/v1/contact_pb";
import { fileSize } from "../i18n/format";
import classes from "./conversation.module.css";

/** Attachments lists what came with a message: what passed can be downloaded, what did not says why (R16, R26, R29). */
export function Attachments({ attachments }: { attachments: readonly Attachment[] }) {
  const { t } = useTranslation();
  if (attachments.length === 0) {
    return null;
  }
  return (
    <ul className={classes.attachments} aria-label={t("attachment.title")}>
      {attachments.map((a) => (
        <li key={a.attachmentId} className={classes.attachment} data-verdict={a.verdict}>
          {a.verdict === "passed" || a.verdict === "unchecked" ? <Passed attachment={a} /> : <Refused attachment={a} />}
        </li>
      ))}
    </ul>
  );
}

function Passed({ attachment }: { attachment: Attachment }) {
  const { t, i18n } = useTranslation();
  return (
    <a href={`/content/attachments/${attachment.attachmentId}`} download={attachment.filename}>
      <IconPaperclip size={16} aria-hidden />
      <span>{attachment.filename}</span>
      <span className={classes.size}>{fileSize(Number(attachment.size), i18n.language)}</span>
      <IconDownload size={16} role="img" aria-label={t("attachment.download")} />
      {attachment.verdict === "unchecked" && <span className={classes.why}>{t("attachment.reason.unchecked")}</span>}
    </a>
  );
}

function Refused({ attachment }: { attachment: Attachment }) {
  const { t, i18n } = useTranslation();
  const key = `attachment.reason.${attachment.reason.replace(/^active_.*/, "active")}`;
  const reason = i18n.exists(key) ? t(key as "attachment.reason.other") : t("attachment.reason.other");
  return (
    <>
      <IconShieldX size={16} aria-hidden />
      <span>{attachment.filename}</span>
      <strong>{attachment.verdict === "destroyed" ? t("attachment.destroyed") : t("attachment.withheld")}</strong>
      <span className={classes.why}>{reason}</span>
    </>
  );
}
