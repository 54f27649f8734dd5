import { useQuery } from "@connectrpc/connect-query";
import { Alert, Button, Group, Radio, Select, SimpleGrid, Stack, Textarea, Title } from "@mantine/core";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { usePutContact } from "../contacts/useAccept";
import { type Contact, Delivery } from "../gen/postroom/contact/v1/contact_pb";
import { ContactService } from "../gen/postroom/contact/v1/service_pb";
import type { Finding } from "../gen/postroom/error/v1/error_pb";
import { labelOf } from "../i18n";
import { useLive } from "../live/hooks";
import { ms } from "../live/reducer";
import { useApi } from "../rpc/api";
import { problemOf } from "../rpc/problem";
import { useAction } from "../rpc/useAction";
import { useSession } from "../session/session";
import { useKept } from "../session/useKept";
import { useNotices } from "../ui/Notices";
import { ProblemNote } from "../ui/Problem";
import classes from "./conversation.module.css";
import { troubles } from "./troubles";
import { UndoReply } from "./UndoReply";
import { useReadUnseen } from "./useReadUnseen";
import { WrapUpTime } from "./WrapUpTime";

const statuses = ["resolved", "waiting_for_customer", "waiting_for_us", "escalated"] as const;
const sentiments = ["positive", "neutral", "negative"] as const;
const maxNote = 1000;

interface Fields {
  code: string;
  status: string;
  sentiment: string;
  note: string;
}

interface Props {
  contact: Contact;
  offerId: string;
  /** completed is called when the wrap-up is recorded. */
  completed: () => void;
}

/** WrapUp records why the customer wrote and how it stands, after Send or Close (R24). What is filled in is kept until it is complete. */
export function WrapUp({ contact, offerId, completed }: Props) {
  const { t, i18n } = useTranslation();
  const api = useApi();
  const { keeper } = useSession();
  const { say } = useNotices();
  const put = usePutContact();
  const ifUnseen = useReadUnseen();
  const codes = useQuery(ContactService.method.listWrapUpCodes, { contactId: contact.contactId });
  const kept = `wrap-up:${offerId}`;
  const [fields, setFields] = useKept<Fields>(kept, {
    code: "",
    status: "",
    sentiment: "",
    note: contact.wrapUpNote,
  });
  const [tried, setTried] = useState(false);
  const card = useLive((view) => view.cards.get(contact.contactId));
  const passedOn = card?.passedOn === true && card.offerId === offerId;
  const handledAt = ms(card?.handledAt);
  const wroteAgain = !passedOn && handledAt > 0 && contact.messages.some((m) => !m.outbound && ms(m.at) > handledAt);
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.focus(), []);

  const seenMessageId = contact.messages.at(-1)?.messageId ?? "";
  const complete = useAction(
    async (f: Fields, requestId): Promise<{ findings: Finding[] }> => {
      try {
        return await api.contact.completeWrapUp({ requestId, offerId, seenMessageId, ...f });
      } catch (error) {
        await ifUnseen(error); // it is shown now: completing once more is one way on, going back to work the other
        if (problemOf(error).reason === "offer_ended") {
          return { findings: [] }; // completed before, by another window
        }
        throw error;
      }
    },
    (f) => JSON.stringify({ ...f, seenMessageId }),
  );
  const goBack = useAction(
    async (id: string, requestId) => api.contact.returnToContact({ requestId, offerId: id }),
    (id) => id,
  );
  const back = async () => put((await goBack.run(offerId))?.contact);
  const list = codes.data?.codes ?? [];
  const chosen = list.find((c) => c.code === fields.code);
  const length = [...fields.note].length;
  const codeError = fields.code === "" ? t("wrapUp.codeMissing") : undefined;
  const noteError =
    length > maxNote
      ? t("wrapUp.noteLong", { max: maxNote })
      : chosen?.noteRequired && fields.note.trim() === ""
        ? t("wrapUp.noteMissing")
        : undefined;
  const replied = contact.outcome !== "closed_without_reply";
  const answer = contact.messages.findLast((m) => m.outbound && !m.automatic);
  const lost = replied && answer !== undefined && troubles.includes(answer.delivery);
  const change = (part: Partial<Fields>) => setFields({ ...fields, ...part });

  const submit = async () => {
    setTried(true);
    if (codeError || noteError) {
      return;
    }
    const done = await complete.run(fields);
    if (!done) {
      return;
    }
    if (done.findings.length > 0) {
      say({ id: "wrap-up", tone: "warn", text: t("wrapUp.masked") });
    }
    keeper.forget(kept);
    completed();
  };

  return (
    <form
      className={classes.wrapUp}
      aria-labelledby="wrap-up-title"
      noValidate
      data-wrap-up
      onSubmit={(event: FormEvent) => {
        event.preventDefault();
        void submit();
      }}
      onKeyDown={(event) => {
        if ((event.ctrlKey || event.metaKey) && event.code === "Enter" && !event.nativeEvent.isComposing) {
          event.preventDefault();
          void submit();
        }
      }}
    >
      <Stack gap="md">
        <div>
          <Title order={3} size="h4" id="wrap-up-title">
            {t("wrapUp.title")}
          </Title>
          {passedOn
            ? t("wrapUp.passedOn")
            : lost
              ? t("wrapUp.notDelivered")
              : replied
                ? t("wrapUp.replied")
                : t("wrapUp.closed")}
        </div>
        {!passedOn && replied && answer?.delivery === Delivery.QUEUED && (
          <UndoReply contactId={contact.contactId} offerId={offerId} messageId={answer.messageId} />
        )}
        <WrapUpTime contactId={contact.contactId} offerId={offerId} />
        {wroteAgain && (
          <Alert color="brand" variant="light" role="alert" p="sm">
            <p className={classes.note}>{t("wrapUp.newMail")}</p>
            <Button size="xs" variant="default" onClick={() => void back()} loading={goBack.busy}>
              {t("wrapUp.back")}
            </Button>
          </Alert>
        )}
        {codes.data?.guidance && (
          <p className={classes.note} data-guidance>
            {labelOf(codes.data.guidance, i18n.language)}
          </p>
        )}
        {codes.error && (
          <ProblemNote
            problem={problemOf(codes.error)}
            title={t("wrapUp.codesFailed")}
            retry={() => void codes.refetch()}
          />
        )}
        <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="md">
          <Select
            ref={first}
            label={t("wrapUp.code")}
            placeholder={t("wrapUp.codePlaceholder")}
            nothingFoundMessage={t("wrapUp.codeNone")}
            searchable
            required
            allowDeselect={false}
            disabled={codes.isPending}
            value={fields.code === "" ? null : fields.code}
            onChange={(code) => change({ code: code ?? "" })}
            error={tried && codeError}
            data={list.map((c) => ({
              value: c.code,
              label: labelOf(c.name, i18n.language) + (c.noteRequired ? ` (${t("wrapUp.noteNeeded")})` : ""),
            }))}
          />
          <Select
            label={t("wrapUp.status")}
            placeholder={t("wrapUp.statusNone")}
            clearable
            value={fields.status === "" ? null : fields.status}
            onChange={(status) => change({ status: status ?? "" })}
            data={statuses.map((value) => ({ value, label: t(`wrapUp.${value}`) }))}
          />
        </SimpleGrid>
        <Radio.Group
          label={t("wrapUp.sentiment")}
          value={fields.sentiment}
          onChange={(sentiment) => change({ sentiment })}
        >
          <Group gap="lg" mt="xs">
            {sentiments.map((value) => (
              <Radio key={value} value={value} label={t(`wrapUp.${value}`)} />
            ))}
          </Group>
        </Radio.Group>
        <Textarea
          label={t("wrapUp.note")}
          autosize
          minRows={2}
          maxRows={8}
          required={chosen?.noteRequired ?? false}
          value={fields.note}
          onChange={(event) => change({ note: event.currentTarget.value })}
          error={(tried || length > maxNote) && noteError}
          description={t("wrapUp.noteCount", { count: length, max: maxNote })}
        />
        {complete.problem && (
          <ProblemNote problem={complete.problem} {...(complete.problem.retryable && { retry: () => void submit() })} />
        )}
        {goBack.problem && <ProblemNote problem={goBack.problem} />}
        <Group justify={passedOn || wroteAgain ? "flex-end" : "space-between"}>
          {!passedOn && !wroteAgain && (
            <Button variant="subtle" onClick={() => void back()} loading={goBack.busy}>
              {t("wrapUp.back")}
            </Button>
          )}
          <Button type="submit" loading={complete.busy}>
            {t("wrapUp.submit")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
