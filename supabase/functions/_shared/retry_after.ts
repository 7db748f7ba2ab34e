/** The header Retry-After (RFC 9110, 10.2.3): seconds, or a date. */

/** The database decides how long it really waits; a day is as long as anything is put off. */
const LIMIT_S = 86_400;

/** Seconds from now, or undefined when the header is absent or says nothing that can be read. */
export function retryAfter(header: string | null | undefined, now: Date): number | undefined {
  const value = header?.trim();
  if (!value) return undefined;
  if (/^\d{1,15}$/.test(value)) return Math.min(Number(value), LIMIT_S);
  // The three forms of an HTTP date all begin with the name of a day.
  const at = /^[A-Z][a-z]{2,8},? /.test(value) ? Date.parse(value) : NaN;
  if (Number.isNaN(at)) return undefined;
  return Math.min(Math.max(Math.ceil((at - now.getTime()) / 1_000), 0), LIMIT_S);
}
