// A session that locks while a reply is being written: the page shows nothing any more, and gives the words back.
import { exec } from "node:child_process";
import { promisify } from "node:util";
import {
  becomeAvailable,
  customer,
  expect,
  lookBoth,
  mail,
  openBrowser,
  places,
  signIn,
  texts,
  tidy,
} from "./support.mjs";

export default async function lock({ language = "en" }) {
  if (!places.lockSessions) {
    console.log("  left out: POSTROOM_E2E_LOCK_SESSIONS is not set");
    return;
  }
  const t = texts(language);
  const b = await openBrowser({ language });
  const { page } = b;
  await signIn(page, t);
  await becomeAvailable(page, t);
  await mail.send({
    from: customer("lock").from("Secret Person"),
    subject: "For your eyes",
    text: "Nobody else may read this",
  });
  await page.locator("[data-accept]").click();
  const box = page.locator("textarea[data-reply]");
  await box.fill("saved words");
  await page.locator("[data-draft=saved]").waitFor();
  const other = await b.context.newPage();
  await other.goto(page.url());
  await other.locator("[data-message]").waitFor();

  await promisify(exec)(places.lockSessions);
  await box.fill("saved words, and more"); // typed between the lock and the page's knowledge of it
  const locked = Date.now();
  await Promise.all([page, other].map((p) => p.getByRole("heading", { name: t("lock.title") }).waitFor()));
  console.log(`  measured: locked ${Date.now() - locked} ms after the session was`);
  for (const p of [page, other]) {
    const left = (await p.content()).match(/.{0,300}(Secret Person|Nobody else)/s);
    expect(!left, `nothing of the customer is in the page: ${left?.[0]}`);
  }
  await lookBoth(page, `locked-${language}`);
  await page.getByLabel(t("signIn.password")).first().fill("not the password");
  await page.keyboard.press("Enter");
  await page.getByText(t("reason.sign_in_failed")).waitFor();
  await page.getByLabel(t("signIn.password")).first().fill(places.password);
  await page.keyboard.press("Enter");
  await box.waitFor();
  expect((await box.inputValue()) === "saved words, and more", "the words are back");
  await page.locator("[data-draft=saved]").waitFor();
  await other.locator("[data-message]").waitFor(); // unlocking in one tab unlocks the others
  await tidy();
  await b.close();
}
