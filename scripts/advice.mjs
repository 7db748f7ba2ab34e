// Fails when `supabase db advisors`, whose answer comes on stdin, has advice that we have not answered.
import { readFileSync } from "node:fs";

const ANSWERED = [
  // A procedure that commits cannot fix its search path; all its names are qualified.
  "function_search_path_mutable_core_run_jobs",
];

const advice = JSON.parse(readFileSync(0, "utf8").trim() || "[]")
  .filter(({ cache_key: key }) => !ANSWERED.some((answered) => key.startsWith(`${answered}_`)));
for (const { name, detail, remediation } of advice) {
  console.error(`${name}: ${detail}\n  ${remediation}`);
}
process.exit(advice.length ? 1 : 0);
