// Writes down the figures of one bench: a table on stdout, the same in the marked section of the
// page, and the figures in the list of all.
//   node bench-report.mjs GROUP FIGURES.jsonl ALL.json PAGE.md
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, totalmem } from "node:os";

const [group, figuresFile, allFile, pageFile] = process.argv.slice(2);
const read = (file, otherwise) => existsSync(file) ? readFileSync(file, "utf8") : otherwise;

const figures = read(figuresFile).trim().split("\n").filter(Boolean).map((line) =>
  JSON.parse(line)
);
const number = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });

const heads = ["figure", "value", "unit", "aim", "met"];
const cells = figures.map(({ name, value, unit, aim, met }) => [
  name,
  number.format(value),
  unit,
  aim,
  met === undefined ? "" : met ? "yes" : "no",
]);
const widths = heads.map((_, column) =>
  Math.max(...[heads, ...cells].map((row) => row[column].length))
);
for (const row of [heads, ...cells]) {
  console.log(row.map((cell, column) => cell.padEnd(widths[column])).join("  "));
}

const git = (...args) => execFileSync("git", args, { encoding: "utf8" }).trim();
const changed = git("status", "--porcelain") ? ", with changes not yet committed" : "";
const section = [
  `Machine: ${availableParallelism()} × ${cpus()[0].model.trim()}, ` +
  `${Math.round(totalmem() / 2 ** 30)} GiB of memory, Node ${process.version}.`,
  `Commit: ${git("rev-parse", "--short", "HEAD")}${changed}, ${
    new Date().toISOString().slice(0, 10)
  }.`,
  `Command: \`make bench ONLY=${group}\`.`,
  "",
  `| ${heads.join(" | ")} |`,
  `|${" --- |".repeat(heads.length)}`,
  ...cells.map(([name, ...rest]) => `| \`${name}\` | ${rest.join(" | ")} |`),
].join("\n");

const begin = `<!-- bench ${group}: written by make bench -->`;
const end = `<!-- end of bench ${group} -->`;
const page = read(pageFile, "# Performance\n");
const from = page.indexOf(begin);
const to = page.indexOf(end);
writeFileSync(
  pageFile,
  from >= 0 && to > from
    ? `${page.slice(0, from)}${begin}\n${section}\n${page.slice(to)}`
    : `${page.trimEnd()}\n\n## ${group}\n\n${begin}\n${section}\n${end}\n`,
);

const names = new Set(figures.map(({ name }) => name));
const kept = JSON.parse(read(allFile, "[]")).filter(({ name }) => !names.has(name));
writeFileSync(allFile, `${JSON.stringify([...kept, ...figures], null, 2)}\n`);
