// Fails when `supabase db lint`, whose answer comes on stdin, found an error in a function's body.
// An error PGRST is one that a function raises on purpose, met while a call of it was planned.
import { readFileSync } from "node:fs";

const errors = JSON.parse(readFileSync(0, "utf8").trim() || "[]")
  .flatMap(({ function: name, issues }) => issues.map((issue) => ({ name, ...issue })))
  .filter((issue) => issue.level === "error" && issue.sqlState !== "PGRST");
for (const { name, statement, message } of errors) {
  console.error(`${name}, line ${statement?.lineNumber}: ${message}`);
}
process.exit(errors.length ? 1 : 0);
