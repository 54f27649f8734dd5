// What becomes of a reply after it was sent: a customer who writes again, and a reply that does not arrive.
import { randomUUID } from "node:crypto";
import {
  becomeAvailable,
  completeWrapUp,
  customer,
  expect,
  look,
  lookBoth,
  mail,
  openBrowser,
  signIn,
  texts,
} from "./support.mjs";

export default async function delivery({ language = "en" }) {
  const t = texts(language);
  const code = language === "ko" ? "해결됨" : "Resolved";
  const b = await openBrowser({ language });
  const { page } = b;
  const reply = async (text) => {
    await page.locator("textarea[data-reply]").fill(text);
    await page.getByRole("button", { name: t("reply.send") }).click();
    await page.locator("form[data-wrap-up]").waitFor();
  };
  await signIn(page, t);
  await becomeAvailable(page, t);

  // The customer answers while the contact is wrapped up: nothing is buried.
  const writer = customer("again");
  await mail.send({ from: writer.from("Wri Ter"), subject: "First", text: "One" });
  await page.locator("[data-accept]").click();
  await reply("Answer one");
  await page.locator("[data-delivery=SENT]").waitFor();
  const [answer] = await mail.inbox(writer.address);
  const again = (text) =>
    mail.send({ from: writer.from("Wri Ter"), subject: "Re: First", text, inReplyTo: answer.messageId });
  await again("Two");
  await page.getByText(t("wrapUp.newMail")).waitFor();
  await look(page, `wrote-again-wrap-up-${language}`);
  await completeWrapUp(page, t, code);

  // The unseen mail is a new contact. The customer writes while it is answered: the composer says so.
  await page.locator("[data-accept]").click();
  await page.locator("textarea[data-reply]").fill("Answer two");
  await again("Three");
  await page.locator("[data-wrote-again]").waitFor();
  expect((await page.locator("[data-message]").count()) === 2, "the new mail joined the open contact");
  await lookBoth(page, `wrote-again-${language}`);
  await page.locator("textarea[data-reply]").fill("Answer three");
  await page.getByRole("button", { name: t("reply.send") }).click();
  const unseen = page.locator("[data-unseen]");
  await unseen.waitFor();
  await lookBoth(page, `overtaken-${language}`);
  expect(
    (await page.locator("form[data-wrap-up]").count()) === 0,
    "a reply that a mail has overtaken is not sent without a word",
  );
  await unseen.getByRole("button", { name: t("reply.sendAnyway") }).click();
  await page.locator("form[data-wrap-up]").waitFor();
  await completeWrapUp(page, t, code);

  // Addresses that begin so are refused by the customer's mail server: somebody has to know.
  const address = `reject-${randomUUID().slice(0, 8)}@example.org`;
  await mail.send({ from: `Re Ject <${address}>`, subject: "Answer me", text: "Hello" });
  await page.locator("[data-accept]").click();
  await reply("This will not arrive.");
  await page.locator("[data-delivery=FAILED]").waitFor();
  await lookBoth(page, `not-delivered-${language}`);
  await completeWrapUp(page, t, code);
  await b.close();
}
