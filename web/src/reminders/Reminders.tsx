import { createClient } from "@connectrpc/connect";
import { useQuery, useTransport } from "@connectrpc/connect-query";
import { Button } from "@mantine/core";
import { useEffect, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { contactPath, Link } from "../app/route";
import { type Reminder, ReminderService } from "../gen/postroom/reminder/v1/reminder_pb";
import { problemOf } from "../rpc/problem";
import { useAction } from "../rpc/useAction";
import { ProblemNote } from "../ui/Problem";
import classes from "./Reminders.module.css";

interface Props {
  /** The reminders that have fired and are not done. */
  fired: ReadonlySet<string>;
}

/** Reminders shows what the agent is reminded of until he says that it is done (R25). */
export function Reminders({ fired }: Props) {
  const { t } = useTranslation();
  const list = useQuery(ReminderService.method.listReminders, {});
  const { refetch } = list;
  useEffect(() => void (fired.size > 0 && refetch()), [fired, refetch]);
  const due = (list.data?.reminders ?? []).filter((r) => fired.has(r.reminderId));
  return (
    <section aria-label={t("reminder.title")}>
      {list.error && (
        <ProblemNote problem={problemOf(list.error)} title={t("reminder.unread")} retry={() => void refetch()} />
      )}
      {due.map((r) => (
        <Row key={r.reminderId} reminder={r} />
      ))}
    </section>
  );
}

function Row({ reminder }: { reminder: Reminder }) {
  const { t } = useTranslation();
  const transport = useTransport();
  const client = useMemo(() => createClient(ReminderService, transport), [transport]);
  const complete = useAction(
    async (reminderId: string, requestId) => client.completeReminder({ requestId, reminderId }),
    (id) => id,
  );
  return (
    <div className={classes.reminder} role="status" data-reminder>
      <span className={classes.words}>
        <strong>{t("reminder.title")}</strong> <span className={classes.text}>{reminder.text}</span>
        <span className={classes.origin}>
          {reminder.deputy
            ? t("reminder.deputy", { name: reminder.assigneeName })
            : reminder.author !== reminder.assignee && t("reminder.author", { name: reminder.authorName })}
        </span>
        {complete.problem && <ProblemNote problem={complete.problem} />}
      </span>
      <Link to={contactPath(reminder.contactId)}>{reminder.subject || t("contact.subjectless")}</Link>
      <Button
        size="xs"
        variant="default"
        loading={complete.busy}
        onClick={() => void complete.run(reminder.reminderId)}
      >
        {t("reminder.done")}
      </Button>
    </div>
  );
}
