import { create } from "@bufbuild/protobuf";
import { createConnectQueryKey, useTransport } from "@connectrpc/connect-query";
import { useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { useTranslation } from "react-i18next";
import { contactPath, navigate } from "../app/route";
import type { Contact } from "../gen/postroom/contact/v1/contact_pb";
import { ContactService, GetContactResponseSchema } from "../gen/postroom/contact/v1/service_pb";
import { useApi } from "../rpc/api";
import { type Problem, problemOf } from "../rpc/problem";
import { useAction } from "../rpc/useAction";
import { useNotices } from "../ui/Notices";

/** usePutContact puts a contact that an answer carried where the page reads it: nothing has to be loaded again. */
export function usePutContact(): (contact: Contact | undefined) => void {
  const client = useQueryClient();
  const transport = useTransport();
  return useCallback(
    (contact) => {
      if (!contact) {
        return;
      }
      const key = createConnectQueryKey({
        schema: ContactService.method.getContact,
        input: { contactId: contact.contactId },
        transport,
        cardinality: "finite",
      });
      client.setQueryData(key, create(GetContactResponseSchema, { contact }));
    },
    [client, transport],
  );
}

/** useAccept accepts an offer and opens its contact. An offer that has ended meanwhile is said above the page: its card goes away. */
export function useAccept(offerId: string): { accept: () => void; busy: boolean; problem: Problem | undefined } {
  const { t } = useTranslation();
  const api = useApi();
  const put = usePutContact();
  const { say } = useNotices();
  const { run, busy, problem } = useAction(
    async (id: string, requestId: string) => {
      try {
        return await api.contact.acceptOffer({ requestId, offerId: id });
      } catch (error) {
        const { reason } = problemOf(error);
        if (reason === "offer_expired" || reason === "offer_ended") {
          say({ id: `offer:${id}`, tone: "warn", text: t("offer.gone") });
        }
        throw error;
      }
    },
    (id) => id,
  );
  const accept = useCallback(async () => {
    const answer = await run(offerId);
    if (answer?.contact) {
      put(answer.contact);
      navigate(contactPath(answer.contact.contactId));
    }
  }, [run, offerId, put]);
  return { accept: () => void accept(), busy, problem };
}
