/**
 * What servers say is kept for people to read, so it has to be harmless: without secrets, without
 * whole addresses, and text that Postgres can store.
 */

const ERROR_LIMIT = 1_000;
/** What can be a code or a part of a token to sign in with: it has a digit, or is no word. */
const PIECE = /[A-Za-z0-9+_~-]{6,}=*/g;
const isToken = (piece: string) => /\d/.test(piece) || piece.length >= 20;
const ADDRESS = /([^\s<>@"',;:()]{1,64})@([a-z0-9-]+(?:\.[a-z0-9-]+)+)/gi;
const ADDRESS_OF_PAGE = /\bhttps?:\/\/[^\s"'<>]+/gi;

/** Text without what jsonb cannot hold: NUL and halves of characters. */
export function storable(text: string): string {
  return text.replaceAll("\0", "\uFFFD").toWellFormed();
}

/**
 * An error for people. Left out are the `secrets` in any usual encoding, every code in
 * `content` (a server may quote the link to sign in that it did not like), paths of web addresses,
 * and the first part of mail addresses.
 */
export function harmless(text: string, secrets: string[] = [], content = ""): string {
  let words = text;
  for (const secret of secrets.filter(Boolean)) {
    for (const form of [secret, encodeURIComponent(secret), btoa(latin(secret))]) {
      words = words.replaceAll(form, "[secret]");
    }
  }
  words = words
    .replace(ADDRESS_OF_PAGE, (address) => URL.canParse(address) ? new URL(address).origin : "")
    .replace(ADDRESS, (_, name, domain) => `${name.length > 2 ? name[0] : ""}***@${domain}`);
  if (content) {
    words = words.replace(
      PIECE,
      (piece) => isToken(piece) && content.includes(piece) ? "[…]" : piece,
    );
  }
  words = storable(words.replace(/\p{Cc}+/gu, " ").trim());
  return words.length > ERROR_LIMIT ? words.slice(0, ERROR_LIMIT - 1).toWellFormed() + "…" : words;
}

/** The bytes of UTF-8, one character each, as btoa wants them. */
const latin = (text: string) => String.fromCharCode(...new TextEncoder().encode(text));
