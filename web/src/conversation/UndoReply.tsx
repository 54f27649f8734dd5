import { createClient } from "@connectrpc/connect";
import { useQuery, useTransport } from "@connectrpc/connect-query";
import { Button, Group } from "@mantine/core";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { usePutContact } from "../contacts/useAccept";
import { SendingService } from "../gen/postroom/sending/v1/sending_pb";
import { duration, isoDuration } from "../i18n/format";
import { useSecondsSince } from "../live/hooks";
import { ms } from "../live/reducer";
import { useAction } from "../rpc/useAction";
import { ProblemNote } from "../ui/Problem";

interface Props {
  contactId: string;
  offerId: string;
  /** The message that the reply is. */
  messageId: string;
}

/** UndoReply takes the reply back while it waits to be sent, and says how long that is (R20). Nothing once it is on its way. */
export function UndoReply({ contactId, offerId, messageId }: Props) {
  const list = useQuery(SendingService.method.listReplies, { contactId });
  const reply = list.data?.replies.find((r) => r.messageId === messageId);
  if (!reply?.dueAt || reply.attempts > 0) {
    return null;
  }
  return <Countdown offerId={offerId} due={ms(reply.dueAt)} />;
}

function Countdown({ offerId, due }: { offerId: string; due: number }) {
  const { t } = useTranslation();
  const transport = useTransport();
  const client = useMemo(() => createClient(SendingService, transport), [transport]);
  const put = usePutContact();
  const left = -useSecondsSince(due);
  const undo = useAction(
    async (id: string, requestId) => client.undoReply({ requestId, offerId: id }),
    (id) => `${id} ${due}`,
  );
  if (left <= 0 && !undo.problem) {
    return null;
  }
  return (
    <>
      {left > 0 && (
        <Group justify="space-between" data-undo-reply>
          <span>
            {t("wrapUp.sentIn")}{" "}
            <time className="numbers" dateTime={isoDuration(left)}>
              {duration(left)}
            </time>
          </span>
          <Button
            variant="default"
            size="xs"
            loading={undo.busy}
            onClick={async () => put((await undo.run(offerId))?.contact)}
          >
            {t("wrapUp.undo")}
          </Button>
        </Group>
      )}
      {undo.problem && <ProblemNote problem={undo.problem} />}
    </>
  );
}
