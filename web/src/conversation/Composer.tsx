import { Alert, Button, Group, Textarea } from "@mantine/core";
import { type RefObject, useEffect, useLayoutEffect, useRef, useState, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import type { Contact } from "../gen/postroom/contact/v1/contact_pb";
import type { Finding } from "../gen/postroom/error/v1/error_pb";
import { timeOfDay } from "../i18n/format";
import { useLive } from "../live/hooks";
import { useApi } from "../rpc/api";
import { useSession } from "../session/session";
import { ProblemNote } from "../ui/Problem";
import classes from "./conversation.module.css";
import { DraftConflict } from "./DraftConflict";
import { DraftKeeper } from "./draft";
import { useQuickReply } from "./useQuickReply";

interface Props {
  contact: Contact;
  offerId: string;
  /** Whom the answer goes to. */
  customer: string;
}

/** useDraft is the draft of an offer: kept outside the page, so that it outlives it. */
export function useDraft(contact: Contact, offerId: string): DraftKeeper {
  const api = useApi();
  const { keeper } = useSession();
  const draft = keeper.keep(
    `draft:${offerId}`,
    () =>
      new DraftKeeper(
        {
          save: (save) => api.contact.saveDraft({ ...save, offerId }),
          load: async () => (await api.contact.getContact({ contactId: contact.contactId })).contact?.draft,
        },
        contact.draft,
      ),
  );
  useEffect(() => draft.offered(contact.draft), [draft, contact.draft]);
  return draft;
}

/** Composer is the Quick Reply: a text under the mail, one click, to the customer alone (R14). */
export function Composer({ contact, offerId, customer }: Props) {
  const { t } = useTranslation();
  const draft = useDraft(contact, offerId);
  const view = useSyncExternalStore(draft.subscribe, draft.view);
  const live = useLive((v) => v.link.status === "live");
  const again = useWroteAgain(contact);
  const { send, busy, problem, refused, empty } = useQuickReply(draft, offerId, again.seen);
  const overtaken = problem?.reason === "unseen_message";
  const box = useRef<HTMLTextAreaElement>(null);
  useCaret(box, view.text);
  useUnsavedWarning(view.status === "failed" || view.status === "unsaved");

  // Text that could not be saved is saved when the connection is back, or the person is.
  useEffect(() => {
    if (live) {
      void draft.retry();
    }
    return () => void draft.flush();
  }, [draft, live]);

  return (
    <section className={classes.composer} aria-label={t("reply.label", { name: customer })}>
      {view.status === "conflict" && view.theirs ? (
        <DraftConflict mine={view.text} theirs={view.theirs} choose={(whose) => void draft.choose(whose)} />
      ) : (
        view.findings.length > 0 && (
          <CardNote
            findings={view.findings}
            refused={refused}
            busy={busy}
            send={() => void send()}
            dismiss={() => draft.dismissFindings()}
          />
        )
      )}
      {overtaken && (
        <Alert color="yellow" variant="light" role="alert" p="sm" title={t("reply.unseenTitle")} data-unseen>
          <p className={classes.note}>{t("reply.unseenText")}</p>
          <Button size="xs" variant="default" onClick={() => void send("anyway")} loading={busy}>
            {t("reply.sendAnyway")}
          </Button>
        </Alert>
      )}
      {again.wrote && !overtaken && (
        <Alert
          color="brand"
          variant="light"
          role="alert"
          p="sm"
          withCloseButton
          closeButtonLabel={t("app.dismiss")}
          onClose={again.dismiss}
          data-wrote-again
        >
          {t("reply.newMail")}
        </Alert>
      )}
      {problem && problem.reason !== "card_data" && !overtaken && (
        <ProblemNote problem={problem} title={t("reply.notSent")} />
      )}
      <Textarea
        ref={box}
        label={t("reply.label", { name: customer })}
        placeholder={t("reply.placeholder")}
        autosize
        minRows={3}
        maxRows={12}
        value={view.text}
        readOnly={busy || view.status === "closed"}
        error={empty && t("reply.empty")}
        data-reply
        onChange={(event) => draft.edit(event.currentTarget.value)}
        onBlur={() => void draft.flush()}
        onKeyDown={(event) => {
          if ((event.ctrlKey || event.metaKey) && event.code === "Enter" && !event.nativeEvent.isComposing) {
            event.preventDefault();
            void send();
          }
        }}
      />
      <Group justify="space-between" gap="sm">
        <SaveState draft={draft} />
        <Button onClick={() => void send()} loading={busy} disabled={view.status === "conflict"}>
          {t("reply.send")}
        </Button>
      </Group>
    </section>
  );
}

function SaveState({ draft }: { draft: DraftKeeper }) {
  const { t, i18n } = useTranslation();
  const { status, savedAt, problem } = useSyncExternalStore(draft.subscribe, draft.view);
  if (status === "failed") {
    return (
      <span role="alert" className={classes.bad} data-draft={status}>
        {problem?.reason === "too_large" ? t("reply.tooLarge") : t("reply.failed")}
      </span>
    );
  }
  if (status === "closed") {
    return (
      <span role="alert" className={classes.bad} data-draft={status}>
        {t("reply.closed")}
      </span>
    );
  }
  return (
    <span className={classes.dim} data-draft={status}>
      {status === "saving" && t("reply.saving")}
      {status === "unsaved" && t("reply.unsaved")}
      {status === "saved" && savedAt > 0 && t("reply.saved", { time: timeOfDay(savedAt, i18n.language) })}
    </span>
  );
}

interface CardNoteProps {
  findings: readonly Finding[];
  /** Whether a reply was kept back, and not only a draft masked. */
  refused: boolean;
  busy: boolean;
  send: () => void;
  dismiss: () => void;
}

/** CardNote says what the gate has masked, and offers to send the masked text where a reply was kept back (R28). */
function CardNote({ findings, refused, busy, send, dismiss }: CardNoteProps) {
  const { t } = useTranslation();
  return (
    <Alert
      color="yellow"
      variant="light"
      role="alert"
      p="sm"
      title={refused ? t("reply.cardTitle") : t("reply.maskedTitle")}
      withCloseButton={!refused}
      closeButtonLabel={t("app.dismiss")}
      onClose={dismiss}
      data-card-data
    >
      {findings.map((f, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: two findings may be equal, and the list never changes
        <div key={i}>
          {f.brand ? t("reply.finding", { brand: f.brand, last: f.last4 }) : t("reply.findingOther", { last: f.last4 })}
        </div>
      ))}
      {refused && (
        <>
          <p className={classes.note}>{t("reply.cardText")}</p>
          <Button size="xs" variant="default" onClick={send} loading={busy}>
            {t("reply.cardSend")}
          </Button>
        </>
      )}
    </Alert>
  );
}

/** useWroteAgain notices mails that came while the answer was being written, until the person says that he has seen them (R22). */
function useWroteAgain(contact: Contact): { wrote: boolean; seen: string; dismiss: () => void } {
  const now = {
    mails: contact.messages.filter((m) => !m.outbound).length,
    newest: contact.messages.at(-1)?.messageId ?? "",
  };
  const [seen, setSeen] = useState(now);
  return { wrote: now.mails > seen.mails, seen: seen.newest, dismiss: () => setSeen(now) };
}

/** useCaret keeps the caret where it was when the text is replaced by its masked form, which has the same length. */
function useCaret(box: RefObject<HTMLTextAreaElement | null>, text: string) {
  const caret = useRef<[number, number]>([0, 0]);
  const shown = useRef(text);
  useEffect(() => {
    const note = () => {
      const element = box.current;
      if (element && element.value === shown.current) {
        caret.current = [element.selectionStart, element.selectionEnd];
      }
    };
    document.addEventListener("selectionchange", note);
    return () => document.removeEventListener("selectionchange", note);
  }, [box]);
  useLayoutEffect(() => {
    const element = box.current;
    const replaced = text.length === shown.current.length && text !== shown.current; // typing changes the length
    shown.current = text;
    if (element && replaced && document.activeElement === element) {
      element.setSelectionRange(...caret.current);
    }
  }, [box, text]);
}

/** useUnsavedWarning makes the browser ask before it throws away text that the server does not have. */
function useUnsavedWarning(unsaved: boolean) {
  useEffect(() => {
    if (!unsaved) {
      return;
    }
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [unsaved]);
}
