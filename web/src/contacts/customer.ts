import type { ContactCard, Message } from "../gen/postroom/contact/v1/contact_pb";

/** customerOf is how a card calls the customer: by name, else by address (R7). */
export function customerOf(card: ContactCard): string {
  return card.customerName || card.customerAddress;
}

/** writerOf is how a message calls its writer. */
export function writerOf(message: Message): string {
  return message.from?.name || message.from?.address || "";
}
