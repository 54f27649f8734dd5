// Prints what a browser loads at first, compressed, and fails above the budget: an agent waits for these bytes once a day, on whatever
// line he has.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const budget = 260; // KB of JavaScript, the shared worker included: page and worker each hold the API's messages
const dir = process.argv[2] ?? "dist/app";
const html = readFileSync(join(dir, "index.html"), "utf8");
const first = [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map((m) => m[1]);
const rows = readdirSync(join(dir, "assets")).map((name) => {
  const path = `assets/${name}`;
  return {
    path,
    size: gzipSync(readFileSync(join(dir, path)), { level: 9 }).length / 1000,
    first: first.includes(path) || /\/worker-/.test(path),
  };
});
rows.sort((a, b) => Number(b.first) - Number(a.first) || b.size - a.size);
for (const r of rows) console.log(`${r.size.toFixed(1).padStart(8)} KB gz  ${r.first ? "first" : "later"}  ${r.path}`);
const sum = (ext) => rows.filter((r) => r.first && r.path.endsWith(ext)).reduce((total, r) => total + r.size, 0);
console.log(
  `first load: ${sum(".js").toFixed(1)} KB of JavaScript (at most ${budget}), ${sum(".css").toFixed(1)} KB of styles`,
);
if (sum(".js") > budget) {
  console.error(`web/build: the first load is above its budget of ${budget} KB`);
  process.exit(1);
}
