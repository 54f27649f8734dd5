import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { screen, waitFor } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";
import { ReminderSchema, ReminderState } from "../gen/postroom/reminder/v1/reminder_pb";
import { openDesk } from "../testing/desk";
import { contactId, Fake } from "../testing/server";

let fake: Fake;
const reminderId = "0198c1b2-7a00-7000-8000-0000000000b1";

type Part = Exclude<MessageInitShape<typeof ReminderSchema>, { $typeName: string }>;

const aReminder = (part: Part = {}) =>
  create(ReminderSchema, {
    reminderId,
    contactId,
    subject: "배송 문의",
    author: "mina",
    assignee: "mina",
    text: "Call her again <b>soon</b>",
    state: ReminderState.FIRED,
    ...part,
  });

beforeEach(() => {
  fake = new Fake();
});

describe("a reminder that has fired", () => {
  it("is shown until it is done, with the way to its contact", async () => {
    fake.reminders = [aReminder()];
    fake.firedReminders = [reminderId];
    const { user } = openDesk(fake);
    await screen.findByText("Call her again <b>soon</b>");
    expect(screen.getByRole("link", { name: "배송 문의" }).getAttribute("href")).toBe(`/contacts/${contactId}`);
    await user.click(screen.getByRole("button", { name: "Done" }));
    await waitFor(() => expect(fake.called("completeReminder")).toHaveLength(1));
    fake.push({ case: "reminderChanged", value: { reminderId, listed: false, fired: false } });
    await waitFor(() => expect(screen.queryByText(/Call her again/)).toBeNull());
  });

  it("comes while one works, and says for whom it stands in", async () => {
    openDesk(fake);
    fake.reminders = [
      aReminder({ author: "nari", authorName: "나리", assignee: "nari", assigneeName: "나리", deputy: true }),
    ];
    fake.push({ case: "reminderChanged", value: { reminderId, listed: true, fired: true } });
    await screen.findByText("in place of 나리, who has left");
  });

  it("is not shown before its time", async () => {
    const other = "0198c1b2-7a00-7000-8000-0000000000b2";
    fake.reminders = [aReminder({ state: ReminderState.SET }), aReminder({ reminderId: other, text: "Write to him" })];
    openDesk(fake);
    fake.push({ case: "reminderChanged", value: { reminderId, listed: true, fired: false } });
    fake.push({ case: "reminderChanged", value: { reminderId: other, listed: true, fired: true } });
    await screen.findByText("Write to him");
    expect(screen.queryByText(/Call her again/)).toBeNull();
  });
});
