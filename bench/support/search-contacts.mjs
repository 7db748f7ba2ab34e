// Contacts as a country has them: names of syllables, some frequent and most rare (Zipf), with
// e-mails, numbers and keys of their own.

/** Numbers as if random, the same each time (mulberry32). */
export function numbers(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const BEGINNINGS =
  "an bau ber brau chri da el fel fi fra ger gün hahn har hei hof hu i jo ju jung ka kai kel klei koch krau krü lan lang le leh li loh lu ma mei mi mö mül na neu ni ol pe re rich ro sa schmi scholz schrö schu schwa so ste ta to ur vi vo wal we weiß wer win wol zim"
    .split(" ");
const MIDDLES =
  "an bach bar ber bert chen da del den der di el fel fer ga ger ha ja ke ko la le ler li ling ma mann mar na ne ner nic phie ra ri rich scha se stein ster ter ti to wald wig ßler"
    .split(" ");
const ENDINGS = [
  "",
  "",
  "",
  "a",
  "as",
  "berg",
  "dt",
  "e",
  "er",
  "i",
  "ic",
  "ke",
  "lein",
  "mann",
  "n",
  "ner",
]
  .concat(["o", "ow", "s", "sen", "ski", "t", "us", "y", "z"]);

/** So many different names, the most frequent first. */
export function names(count, random) {
  const one = (syllables) => syllables[Math.floor(random() * syllables.length)];
  const made = new Set();
  while (made.size < count) {
    const name = one(BEGINNINGS) + one(MIDDLES) + one(ENDINGS);
    made.add(name[0].toUpperCase() + name.slice(1));
  }
  return [...made];
}

/** What loads contacts: bench.load_contacts(tenant_id, many) in one statement. */
export const LOADER = `
  create schema bench;
  create table bench.names (kind text, place integer, name text, primary key (kind, place));
  create sequence bench.keys;
  create function bench.load_contacts(tenant_id uuid, many integer) returns void
  language sql as $$
      insert into crm.contacts (tenant_id, given_name, family_name, email, phone, external_id)
      select
          load_contacts.tenant_id,
          given.name,
          family.name,
          lower(extensions.unaccent('extensions.unaccent', given.name || '.' || family.name))
          || (drawn.first * 1000)::integer || '@'
          || (array['gmail.com', 'gmx.de', 'web.de', 'outlook.com', 'example.com', 'mail-'
              || (drawn.first * 1000000)::integer % 5000 || '.de'])[
                  1 + (drawn.first * 1000)::integer % 6
              ],
          '+49 ' || 150 + (drawn.first * 29)::integer || ' '
          || 1000000 + (drawn.second * 8999999)::integer,
          'K-' || nextval('bench.keys')
      from (
          select
              random() as first,
              random() as second,
              floor(exp(random() * ln(4423)))::integer as given_place,
              floor(exp(random() * ln(20000)))::integer as family_place
          from generate_series(1, many)
          offset 0
      ) as drawn
      inner join bench.names as given
          on given.kind = 'given' and given.place = drawn.given_place
      inner join bench.names as family
          on family.kind = 'family' and family.place = drawn.family_place
  $$`;

/** A word with one letter missing, too many, another, or two in each other's place. */
export function misspelt(word, random) {
  const letters = [...word];
  const place = 1 + Math.floor(random() * (letters.length - 2));
  const other = "abcdefghijklmnopqrstuvwxyz"[Math.floor(random() * 26)];
  switch (Math.floor(random() * 4)) {
    case 0:
      letters.splice(place, 1);
      break;
    case 1:
      letters.splice(place, 0, other);
      break;
    case 2:
      letters[place] = other;
      break;
    default:
      [letters[place], letters[place + 1]] = [letters[place + 1], letters[place]];
  }
  return letters.join("");
}
