// An offer outlives what happens to the page and to the server: the same card, with the true time.
import { exec } from "node:child_process";
import { promisify } from "node:util";
import {
  becomeAvailable,
  cardsOf,
  customer,
  expect,
  look,
  mail,
  openBrowser,
  places,
  signIn,
  texts,
  tidy,
  tokenOf,
} from "./support.mjs";

const left = async (page) => Number(await page.locator("[data-left]").getAttribute("data-left"));

/** trueLeft is what the countdown must show, by the server's own clock. */
async function trueLeft(token) {
  const [card] = await cardsOf(token);
  return Math.ceil((Date.parse(card.expiresAt) - Date.now()) / 1000);
}

export default async function reload({ language = "en" }) {
  const t = texts(language);
  const token = await tokenOf(places.agent, places.password);
  const b = await openBrowser({ language });
  const { page } = b;
  await signIn(page, t);
  await becomeAvailable(page, t);
  const writer = customer("reload");
  await mail.send({ from: writer.from("Re Load"), subject: "Still there?", text: "Hello" });
  const card = page.locator("[data-offer]");
  await card.waitFor();
  const offer = await card.getAttribute("data-offer");
  const same = async (after) => {
    await card.waitFor();
    expect((await card.getAttribute("data-offer")) === offer, `the same card after ${after}`);
    const [shown, wanted] = [await left(page), await trueLeft(token)];
    expect(Math.abs(shown - wanted) <= 1, `the true time after ${after}: ${shown} shown, ${wanted} left`);
  };
  await same("its arrival");
  await page.waitForTimeout(2_500);
  await page.reload();
  await same("a reload");

  if (places.killAPI) {
    await promisify(exec)(places.killAPI);
    const lost = Date.now();
    await page.locator("[data-link=waiting]").waitFor();
    console.log(`  measured: "reconnecting" ${Date.now() - lost} ms after the server was killed`);
    expect(await page.locator("[data-accept]").isDisabled(), "Accept is held back while there is no connection");
    await look(page, `reconnecting-${language}`);
    await page.locator("[data-link=live]").waitFor({ timeout: 30_000 });
    console.log(`  measured: live again ${Date.now() - lost} ms after the server was killed`);
    await same("the server's death");
  } else {
    console.log("  the server was not killed: POSTROOM_E2E_KILL_API is not set");
  }
  await page.locator("[data-accept]").click();
  await page.locator("[data-message]").waitFor();
  await tidy();
  await b.close();
}
