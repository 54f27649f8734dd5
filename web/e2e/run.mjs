// Runs the scenarios named as arguments, or all of them, in English and Korean, one after the other: they share one agent.
//   node e2e/run.mjs [story speed card rona tabs reload delivery lock screens] [en ko]
import { endSessions, foundViolations, tidy } from "./support.mjs";

const all = ["story", "speed", "card", "rona", "tabs", "reload", "delivery", "lock", "screens"];
const named = process.argv.slice(2);
const languages = named.filter((a) => a === "en" || a === "ko");
const scenarios = named.filter((a) => all.includes(a));
const unknown = named.filter((a) => !languages.includes(a) && !scenarios.includes(a));
if (unknown.length > 0) {
  console.error(`there is no scenario ${unknown.join(", ")}`);
  process.exit(2);
}

let failures = 0;
for (const name of scenarios.length > 0 ? scenarios : all) {
  const { default: scenario } = await import(`./${name}.mjs`);
  for (const language of languages.length > 0 ? languages : ["en", "ko"]) {
    console.log(`${name} ${language}`);
    const began = Date.now();
    try {
      await endSessions();
      await tidy();
      await scenario({ language });
      console.log(`  passed in ${((Date.now() - began) / 1000).toFixed(1)} s`);
    } catch (error) {
      failures++;
      console.error(`  FAILED: ${error.stack ?? error}`);
    }
  }
}
for (const violation of foundViolations()) {
  console.error(`axe: ${violation}`);
}
console.log(`${failures} scenarios failed, ${foundViolations().length} axe violations`);
process.exit(failures + foundViolations().length > 0 ? 1 : 0);
