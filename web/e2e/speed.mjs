// How quick it is: twenty offers, each painted, accepted and read in the browser; the rest of their life is lived through the API. What it prints
// is for people; nothing is judged.
import { randomUUID } from "node:crypto";
import {
  becomeAvailable,
  cardsOf,
  customer,
  mail,
  openBrowser,
  places,
  rpc,
  signIn,
  texts,
  tokenOf,
} from "./support.mjs";

const rounds = 20;

export default async function speed({ language = "en" }) {
  const t = texts(language);
  const b = await openBrowser({ language });
  const { page } = b;
  const token = await tokenOf(places.agent, places.password);
  await page.goto(places.api);
  await signIn(page, t);
  await becomeAvailable(page, t);
  const writer = customer("speed");
  const painted = [];
  const readable = [];
  for (let i = 0; i < rounds; i++) {
    await page.evaluate(() => {
      globalThis.paintedAt = globalThis.readableAt = globalThis.pressedAt = 0;
      const after = (selector, mark) => {
        const seen = new MutationObserver(() => {
          if (document.querySelector(selector)) {
            seen.disconnect();
            requestAnimationFrame(() => requestAnimationFrame(mark));
          }
        });
        seen.observe(document.body, { childList: true, subtree: true });
      };
      after("[data-offer]", () => {
        globalThis.paintedAt = Date.now();
        after("[data-message]", () => (globalThis.readableAt = Date.now()));
      });
      document.addEventListener("click", () => (globalThis.pressedAt = Date.now()), { capture: true, once: true });
    });
    await mail.send({ from: writer.from("Swift"), subject: `Round ${i + 1}`, text: "How quick are you?" });
    await page.waitForFunction(() => globalThis.paintedAt);
    const [card] = await cardsOf(token);
    painted.push((await page.evaluate(() => globalThis.paintedAt)) - Date.parse(card.offeredAt));
    await page.locator("[data-accept]").click();
    await page.waitForFunction(() => globalThis.readableAt);
    readable.push(await page.evaluate(() => globalThis.readableAt - globalThis.pressedAt));
    const of = (more = {}) => ({ requestId: randomUUID(), offerId: card.offerId, ...more });
    await rpc("postroom.contact.v1.ContactService/CloseContact", of(), token);
    await rpc("postroom.contact.v1.ContactService/CompleteWrapUp", of({ code: "resolved" }), token);
    await page.goto(places.api);
    await page.locator("[data-link=live]").waitFor();
  }
  console.log(`  measured: ${line("offer painted after its commit", painted)}`);
  console.log(`  measured: ${line("mail readable after Accept", readable)}`);
  await b.close();
}

function line(what, values) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
  return `${what}: median ${at(0.5)} ms, p95 ${at(0.95)} ms of ${sorted.length}`;
}
