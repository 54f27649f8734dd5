// Card data, in both directions: what comes in is masked, and what would go out is kept back.
import {
  becomeAvailable,
  completeWrapUp,
  customer,
  expect,
  lookBoth,
  mail,
  openBrowser,
  signIn,
  texts,
} from "./support.mjs";

export default async function card({ language = "en" }) {
  const t = texts(language);
  const writer = customer("card");
  const b = await openBrowser({ language });
  const { page } = b;
  await signIn(page, t);
  await becomeAvailable(page, t);
  await mail.send({
    from: writer.from("Grace Hopper"),
    subject: "Charge my card",
    text: "Please charge 4111 1111 1111 1111.",
    attachments: [
      { name: "order.txt", type: "text/plain", content: Buffer.from("three chairs").toString("base64") },
      { name: "card.txt", type: "text/plain", content: Buffer.from("5555 5555 5555 4444").toString("base64") },
      { name: "scan.pdf", type: "application/pdf", content: Buffer.from("%PDF-1.4 scan").toString("base64") },
    ],
  });
  await page.locator("[data-accept]").click();
  await page.locator("[data-masked]").waitFor();
  const shown = await page.locator("[data-message]").textContent();
  expect(!shown.includes("4111 1111") && shown.includes("1111"), "the number is masked but for its last digits");
  expect((await page.locator("[data-verdict=destroyed]").count()) === 1, "the attachment with a number was destroyed");
  expect(
    (await page.locator("[data-verdict=withheld]").count()) === 1,
    "the attachment that cannot be inspected is withheld",
  );
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: /order\.txt/ }).click(),
  ]);
  expect(download.suggestedFilename() === "order.txt", "what passed can be downloaded");
  await lookBoth(page, `masked-${language}`);

  const box = page.locator("textarea[data-reply]");
  await box.fill("We charged 4111111111111111 as you wished.");
  await page.getByRole("button", { name: t("reply.send") }).click();
  await page.locator("[data-card-data]").waitFor();
  await page.getByRole("button", { name: t("reply.cardSend") }).waitFor();
  expect(!(await box.inputValue()).includes("4111111111111111"), "the number is not in the page any more");
  expect((await box.inputValue()).startsWith("We charged"), "the words are kept");
  await lookBoth(page, `card-refused-${language}`);
  await page.getByRole("button", { name: t("reply.cardSend") }).click();
  await page.locator("form[data-wrap-up]").waitFor();
  await completeWrapUp(page, t, language === "ko" ? "안내" : "Information given");
  const [answer] = await mail.inbox(writer.address);
  expect(answer && !JSON.stringify(answer).includes("4111111111111111"), "the customer got the masked text");
  await b.close();
}
