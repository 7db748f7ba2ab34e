/** How the SMTP server is reached, from the environment. */

export interface SmtpSettings {
  host: string;
  port: number;
  user?: string;
  password?: string;
  /** From the first byte; by STARTTLS, which then is a condition; or not at all. */
  tls: "implicit" | "starttls" | "none";
  connections: number;
  timeout_ms: number;
  /** The name in the server's certificate, where it is reached by another or by its address. */
  tls_name?: string;
  /** Certificates to trust besides the usual ones: tests. */
  ca?: string;
}

const CONNECTIONS = 10;
/** RFC 5321 grants servers minutes; a lease lasts one. */
const TIMEOUT_MS = 30_000;

/** The setting cannot be understood. Says which, not what it is: it may hold a password. */
export class SettingInvalid extends Error {
  constructor(readonly setting: string, expected: string) {
    super(`${setting} is not ${expected}`);
    this.name = "SettingInvalid";
  }
}

/**
 * `SMTP_URL` (`smtp://user:password@host:587`, `smtps://…` for TLS from the first byte), or
 * `SMTP_HOST`, `SMTP_PORT`, `SMTP_USER`, `SMTP_PASSWORD`; with both, `SMTP_TLS`, `SMTP_TLS_NAME`
 * and `SMTP_CONNECTIONS`. Null when neither is set.
 */
export function smtpSettings(
  environment: { get(name: string): string | undefined },
): SmtpSettings | null {
  const text = environment.get("SMTP_URL");
  const url = text ? URL.parse(text) : null;
  if (text && (!url?.hostname || !/^smtps?:$/.test(url.protocol))) {
    throw new SettingInvalid("SMTP_URL", "smtp://user:password@host:port");
  }
  const host = url?.hostname.replace(/^\[(.*)\]$/, "$1") ?? environment.get("SMTP_HOST");
  if (!host) return null;
  const port = Number((url ? url.port : environment.get("SMTP_PORT")) || 0) ||
    (url?.protocol === "smtps:" ? 465 : 587);
  const tls = environment.get("SMTP_TLS") ||
    (url?.protocol === "smtps:" || port === 465 ? "implicit" : "starttls");
  if (tls !== "implicit" && tls !== "starttls" && tls !== "none") {
    throw new SettingInvalid("SMTP_TLS", "implicit, starttls or none");
  }
  return {
    host,
    port,
    user: (url ? decoded(url.username) : environment.get("SMTP_USER")) || undefined,
    password: (url ? decoded(url.password) : environment.get("SMTP_PASSWORD")) || undefined,
    tls,
    tls_name: environment.get("SMTP_TLS_NAME") || undefined,
    connections: Number(environment.get("SMTP_CONNECTIONS")) || CONNECTIONS,
    timeout_ms: TIMEOUT_MS,
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new SettingInvalid("SMTP_URL", "smtp://user:password@host:port, with % as %25");
  }
}
