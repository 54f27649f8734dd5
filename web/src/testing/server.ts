import { create, type DescMessage, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { timestampFromMs, timestampNow } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createRouterTransport, type ServiceImpl, type Transport } from "@connectrpc/connect";
import {
  AgentService,
  type AgentState,
  AgentStateSchema,
  State,
  type WatchResponse,
  WatchResponseSchema,
} from "../gen/postroom/agent/v1/agent_pb";
import { AuthService, SessionSchema } from "../gen/postroom/auth/v1/auth_pb";
import {
  type Contact,
  type ContactCard,
  ContactCardSchema,
  ContactSchema,
  OfferState,
  Phase,
} from "../gen/postroom/contact/v1/contact_pb";
import { ContactService } from "../gen/postroom/contact/v1/service_pb";
import { ErrorDetailSchema, type FindingSchema } from "../gen/postroom/error/v1/error_pb";
import { type Reminder, ReminderService } from "../gen/postroom/reminder/v1/reminder_pb";
import { type ReplySchema, SendingService } from "../gen/postroom/sending/v1/sending_pb";

// A server for tests: the services of the API in memory, over the same generated code that the real one speaks.

type Finding = MessageInitShape<typeof FindingSchema>;

/** Init is what a message is made from. */
type Init<D extends DescMessage> = Exclude<MessageInitShape<D>, MessageShape<D>>;

/** refusal is an error as the API gives it. */
export function refusal(code: Code, reason: string, findings: Finding[] = []): ConnectError {
  return new ConnectError(reason, code, undefined, [{ desc: ErrorDetailSchema, value: { reason, findings } }]);
}

export const contactId = "0198c1b2-7a00-7000-8000-000000000001";
export const offerId = "0198c1b2-7a00-7000-8000-0000000000a1";

export function aCard(part: Init<typeof ContactCardSchema> = {}): ContactCard {
  const now = Date.now();
  return create(ContactCardSchema, {
    contactId,
    offerId,
    state: OfferState.LIVE,
    phase: Phase.OFFERED,
    channel: "email",
    customerName: "이영희",
    customerAddress: "yh@example.org",
    subject: "배송 문의",
    queue: "general",
    queueName: { en: "General", ko: "일반" },
    arrivedAt: timestampFromMs(now - 60_000),
    offeredAt: timestampFromMs(now),
    expiresAt: timestampFromMs(now + 90_000),
    version: 3n,
    ...part,
  });
}

export function aContact(part: Init<typeof ContactSchema> = {}): Contact {
  return create(ContactSchema, {
    contactId,
    phase: Phase.OWNED,
    version: 4n,
    subject: "배송 문의",
    queue: "general",
    queueName: { en: "General", ko: "일반" },
    arrivedAt: timestampFromMs(Date.now() - 60_000),
    agent: "mina",
    offerId,
    offerState: OfferState.ACCEPTED,
    messages: [
      {
        messageId: "0198c1b2-7a00-7000-8000-0000000000c1",
        from: { name: "이영희", address: "yh@example.org" },
        to: [{ address: "support@postroom.example" }],
        subject: "배송 문의",
        text: "언제 도착하나요? <b>bold</b>",
        at: timestampNow(),
      },
    ],
    ...part,
  });
}

/** Fake is the server's state and what it was asked. */
export class Fake {
  agent: AgentState = create(AgentStateSchema, {
    agent: "mina",
    state: State.AVAILABLE,
    since: timestampNow(),
    version: 1n,
    connected: true,
    capacity: { email: 3 },
  });
  cards: ContactCard[] = [];
  contact: Contact = aContact();
  reminders: Reminder[] = [];
  replies: MessageInitShape<typeof ReplySchema>[] = [];
  firedReminders: string[] = [];
  calls: { method: string; request: unknown }[] = [];
  contacts: Partial<ServiceImpl<typeof ContactService>> = {};
  agents: Partial<ServiceImpl<typeof AgentService>> = {};
  sending: Partial<ServiceImpl<typeof SendingService>> = {};
  auth: Partial<ServiceImpl<typeof AuthService>> = {};
  #pushed: WatchResponse[] = [];
  #wake: () => void = () => {};
  #seq = 0n;

  /** called lists the requests of a method. */
  called<T>(method: string): T[] {
    return this.calls.filter((c) => c.method === method).map((c) => c.request as T);
  }

  /** push sends an event on the stream. */
  push(event: MessageInitShape<typeof WatchResponseSchema>["event"]): void {
    this.#pushed.push(this.#response(event));
    this.#wake();
  }

  #response(event: MessageInitShape<typeof WatchResponseSchema>["event"]): WatchResponse {
    return create(WatchResponseSchema, {
      token: { epoch: "e", seq: this.#seq++ },
      serverNow: timestampNow(),
      ...(event ? { event } : {}),
    });
  }

  transport(): Transport {
    const note = <R>(method: string, request: R) => {
      this.calls.push({ method, request });
    };
    const fake = this;
    return createRouterTransport(({ service }) => {
      service(AuthService, {
        getSession: () => ({ session: create(SessionSchema, { agent: "mina", name: "김미나", role: "agent" }) }),
        signOut: () => ({}),
        ...this.auth,
      });
      service(AgentService, {
        getState: () => ({ state: this.agent, serverNow: timestampNow() }),
        setState: (request) => {
          note("setState", request);
          this.agent = create(AgentStateSchema, {
            ...this.agent,
            state: request.state,
            version: this.agent.version + 1n,
          });
          return { state: this.agent, serverNow: timestampNow() };
        },
        listIdleCodes: () => ({ codes: [{ code: "lunch", name: { en: "Lunch", ko: "점심" } }] }),
        heartbeat: () => ({ state: this.agent, serverNow: timestampNow() }),
        watch: async function* (_request, context) {
          yield fake.#response({
            case: "snapshot",
            value: { state: fake.agent, contacts: fake.cards, firedReminderIds: fake.firedReminders },
          });
          while (!context.signal.aborted) {
            const next = fake.#pushed.shift();
            if (next) {
              yield next;
              continue;
            }
            await new Promise<void>((resolve) => {
              fake.#wake = resolve;
              context.signal.addEventListener("abort", () => resolve());
            });
          }
        },
        ...this.agents,
      });
      service(SendingService, {
        listReplies: () => ({ replies: this.replies, serverNow: timestampNow() }),
        undoReply: (request) => {
          note("undoReply", request);
          this.contact = aContact({ version: 6n });
          return { contact: this.contact };
        },
        cancelReply: (request) => {
          note("cancelReply", request);
          return {};
        },
        sendReplyNow: (request) => {
          note("sendReplyNow", request);
          return {};
        },
        resendReply: (request) => {
          note("resendReply", request);
          return {};
        },
        ...this.sending,
      });
      service(ReminderService, {
        listReminders: () => ({ reminders: this.reminders, serverNow: timestampNow() }),
        completeReminder: (request) => {
          note("completeReminder", request);
          return {};
        },
      });
      service(ContactService, {
        getContact: () => ({ contact: this.contact }),
        listWrapUpCodes: () => ({
          codes: [
            { code: "resolved", name: { en: "Resolved", ko: "해결됨" } },
            { code: "refund", name: { en: "Refund", ko: "환불" }, noteRequired: true },
          ],
          guidance: { en: "Choose the first reason that fits.", ko: "가장 먼저 맞는 사유를 고르세요." },
        }),
        markOfferShown: (request) => {
          note("markOfferShown", request);
          return {};
        },
        acceptOffer: (request) => {
          note("acceptOffer", request);
          return { contact: this.contact };
        },
        saveDraft: (request) => {
          note("saveDraft", request);
          return {
            draft: { version: request.baseVersion + 1n, text: request.text, author: "mina", at: timestampNow() },
          };
        },
        quickReply: (request) => {
          note("quickReply", request);
          this.contact = aContact({
            phase: Phase.WRAPUP,
            offerState: OfferState.WRAPUP,
            version: 5n,
            outcome: "replied",
          });
          return { contact: this.contact };
        },
        completeWrapUp: (request) => {
          note("completeWrapUp", request);
          return {};
        },
        extendWrapUp: (request) => {
          note("extendWrapUp", request);
          return {};
        },
        ...this.contacts,
      });
    });
  }
}

export { Code };
