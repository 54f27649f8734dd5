// The other screens: menus, help, what is not there, what one may not see, narrow windows, a session that has ended.
import { randomUUID } from "node:crypto";
import {
  becomeAvailable,
  customer,
  expect,
  look,
  lookBoth,
  mail,
  openBrowser,
  places,
  rpc,
  signIn,
  texts,
  tidy,
  tokenOf,
} from "./support.mjs";

export default async function screens({ language = "en" }) {
  const t = texts(language);
  const b = await openBrowser({ language });
  const { page } = b;

  await page.goto(places.api);
  await page.getByLabel(t("signIn.agent"), { exact: true }).fill(places.agent);
  await page.getByLabel(t("signIn.password")).first().fill("not the password");
  await page.getByRole("button", { name: t("signIn.submit") }).click();
  await page.getByText(t("reason.sign_in_failed")).waitFor();
  await look(page, `sign-in-refused-${language}`);
  await signIn(page, t);

  await page.locator("[data-state-menu]").click();
  await page.getByRole("menuitem").first().waitFor();
  await lookBoth(page, `state-menu-${language}`);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: new RegExp(t("top.profile", { name: "" })) }).click();
  await page.getByRole("menuitem", { name: t("top.signOut") }).waitFor();
  await lookBoth(page, `profile-menu-${language}`);
  await page.keyboard.press("Escape");
  await page.locator("body").click();
  await page.keyboard.press("Shift+Slash");
  await page.getByRole("dialog").waitFor();
  await lookBoth(page, `help-${language}`);
  await page.keyboard.press("Escape");
  await page.goto(`${places.api}/no/such/place`);
  await page.getByText(t("app.notFound")).waitFor();
  await look(page, `not-found-${language}`);
  await page.goto(`${places.api}/contacts/${randomUUID()}`);
  await page.getByText(t("contact.unknown")).waitFor();
  await look(page, `contact-unknown-${language}`);

  // A narrow window: list and conversation take turns, and an offer is in sight in both.
  await page.setViewportSize({ width: 640, height: 800 });
  await page.goto(places.api);
  await becomeAvailable(page, t);
  await mail.send({ from: customer("narrow").from("Narrow Window"), subject: "First", text: "One" });
  await page.locator("[data-accept]").click();
  await page.locator("[data-message]").waitFor();
  await mail.send({ from: customer("narrow").from("Second Writer"), subject: "Second", text: "Two" });
  await page.locator("[data-offer]").waitFor();
  await lookBoth(page, `narrow-${language}`);
  await page.setViewportSize({ width: 320, height: 640 }); // 1280 px at 400 %
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(wide <= 0, `nothing is cut off sideways at 320 px (${wide} px too wide)`);
  await look(page, `zoomed-${language}`);
  await page.setViewportSize({ width: 1440, height: 900 });

  // A session that ends from outside: everything leaves the page, the place is kept.
  const place = page.url();
  await tidy();
  if (places.admin) {
    const admin = await tokenOf(places.admin, places.adminPassword);
    const revoked = Date.now();
    await rpc("postroom.admin.v1.AdminService/RevokeSessions", { requestId: randomUUID(), agent: places.agent }, admin);
    await page.getByText(t("signIn.ended")).waitFor();
    console.log(`  measured: signed out ${Date.now() - revoked} ms after the session was revoked`);
    expect(
      !(await page.locator("body").textContent()).includes("Narrow"),
      "nothing of the customer is left on the page",
    );
    await look(page, `session-ended-${language}`);
    await page.getByLabel(t("signIn.password")).first().fill(places.password);
    await page.keyboard.press("Enter");
    await page.locator("[data-link=live]").waitFor();
    expect(page.url() === place, "the person is where he was");

    const other = await openBrowser({ language });
    await other.page.goto(places.api);
    await other.page.getByLabel(t("signIn.agent"), { exact: true }).fill(places.admin);
    await other.page.getByLabel(t("signIn.password")).first().fill(places.adminPassword);
    await other.page.keyboard.press("Enter");
    await other.page.getByText(t("app.forbidden")).waitFor();
    await look(other.page, `forbidden-${language}`);
    await other.close();
  }
  await b.close();
}
