import { Delivery } from "../gen/postroom/contact/v1/contact_pb";

/** The deliveries that a person has to know of: the reply may not have arrived. */
export const troubles: readonly Delivery[] = [Delivery.FAILED, Delivery.BOUNCED, Delivery.UNKNOWN];
