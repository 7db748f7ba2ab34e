// Signs a JSON Web Token (HS256) as Supabase Auth would, for development and tests.
//   JWT_SECRET=… node scripts/token.mjs '{"role":"anon"}' [valid for seconds, a year unless told]
import { createHmac } from "node:crypto";
import { pathToFileURL } from "node:url";

const YEAR_SECONDS = 365 * 24 * 3600;
const base64url = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

export function sign(claims, secret, validSeconds = YEAR_SECONDS) {
  const now = Math.floor(Date.now() / 1000);
  const body = { iss: "tenon-development", iat: now, exp: now + validSeconds, ...claims };
  const unsigned = `${base64url({ alg: "HS256", typ: "JWT" })}.${base64url(body)}`;
  return `${unsigned}.${createHmac("sha256", secret).update(unsigned).digest("base64url")}`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const [claims, seconds] = process.argv.slice(2);
  console.log(sign(JSON.parse(claims), process.env.JWT_SECRET, seconds && Number(seconds)));
}
