/**
 * Who may have deliveries sent: whoever holds a key of the service role.
 *
 * Supabase's `verify_jwt` is no help here. It lets every token of the project pass, the anonymous
 * one too, and it refuses the newer secret keys (`sb_secret_…`), which are no tokens. So it is off
 * (supabase/config.toml), and a caller is one of two:
 * - whoever shows a key that the platform has given this function, compared in constant time;
 * - whoever shows a token that *says* it is of the service role. Nothing is done in its name here:
 *   it is passed on to the database, whose API verifies the signature before anything is claimed.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { Buffer } from "node:buffer";

const digest = (text: string) => createHash("sha256").update(text).digest();

/** Takes the same time wherever two texts differ, and however long they are. */
function same(one: string, other: string): boolean {
  return timingSafeEqual(digest(one), digest(other));
}

function claimedRole(token: string): unknown {
  const [, claims, signature] = token.split(".");
  if (!claims || !signature) return null;
  try {
    return JSON.parse(Buffer.from(claims, "base64url").toString("utf8")).role;
  } catch {
    return null;
  }
}

/** The key with which to ask the database on behalf of this caller; null for everybody else. */
export function keyOfCaller(request: Request, known: string[]): string | null {
  const shown = /^Bearer ([\x21-\x7e]+)$/i.exec(request.headers.get("authorization") ?? "")?.[1] ??
    request.headers.get("apikey");
  if (!shown) return null;
  // All are compared: how many there are before the right one must not show either.
  const matches = known.filter((key) => same(key, shown)).length;
  return matches > 0 || claimedRole(shown) === "service_role" ? shown : null;
}

/** The keys of the service role that Supabase gives each function, older and newer ones. */
export function keysFrom(environment: { get(name: string): string | undefined }): string[] {
  const keys = [environment.get("SUPABASE_SERVICE_ROLE_KEY")];
  try {
    keys.push(
      ...Object.values<string>(JSON.parse(environment.get("SUPABASE_SECRET_KEYS") ?? "{}")),
    );
  } catch {
    // Not JSON: the older key alone counts.
  }
  return keys.filter((key): key is string => typeof key === "string" && key.length > 0);
}
