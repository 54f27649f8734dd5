import { Button, Group } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { ContactCard } from "../gen/postroom/contact/v1/contact_pb";
import { duration, isoDuration } from "../i18n/format";
import { useLive, useSecondsSince } from "../live/hooks";
import { ms } from "../live/reducer";
import { useApi } from "../rpc/api";
import { useAction } from "../rpc/useAction";
import { ProblemNote } from "../ui/Problem";

/** WrapUpTime says when a wrap-up completes itself, and puts it off where the queue allows it (R24). Nothing if it does not. */
export function WrapUpTime({ contactId, offerId }: { contactId: string; offerId: string }) {
  const card = useLive((view) => view.cards.get(contactId));
  if (card?.offerId !== offerId || !card.wrapUpDueAt) {
    return null;
  }
  return <Countdown card={card} due={ms(card.wrapUpDueAt)} />;
}

function Countdown({ card, due }: { card: ContactCard; due: number }) {
  const { t } = useTranslation();
  const api = useApi();
  const left = Math.max(-useSecondsSince(due), 0);
  const extend = useAction(
    (offerId: string, requestId) => api.contact.extendWrapUp({ requestId, offerId }),
    (offerId) => `${offerId} ${due}`, // each extension is a request of its own
  );
  return (
    <>
      <Group justify="space-between" data-wrap-up-time>
        <span>
          {t("wrapUp.completesIn")}{" "}
          <time className="numbers" dateTime={isoDuration(left)}>
            {duration(left)}
          </time>
        </span>
        {card.wrapUpExtensionsLeft > 0 && (
          <Button
            variant="default"
            size="xs"
            loading={extend.busy}
            disabled={left === 0}
            onClick={() => void extend.run(card.offerId)}
          >
            {t("wrapUp.extend")}
          </Button>
        )}
      </Group>
      {extend.problem && <ProblemNote problem={extend.problem} />}
    </>
  );
}
