// Follows README's first contact in the browser as it is written: each word in bold there is what is pressed, filled in or seen next, and
// nothing else is. It prints the contact's workflow id. docs/screenshots/first-contact-*.png are its pictures.
//   node e2e/first-contact.mjs    (POSTROOM_E2E_API, _MAIL, _AGENT, _PASSWORD as for the scenarios; POSTROOM_E2E_TEMPORAL: the Temporal UI)
import { mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { expect, places } from "./support.mjs";

const temporal = process.env.POSTROOM_E2E_TEMPORAL;
expect(temporal, "POSTROOM_E2E_TEMPORAL is set");

const readme = readFileSync(join(dirname(fileURLToPath(import.meta.url)), "../../README.md"), "utf8");
const [, guide] = readme.split(/<!-- first contact: (?:begin|end) -->/);
const words = [...guide.matchAll(/\*\*(.+?)\*\*/gs)].map((m) => m[1].replace(/\s+/g, " "));

/** next is the next word in bold. */
function next() {
  expect(words.length > 0, "README says what comes next");
  return words.shift();
}

async function picture(page, name, clip) {
  if (places.screenshots) {
    mkdirSync(places.screenshots, { recursive: true });
    await page.waitForTimeout(3_000); // whatever moves has come to rest
    await page.screenshot({ path: join(places.screenshots, `first-contact-${name}.png`), clip });
  }
}

const browser = await chromium.launch({
  executablePath: places.chromium,
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
});
const context = await browser.newContext({
  locale: "en-GB",
  colorScheme: "light",
  reducedMotion: "reduce",
  viewport: { width: 1080, height: 800 },
});
context.setDefaultTimeout(60_000);

const customer = await context.newPage();
await customer.goto(places.mail);
await customer.getByRole("link", { name: next(), exact: true }).click();
await customer.getByRole("button", { name: next(), exact: true }).click();
await customer.getByText(next()).waitFor();

const desktop = await context.newPage();
await desktop.goto(places.api);
await desktop.getByLabel(next(), { exact: true }).fill(places.agent);
await desktop.getByLabel(next()).first().fill(places.password);
await desktop.getByRole("button", { name: next(), exact: true }).click();
await desktop.getByRole("button", { name: new RegExp(next()) }).click();
await desktop.getByRole("menuitem", { name: next(), exact: true }).click();
const accept = desktop.getByRole("button", { name: new RegExp(`^${next()}`) });
await accept.waitFor();
await desktop.getByText(/8[78] seconds left/).waitFor(); // as a person who looks at the card first
await picture(desktop, "offer");
await accept.click();
await desktop.getByRole("textbox").fill("Hello Ada,\n\nyour lamp arrives tomorrow before noon.\n\nMina");
await desktop.getByRole("button", { name: next(), exact: true }).click();
const code = desktop.getByRole("combobox", { name: next() });
await code.click();
await desktop.getByText("Sent", { exact: true }).waitFor();
await desktop.getByRole("option", { name: next(), exact: true }).click();
await picture(desktop, "wrap-up");
await desktop.getByRole("button", { name: next(), exact: true }).click();

await customer.reload();
await customer.getByText(next()).waitFor();
await customer.getByRole("link", { name: next(), exact: true }).click();
await customer.getByRole("link", { name: next(), exact: true }).first().click();
await customer.getByText("your lamp arrives tomorrow before noon.").waitFor();

const operations = await context.newPage();
await operations.setViewportSize({ width: 1280, height: 1030 });
const completed = next();
const row = operations.getByRole("row", { name: /contact\// }).first();
for (let looks = 0; ; looks++) {
  expect(looks < 30, `the workflow is ${completed}`);
  await operations.goto(temporal);
  await operations.getByRole("link", { name: "mailbox/support" }).waitFor();
  await row.waitFor();
  if (await row.getByText(completed).isVisible()) {
    break;
  }
}
const link = row.getByRole("link", { name: /^contact\// });
const workflow = (await link.textContent()).trim();
await link.click();
await operations.getByRole("tab", { name: next() }).waitFor();
await picture(operations, "temporal", { x: 272, y: 96, width: 1008, height: 934 });
// The timeline is a painting without words; what it paints is in the history.
const path = `/api/v1/namespaces/default/workflows/${encodeURIComponent(workflow)}/history`;
const history = await (await fetch(temporal + path)).text();
for (const summary of [next(), next()]) {
  const payload = Buffer.from(JSON.stringify(summary)).toString("base64");
  expect(history.includes(payload), `the history has a step called ${summary}`);
}
console.log(`replay --workflow-id ${workflow}`);
console.log(`says ${next()}`);
expect(words.length === 0, `everything in bold was met: ${words.join(", ")}`);
await browser.close();
