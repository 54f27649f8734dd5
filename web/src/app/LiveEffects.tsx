import { createConnectQueryKey, useTransport } from "@connectrpc/connect-query";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { customerOf } from "../contacts/customer";
import { ContactService } from "../gen/postroom/contact/v1/service_pb";
import { labelOf } from "../i18n";
import { useLive, useLiveStore } from "../live/hooks";
import { offersOf } from "../live/reducer";
import { useSession } from "../session/session";
import { announceOffer, closeNotifications } from "./announce";

/** LiveEffects opens the stream, and does what its messages ask for beside what is shown. */
export function LiveEffects({ agent }: { agent: string }) {
  const { t, i18n } = useTranslation();
  const live = useLiveStore();
  const client = useQueryClient();
  const transport = useTransport();
  const { lost } = useSession();

  useEffect(() => {
    let here = true;
    const disconnect = live.connect({
      changed: (contactId) => {
        const queryKey = createConnectQueryKey({
          schema: ContactService.method.getContact,
          ...(contactId ? { input: { contactId } } : {}),
          transport,
          cardinality: "finite",
        });
        void client.invalidateQueries({ queryKey });
      },
      ended: async (reason) => {
        if ((await lost(reason)) && here) {
          live.source.start(agent); // only the stream was left
        }
      },
      announce: (offerId) => {
        const card = [...live.view().cards.values()].find((c) => c.offerId === offerId);
        if (card) {
          announceOffer(offerId, t("offer.new"), `${t("contact.queue")}: ${labelOf(card.queueName, i18n.language)}`);
        }
      },
    });
    return () => {
      here = false;
      disconnect();
    };
  }, [live, client, transport, lost, agent, t, i18n]);
  useEffect(() => live.source.start(agent), [live, agent]);

  return <OfferWords />;
}

/** OfferWords tells about offers outside the page: in the title, and once to screen readers. The focus stays where it is. */
function OfferWords() {
  const { t, i18n } = useTranslation();
  const view = useLive((v) => v);
  const offers = useMemo(() => offersOf(view), [view]);
  useEffect(() => {
    const app = `${t("app.name")} · ${t("app.desk")}`;
    document.title = offers.length > 0 ? t("offer.title", { count: offers.length, app }) : app;
    closeNotifications(offers.map((card) => card.offerId));
  }, [offers, t]);
  return (
    <div role="alert" className="unseen">
      {offers.map((card) => (
        <p key={card.offerId}>
          {t("offer.alert", { name: customerOf(card), queue: labelOf(card.queueName, i18n.language) })}
        </p>
      ))}
    </div>
  );
}
