// What every scenario needs: the places from the environment, the API and the customer's mail page as programs use them, and a browser.
import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);
const axeSource = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

function needed(name) {
  const value = process.env[name];
  if (!value) {
    throw new Error(`${name} is not set; docs/desktop.md lists what the scenarios need`);
  }
  return value;
}

/** places are where everything is. */
export const places = {
  api: needed("POSTROOM_E2E_API"), // http://localhost:17080
  mail: needed("POSTROOM_E2E_MAIL"), // http://localhost:17082
  agent: needed("POSTROOM_E2E_AGENT"),
  password: needed("POSTROOM_E2E_PASSWORD"),
  admin: process.env.POSTROOM_E2E_ADMIN ?? "",
  adminPassword: process.env.POSTROOM_E2E_ADMIN_PASSWORD ?? "",
  /** A command that kills the API's process; whatever supervises it starts it again. */
  killAPI: process.env.POSTROOM_E2E_KILL_API ?? "",
  /** A command after which the agent's sessions were not used for half an hour. */
  lockSessions: process.env.POSTROOM_E2E_LOCK_SESSIONS ?? "",
  mailbox: process.env.POSTROOM_E2E_MAILBOX ?? "support@postroom.example",
  screenshots: process.env.POSTROOM_E2E_SCREENSHOTS ?? "",
  chromium: process.env.POSTROOM_E2E_CHROMIUM ?? "/usr/bin/chromium",
};

/** texts are the desktop's own, so that a scenario presses the button that it means in any language. */
export function texts(language) {
  const tree = JSON.parse(readFileSync(join(here, `../src/i18n/${language}.json`), "utf8"));
  return (key, values = {}) => {
    const text = key.split(".").reduce((node, part) => node[part], tree);
    return text.replace(/{{(\w+)}}/g, (_, name) => values[name] ?? "");
  };
}

/** rpc calls a method of the API as a program does. */
export async function rpc(method, request, token) {
  const response = await fetch(`${places.api}/${method}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...(token ? { Authorization: `Bearer ${token}` } : {}) },
    body: JSON.stringify(request),
  });
  const answer = await response.json();
  if (!response.ok) {
    throw new Error(`${method}: ${answer.code}: ${answer.message}`);
  }
  return answer;
}

export async function tokenOf(agent, password) {
  return (await rpc("postroom.auth.v1.AuthService/SignIn", { agent, password, bearer: true })).token;
}

const contacts = (method) => `postroom.contact.v1.ContactService/${method}`;

/** cardsOf is an agent's active contact list. */
export async function cardsOf(token) {
  return (await rpc(contacts("ListActiveContacts"), {}, token)).contacts ?? [];
}

/** tidy brings the centre to rest: nothing in the agent's hands, nothing in the queues, and the agent Idle. */
export async function tidy() {
  const token = await tokenOf(places.agent, places.password);
  const setState = async (state, idleCode) => {
    const { state: now } = await rpc("postroom.agent.v1.AgentService/GetState", {}, token);
    await rpc(
      "postroom.agent.v1.AgentService/SetState",
      { requestId: randomUUID(), state, idleCode, seenVersion: now.version },
      token,
    );
  };
  const beat = () => rpc("postroom.agent.v1.AgentService/Heartbeat", {}, token);
  await beat();
  await setState("STATE_AVAILABLE");
  for (let quiet = 0; quiet < 4; ) {
    const cards = await cardsOf(token);
    quiet = cards.length === 0 ? quiet + 1 : 0;
    for (const card of cards) {
      await finish(card, token);
    }
    await beat();
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  await setState("STATE_IDLE", "meeting");
  await rpc("postroom.auth.v1.AuthService/SignOut", {}, token);
}

/** endSessions ends what earlier scenarios have left open. */
export async function endSessions() {
  if (places.admin) {
    const token = await tokenOf(places.admin, places.adminPassword);
    await rpc("postroom.admin.v1.AdminService/RevokeSessions", { requestId: randomUUID(), agent: places.agent }, token);
  }
}

async function finish(card, token) {
  const on = (method, more = {}) =>
    rpc(contacts(method), { requestId: randomUUID(), offerId: card.offerId, ...more }, token);
  try {
    if (card.state === "OFFER_STATE_LIVE") {
      await on("AcceptOffer");
    }
    if (card.state !== "OFFER_STATE_WRAPUP") {
      await on("CloseContact");
    }
    await on("CompleteWrapUp", { code: "information" });
  } catch (error) {
    console.error(`  tidy: ${error.message}`); // an offer that ended meanwhile; the next look tells
  }
}

/** configure changes the configuration's text by an administrator, and returns a function that puts it back. */
export async function configure(change) {
  const token = await tokenOf(places.admin, places.adminPassword);
  const admin = (method, request) => rpc(`postroom.admin.v1.AdminService/${method}`, request, token);
  const apply = (document) => admin("ApplyConfiguration", { requestId: randomUUID(), document, file: "e2e.yaml" });
  const { document } = await admin("ExportConfiguration", {});
  const changed = change(document);
  if (changed === document) {
    throw new Error("the configuration is not as the scenario expects it");
  }
  await apply(changed);
  return () => apply(document);
}

/** mail is the customer: he writes, and reads what came back. */
export const mail = {
  async send(letter) {
    const response = await fetch(`${places.mail}/api/send`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ to: [places.mailbox], ...letter }),
    });
    if (!response.ok) {
      throw new Error(`the customer's mail was refused: ${await response.text()}`);
    }
    return (await response.json()).messageId;
  },
  async inbox(address, wait = "25s") {
    const response = await fetch(`${places.mail}/api/mailboxes/${encodeURIComponent(address)}/messages?wait=${wait}`);
    return (await response.json()) ?? [];
  },
};

/** openBrowser is a browser of its own, with nothing from before. */
export async function openBrowser({ language = "en", scheme = "light", width = 1440, height = 900 } = {}) {
  const profile = mkdtempSync(join(tmpdir(), "postroom-e2e-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: places.chromium,
    args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
    locale: language === "ko" ? "ko-KR" : "en-GB",
    timezoneId: "Asia/Seoul",
    colorScheme: scheme,
    reducedMotion: "reduce",
    viewport: { width, height },
    acceptDownloads: true,
  });
  const complaints = [];
  const watch = (page) => {
    page.on("console", (message) => {
      // What a page says of a server that is down, or of a refusal that it handles, is no complaint.
      if (message.type() === "error" && !/Failed to load resource|net::ERR_/.test(message.text())) {
        complaints.push(message.text());
      }
    });
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("request", (request) => {
      if (!request.url().startsWith(places.api) && !request.url().startsWith("data:")) {
        complaints.push(`asked a foreign server: ${request.url()}`);
      }
    });
  };
  context.pages().forEach(watch);
  context.on("page", watch);
  return {
    context,
    page: context.pages()[0] ?? (await context.newPage()),
    complaints,
    close: async () => {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
      if (complaints.length > 0) {
        throw new Error(`the page complained:\n${complaints.join("\n")}`);
      }
    },
  };
}

export async function signIn(page, t, agent = places.agent, password = places.password) {
  await page.goto(places.api);
  await page.getByLabel(t("signIn.agent"), { exact: true }).fill(agent);
  await page.getByLabel(t("signIn.password")).first().fill(password);
  await page.getByRole("button", { name: t("signIn.submit") }).click();
  await page.locator("[data-link=live]").waitFor();
}

export async function becomeAvailable(page, t) {
  await page.locator("[data-state-menu]").click();
  await page.getByRole("menuitem", { name: t("state.available") }).click();
  await page.locator("[data-state-menu]", { hasText: t("state.available") }).waitFor();
}

/** completeWrapUp fills in the wrap-up that is shown, by keyboard. */
export async function completeWrapUp(page, t, code) {
  const select = page.getByRole("combobox", { name: t("wrapUp.code") });
  await select.fill(code);
  await page.getByRole("option", { name: code }).click();
  await page.getByRole("radio", { name: t("wrapUp.positive") }).check();
  await page.keyboard.press("Control+Enter");
  await page.getByText(t("contact.completed")).waitFor();
}

/** signOut leaves by the profile menu. */
export async function signOut(page, t) {
  await page.getByRole("button", { name: new RegExp(t("top.profile", { name: "" })) }).click();
  await page.getByRole("menuitem", { name: t("top.signOut") }).click();
  await page.getByText(t("signIn.signedOut")).waitFor();
}

const violations = [];

/** look checks a screen with axe (WCAG 2.0 to 2.2, A and AA), and keeps a picture of it if asked to. */
export async function look(page, name) {
  await page.evaluate(axeSource);
  const result = await page.evaluate(() =>
    globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }),
  );
  for (const v of result.violations) {
    violations.push(`${name}: ${v.id} (${v.impact}): ${v.nodes.map((n) => n.html.slice(0, 200)).join(" | ")}`);
  }
  console.log(`  axe ${name}: ${result.violations.length} violations, ${result.passes.length} rules passed`);
  if (places.screenshots) {
    mkdirSync(places.screenshots, { recursive: true });
    await page.screenshot({ path: join(places.screenshots, `${name}.png`) });
  }
}

/** lookBoth is look in light and in dark. */
export async function lookBoth(page, name) {
  for (const scheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    await page.locator(`[data-mantine-color-scheme=${scheme}]`).first().waitFor({ state: "attached" });
    await look(page, `${name}-${scheme}`);
  }
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
}

export const foundViolations = () => violations;

/** customer makes an address that nobody has written from before. */
export function customer(name) {
  const address = `${name}-${Date.now().toString(36)}@example.org`;
  return { address, from: (shown) => `${shown} <${address}>` };
}

export function expect(condition, what) {
  if (!condition) {
    throw new Error(`not so: ${what}`);
  }
}
