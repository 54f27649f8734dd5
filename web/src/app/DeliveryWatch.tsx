import { callUnaryMethod, useTransport } from "@connectrpc/connect-query";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { troubles } from "../conversation/troubles";
import { ContactService } from "../gen/postroom/contact/v1/service_pb";
import { useLiveStore } from "../live/hooks";
import { useNotices } from "../ui/Notices";
import { contactPath, Link } from "./route";

/**
 * DeliveryWatch says when a reply did not arrive although its contact is gone from the list: most replies are sent after the wrap-up, and a
 * failure that nobody sees is a customer without an answer (R21, I5).
 */
export function DeliveryWatch() {
  const { t } = useTranslation();
  const live = useLiveStore();
  const transport = useTransport();
  const { say, dismiss } = useNotices();
  useEffect(() => {
    const look = async (contactId: string) => {
      const answer = await callUnaryMethod(transport, ContactService.method.getContact, { contactId }).catch(
        () => undefined,
      );
      const contact = answer?.contact;
      if (!contact?.messages.some((m) => m.outbound && troubles.includes(m.delivery))) {
        return;
      }
      const id = `delivery:${contactId}`;
      say({
        id,
        tone: "bad",
        text: t("delivery.problem", { subject: contact.subject || t("contact.subjectless") }),
        action: (
          <Link to={contactPath(contactId)} onClick={() => dismiss(id)}>
            {t("delivery.open")}
          </Link>
        ),
      });
    };
    return live.onOutOfList((contactId) => void look(contactId));
  }, [t, live, transport, say, dismiss]);
  return null;
}
