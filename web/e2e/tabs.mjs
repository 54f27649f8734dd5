// Two tabs of one agent: one stream, one assignment, one session.
import {
  becomeAvailable,
  customer,
  expect,
  mail,
  openBrowser,
  places,
  signIn,
  signOut,
  texts,
  tidy,
} from "./support.mjs";

export default async function tabs({ language = "en" }) {
  const t = texts(language);
  const b = await openBrowser({ language });
  const first = b.page;
  await signIn(first, t);
  await becomeAvailable(first, t);
  const others = [];
  for (let i = 0; i < 7; i++) {
    const page = await b.context.newPage();
    await page.goto(places.api);
    await page.locator("[data-link=live]").waitFor();
    others.push(page);
  }
  console.log("  eight tabs are connected over HTTP/1.1");
  const writer = customer("tabs");
  await mail.send({ from: writer.from("Two Tabs"), subject: "One of you", text: "Who answers?" });
  const second = others[0];
  await Promise.all([first, ...others].map((page) => page.locator("[data-offer]").waitFor()));

  // The same click twice, in two tabs.
  const accept = () => document.querySelector("[data-accept]")?.click();
  await Promise.all([first.evaluate(accept), second.evaluate(accept)]);
  await first.locator("[data-message]").waitFor();
  await second.locator("[data-contact]").click();
  await second.locator("[data-message]").waitFor();
  await Promise.all(others.map((page) => page.locator("[data-offer]").waitFor({ state: "detached" })));
  expect((await others[1].locator("[data-contact]").count()) === 1, "the contact is in work in a tab that did nothing");

  // Two texts of one draft.
  await first.locator("textarea[data-reply]").fill("from the first tab");
  await first.locator("textarea[data-reply]").blur();
  await first.locator("[data-draft=saved]").waitFor();
  await second.locator("textarea[data-reply]").fill("from the second tab");
  await second.locator("textarea[data-reply]").blur();
  await second.locator("[data-draft-conflict]").waitFor();
  await second.getByRole("button", { name: t("reply.keepMine") }).click();
  await second.locator("[data-draft=saved]").waitFor();

  // Signing out with work in hand is refused, and said. It needs to be the agent's only session.
  if (places.admin) {
    await second.getByRole("button", { name: new RegExp(t("top.profile", { name: "" })) }).click();
    await second.getByRole("menuitem", { name: t("top.signOut") }).click();
    await second.getByText(t("reason.work_in_hand")).waitFor();
  }
  await tidy();
  await first.locator("[data-contact]").waitFor({ state: "detached" });

  await signOut(second, t);
  await Promise.all([first, ...others].map((page) => page.getByRole("button", { name: t("signIn.submit") }).waitFor()));
  expect(
    !(await first.locator("body").textContent()).includes("Two Tabs"),
    "nothing of the customer is left in another tab",
  );
  await b.close();
}
