/** Which addresses of the internet a tenant may have requests sent to: public ones. */
import ipaddr from "npm:ipaddr.js@2.5.0";

/** What clouds answer to their own machines under a public address: Azure's. */
const OF_THE_CLOUD = new Set(["168.63.129.16"]);
/** All that is handed out as global unicast; the rest is reserved or embeds another address. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR("2000::/3");
/** Parts of it that lead elsewhere and that the library does not tell from the rest. */
const NOT_HOSTS = [
  ipaddr.IPv6.parseCIDR("2001::/23"), // protocol assignments: Teredo, ORCHID, benchmarking
  ipaddr.IPv6.parseCIDR("2002::/16"), // 6to4 holds an IPv4 address
  ipaddr.IPv6.parseCIDR("2001:db8::/32"), // documentation
  ipaddr.IPv6.parseCIDR("3fff::/20"), // documentation
];

/** True for an address at which a host of the public internet can be. */
export function isPublic(address: string): boolean {
  if (ipaddr.IPv4.isValidFourPartDecimal(address)) {
    return ipaddr.IPv4.parse(address).range() === "unicast" && !OF_THE_CLOUD.has(address);
  }
  if (!ipaddr.IPv6.isValid(address) || address.includes("%")) return false;
  const parsed = ipaddr.IPv6.parse(address);
  return parsed.range() === "unicast" && parsed.match(GLOBAL_UNICAST) &&
    !NOT_HOSTS.some((range) => parsed.match(range));
}

/** Whether two texts are one address. */
export function sameAddress(one: string | undefined, other: string): boolean {
  return one !== undefined && ipaddr.isValid(one) && ipaddr.isValid(other) &&
    ipaddr.process(one).toString() === ipaddr.process(other).toString();
}
