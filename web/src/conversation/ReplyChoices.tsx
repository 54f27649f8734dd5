import { createClient } from "@connectrpc/connect";
import { createConnectQueryKey, useQuery, useTransport } from "@connectrpc/connect-query";
import { Button, Group } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Delivery } from "../gen/postroom/contact/v1/contact_pb";
import { ContactService } from "../gen/postroom/contact/v1/service_pb";
import { type Reply, SendingService } from "../gen/postroom/sending/v1/sending_pb";
import { dateAndTime } from "../i18n/format";
import { ms } from "../live/reducer";
import { useAction } from "../rpc/useAction";
import { ProblemNote } from "../ui/Problem";
import classes from "./conversation.module.css";

interface Props {
  contactId: string;
  /** Changes whenever the contact does: its replies are read again. */
  version: bigint;
  messageId: string;
  delivery: Delivery;
}

/** deciding are the states in which somebody may have to decide on a reply. */
const deciding: readonly Delivery[] = [Delivery.QUEUED, Delivery.SENDING, Delivery.DEFERRED, Delivery.UNKNOWN];

/** ReplyChoices says when a reply is sent that waits, and lets whoever may decide on it (R20, R21, R22). The undo window has a place of its own. */
export function ReplyChoices({ contactId, version, messageId, delivery }: Props) {
  const open = deciding.includes(delivery);
  const list = useQuery(SendingService.method.listReplies, { contactId }, { enabled: open });
  const { refetch } = list;
  // biome-ignore lint/correctness/useExhaustiveDependencies: what changes is the reason to read again
  useEffect(() => {
    if (open) {
      void refetch();
    }
  }, [open, version, delivery, refetch]);
  const reply = list.data?.replies.find((r) => r.messageId === messageId);
  if (!open || !reply || !(reply.sendAt || reply.heldAt || reply.probeAt || reply.attempts > 0)) {
    return null;
  }
  return <Choices contactId={contactId} reply={reply} again={refetch} />;
}

type Choice = "cancelReply" | "sendReplyNow" | "resendReply";

function Choices({ contactId, reply, again }: { contactId: string; reply: Reply; again: () => Promise<unknown> }) {
  const { t, i18n } = useTranslation();
  const transport = useTransport();
  const client = useMemo(() => createClient(SendingService, transport), [transport]);
  const queries = useQueryClient();
  const [asking, setAsking] = useState(false);
  const decide = useAction(
    async (choice: Choice, requestId) => {
      await client[choice]({ requestId, contactId, messageId: reply.messageId });
      setAsking(false);
      await again();
      await queries.invalidateQueries({
        queryKey: createConnectQueryKey({
          schema: ContactService.method.getContact,
          input: { contactId },
          transport,
          cardinality: "finite",
        }),
      });
    },
    (choice) => `${choice} ${reply.messageId} ${reply.attempts}`,
  );
  const at = (time: Reply["dueAt"]) => dateAndTime(ms(time), i18n.language);
  const choose = (choice: Choice) => () => void decide.run(choice);
  return (
    <div data-reply-choices>
      <p className={classes.delivery}>
        {reply.heldAt
          ? t("delivery.held")
          : reply.probeAt
            ? t("delivery.lookedFor", { time: at(reply.probeAt) })
            : reply.dueAt && t(reply.sendAt ? "delivery.scheduled" : "delivery.again", { time: at(reply.dueAt) })}
        {asking && t("delivery.twice")}
      </p>
      <Group gap="xs" mt={4}>
        {reply.sendable && (
          <Button size="compact-xs" variant="default" loading={decide.busy} onClick={choose("sendReplyNow")}>
            {t("delivery.sendNow")}
          </Button>
        )}
        {reply.cancellable && (
          <Button size="compact-xs" variant="default" loading={decide.busy} onClick={choose("cancelReply")}>
            {t("delivery.cancel")}
          </Button>
        )}
        {reply.resendable && (
          <Button
            size="compact-xs"
            variant="default"
            loading={decide.busy}
            onClick={asking ? choose("resendReply") : () => setAsking(true)}
          >
            {t(asking ? "delivery.resendAnyway" : "delivery.resend")}
          </Button>
        )}
      </Group>
      {decide.problem && <ProblemNote problem={decide.problem} />}
    </div>
  );
}
