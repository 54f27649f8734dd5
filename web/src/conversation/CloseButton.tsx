import { Button, Group, Popover, Text } from "@mantine/core";
import { useState, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { usePutContact } from "../contacts/useAccept";
import type { Contact } from "../gen/postroom/contact/v1/contact_pb";
import { useApi } from "../rpc/api";
import { useAction } from "../rpc/useAction";
import { useSession } from "../session/session";
import { ProblemNote } from "../ui/Problem";
import { useDraft } from "./Composer";
import { useReadUnseen } from "./useReadUnseen";

/** CloseButton closes the contact without reply (R17). It asks once if something was written that will not be sent. */
export function CloseButton({ contact, offerId }: { contact: Contact; offerId: string }) {
  const { t } = useTranslation();
  const api = useApi();
  const put = usePutContact();
  const ifUnseen = useReadUnseen();
  const { keeper } = useSession();
  const draft = useDraft(contact, offerId);
  const { text } = useSyncExternalStore(draft.subscribe, draft.view);
  const [asking, setAsking] = useState(false);
  const seenMessageId = contact.messages.at(-1)?.messageId ?? "";
  const close = useAction(
    async (id: string, requestId) => {
      await draft.flush();
      try {
        return await api.contact.closeContact({ requestId, offerId: id, seenMessageId });
      } catch (error) {
        await ifUnseen(error); // it is read again: closing once more is the way on
        throw error;
      }
    },
    (id) => `${id} ${seenMessageId}`,
  );
  const run = async () => {
    const answer = await close.run(offerId);
    if (answer) {
      put(answer.contact);
      keeper.forget(`draft:${offerId}`);
    }
  };
  const written = text.trim() !== "";
  return (
    <Popover
      opened={asking || close.problem !== undefined}
      onChange={setAsking}
      position="bottom-end"
      width={300}
      trapFocus
      withRoles
      shadow="md"
    >
      <Popover.Target>
        <Button
          variant="default"
          loading={close.busy && !asking}
          onClick={() => (written ? setAsking(true) : void run())}
        >
          {t("contact.close")}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label={t("contact.closeQuestion")}>
        <Text fw={600}>{t("contact.closeQuestion")}</Text>
        <Text size="sm">{t("contact.closeText")}</Text>
        {close.problem && <ProblemNote problem={close.problem} />}
        <Group mt="md" gap="sm">
          <Button size="xs" onClick={() => void run()} loading={close.busy}>
            {t("contact.closeSubmit")}
          </Button>
          <Button
            size="xs"
            variant="default"
            onClick={() => {
              setAsking(false);
              close.clear();
            }}
          >
            {t("contact.keep")}
          </Button>
        </Group>
      </Popover.Dropdown>
    </Popover>
  );
}
