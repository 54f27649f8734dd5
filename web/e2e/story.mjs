// An email's life in one browser: sign in, be offered it, read it, answer it, wrap it up; and the customer reads the answer.
import {
  becomeAvailable,
  cardsOf,
  completeWrapUp,
  customer,
  expect,
  lookBoth,
  mail,
  openBrowser,
  places,
  signIn,
  signOut,
  texts,
  tokenOf,
} from "./support.mjs";

const words = {
  en: {
    name: "Ada Byron",
    subject: "Where is my parcel?",
    text: "Hello,\n\nmy parcel 1742 has not arrived. <b>Please</b> look into it.\n\nAda Byron",
    reply: "Hello Ms Byron,\n\nyour parcel arrives tomorrow before noon.",
    code: "Resolved",
  },
  ko: {
    name: "이영희",
    subject: "배송 문의드립니다",
    text: "안녕하세요.\n\n주문번호 1742 상품이 아직 도착하지 않았습니다. <b>확인</b> 부탁드립니다.\n\n이영희 드림",
    reply: "안녕하세요, 이영희 고객님.\n\n상품은 내일 오전에 도착합니다. 기다려 주셔서 감사합니다.",
    code: "해결됨",
  },
};

export default async function story({ language = "en" }) {
  const t = texts(language);
  const w = words[language];
  const writer = customer("story");
  const b = await openBrowser({ language });
  const { page } = b;
  const token = await tokenOf(places.agent, places.password);

  await page.goto(places.api);
  await page.getByRole("button", { name: t("signIn.submit") }).waitFor();
  expect((await page.locator("html").getAttribute("lang")) === language, "the page speaks the browser's language");
  await lookBoth(page, `sign-in-${language}`);
  await signIn(page, t);
  await lookBoth(page, `idle-${language}`);
  await becomeAvailable(page, t);
  await lookBoth(page, `empty-${language}`);

  // When the card is painted: the first frame after it is in the page.
  await page.evaluate(() => {
    const seen = new MutationObserver(() => {
      if (document.querySelector("[data-offer]")) {
        seen.disconnect();
        requestAnimationFrame(() => requestAnimationFrame(() => (globalThis.paintedAt = Date.now())));
      }
    });
    seen.observe(document.body, { childList: true, subtree: true });
  });
  const written = Date.now();
  await mail.send({ from: writer.from(w.name), subject: w.subject, text: w.text });
  const card = page.locator("[data-offer]");
  await card.waitFor();
  await page.waitForFunction(() => globalThis.paintedAt);
  const paintedAt = await page.evaluate(() => globalThis.paintedAt);
  const [offer] = await cardsOf(token);
  console.log(
    `  measured: offer painted ${paintedAt - Date.parse(offer.offeredAt)} ms after it was committed, ${paintedAt - written} ms after the customer sent`,
  );
  expect((await card.textContent()).includes(w.name), "the card names the customer");
  expect(
    (await card.textContent()).includes(language === "ko" ? "일반" : "General"),
    "the card names the queue in the page's language",
  );
  expect((await page.title()).startsWith("(1)"), "the title counts the offer");
  await page.waitForTimeout(300);
  expect((await cardsOf(token))[0].shown === true, "the server knows that the card was shown");
  await lookBoth(page, `offer-${language}`);
  await page.getByRole("tab", { name: new RegExp(`^${t("list.email")}`) }).click();
  await page.locator("[data-offer]").waitFor();
  await page.getByRole("tab", { name: new RegExp(`^${t("list.all")}`) }).click();

  await page.evaluate(() => {
    let pressed = 0;
    document.addEventListener("keydown", () => (pressed = performance.now()), { capture: true });
    const seen = new MutationObserver(() => {
      if (document.querySelector("[data-message]")) {
        seen.disconnect();
        requestAnimationFrame(() =>
          requestAnimationFrame(() => (globalThis.readableAfter = performance.now() - pressed)),
        );
      }
    });
    seen.observe(document.body, { childList: true, subtree: true });
  });
  await page.keyboard.press("Alt+Shift+KeyA");
  await page.locator("[data-message]").waitFor();
  await page.waitForFunction(() => globalThis.readableAfter);
  const readable = Math.round(await page.evaluate(() => globalThis.readableAfter));
  const call = await page.evaluate(() => {
    const [accept] = performance.getEntriesByType("resource").filter((e) => e.name.endsWith("/AcceptOffer"));
    return Math.round(accept.duration);
  });
  console.log(`  measured: mail readable ${readable} ms after Accept was pressed, of which the call took ${call} ms`);
  expect((await page.locator("[data-message]").textContent()).includes("<b>"), "the mail's markup is shown as text");
  expect((await page.locator("[data-message] b").count()) === 0, "the mail's markup is never HTML");
  await page.keyboard.press("KeyQ");
  await page.keyboard.type(w.reply, { delay: 2 });
  await page.locator("[data-draft=saved]").waitFor();
  await page.getByText(t("reply.saved", { time: "" }).trim()).waitFor();
  await lookBoth(page, `reply-${language}`);

  // What was typed survives a reload.
  await page.reload();
  await page.locator("textarea[data-reply]").waitFor();
  expect((await page.locator("textarea[data-reply]").inputValue()) === w.reply, "the draft came back from the server");
  await page.locator("textarea[data-reply]").click();
  await page.keyboard.press("Control+Enter");
  await page.locator("form[data-wrap-up]").waitFor();
  await lookBoth(page, `wrap-up-${language}`);
  await completeWrapUp(page, t, w.code);

  const [answer] = await mail.inbox(writer.address);
  expect(answer, "the customer has an answer");
  expect(JSON.stringify(answer).includes(w.reply.split("\n").at(-1)), "the customer reads what was typed");
  await signOut(page, t);
  expect(
    (await page.locator("body").textContent()).includes(w.name) === false,
    "nothing of the customer is left on the page",
  );
  await b.close();
}
