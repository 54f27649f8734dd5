// An offer that nobody answers: it flashes, the agent is RONA, and one click leads back.
import {
  becomeAvailable,
  configure,
  customer,
  expect,
  look,
  lookBoth,
  mail,
  openBrowser,
  signIn,
  texts,
  tidy,
} from "./support.mjs";

export default async function rona({ language = "en" }) {
  const t = texts(language);
  const restore = await configure((document) => document.replaceAll(/rona_time: \S+/g, "rona_time: 7s"));
  const b = await openBrowser({ language });
  try {
    const { page } = b;
    await signIn(page, t);
    await becomeAvailable(page, t);
    const writer = customer("rona");
    await mail.send({ from: writer.from("Katherine Johnson"), subject: "Nobody answers", text: "Hello?" });
    const card = page.locator("[data-offer]");
    await card.waitFor();
    const first = await card.getAttribute("data-offer");
    await page.locator("[data-offer][data-urgent]").waitFor();
    await look(page, `offer-urgent-${language}`);
    await page.locator("[data-banner=rona]").waitFor({ timeout: 15_000 });
    expect((await page.locator(`[data-expired="${first}"]`).count()) === 1, "the card flashes");
    await lookBoth(page, `rona-${language}`);
    await page.locator(`[data-expired="${first}"]`).waitFor({ state: "detached" });

    await page.reload(); // no reload ends RONA
    await page.locator("[data-banner=rona]").waitFor();
    await page
      .locator("[data-banner=rona]")
      .getByRole("button", { name: t("state.available") })
      .click();
    await page.locator("[data-banner=rona]").waitFor({ state: "detached" });
    await page.locator("[data-state-menu]", { hasText: t("state.available") }).waitFor();
  } finally {
    await restore();
    await tidy();
  }
  await b.close();
}
