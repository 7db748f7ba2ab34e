/** Whether a webhook's URL is one that requests may be sent to, before any name is looked up. */
import { isIP } from "node:net";
import { isPublic } from "./address.ts";

/** The attempt was refused here: nothing was sent. */
export class Refused extends Error {
  constructor(readonly error_code: "address_refused" | "url_refused", message: string) {
    super(message);
    this.name = "Refused";
  }
}

/** A URL that passed. */
export interface Target {
  url: URL;
  /** Named by the development list: reached wherever it is, also without TLS. */
  development: boolean;
}

/**
 * Hosts of a developer's machine that webhooks may go to, `host` or `host:port`, separated by
 * commas. Never set where tenants are strangers.
 */
export function developmentHosts(list: string | undefined): Set<string> {
  return new Set(
    (list ?? "").split(",").map((host) => host.trim().toLowerCase()).filter(Boolean),
  );
}

/**
 * The parser of URLs turns every notation of an address (decimal, octal, hexadecimal, short,
 * full-width digits) into the usual one. Ports below 1024 belong to other services, to which a
 * request must not be smuggled; of these HTTPS has 443 alone.
 */
export function targetOf(text: string, development: Set<string>): Target {
  const url = URL.parse(text);
  if (!url || !url.hostname) throw new Refused("url_refused", "this is not a URL");
  const host = hostOf(url.hostname);
  if (development.has(host) || development.has(`${host}:${portOf(url)}`)) {
    if (!/^https?:$/.test(url.protocol)) throw new Refused("url_refused", "only HTTP is spoken");
    return { url, development: true };
  }
  if (url.protocol !== "https:") throw new Refused("url_refused", "only https is allowed");
  if (url.username || url.password) {
    throw new Refused("url_refused", "a user name or password in the URL is not allowed");
  }
  if (portOf(url) !== 443 && portOf(url) < 1024) {
    throw new Refused("url_refused", `port ${portOf(url)} is not allowed: 443, or 1024 and above`);
  }
  if (isIP(host) && !isPublic(host)) {
    throw new Refused("address_refused", "the address is not a public one");
  }
  return { url, development: false };
}

/** The host as it is looked up: no brackets, no dot at the end. */
export function hostOf(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "");
}

export function portOf(url: { protocol: string; port: string }): number {
  return url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port);
}
