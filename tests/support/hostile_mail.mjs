// 10,000 mails, or fewer, to a server that drops, delays, refuses and dies, by a clock that is passed
// in: for a short time in tests/delivery.test.mjs, and for longer in tests/soak/delivery.mjs.
import assert from "node:assert/strict";
import { MailWorker } from "./outbox.mjs";
import { chanceOf } from "./random.mjs";

/** In how many of a thousand attempts what happens. */
const TRICKS = [
  [60, { at: "recipient", does: { code: 450, text: "4.2.1 mailbox busy" } }],
  [40, { at: "recipient", does: "drop" }],
  [40, { at: "data", does: { code: 452, text: "4.3.1 no space" } }],
  [40, { at: "text", does: "drop" }],
  [40, { at: "text", does: { code: 451, text: "4.3.0 try later" } }],
  [60, { at: "response", does: "drop" }],
  [30, { at: "recipient", does: "delay", delay_ms: 30 }],
  [30, { at: "response", does: "delay", delay_ms: 30 }],
  [15, { at: "recipient", does: { code: 550, text: "5.1.1 no such user" } }],
  [15, { at: "text", does: { code: 554, text: "5.7.1 refused as spam" } }],
  [15, { at: "text", does: { code: 552, text: "5.3.4 too large" } }],
];
/** One in so many recipients never gets anything: the last attempt has to come, too. */
const NEVER_ONE_IN = 40;

/** What the server does to an attempt, the same each time for one seed. */
export function trickFor(seed) {
  return (to, attempt) => {
    if (chanceOf(seed, to) < 1 / NEVER_ONE_IN) {
      return { at: "recipient", does: { code: 451, text: "4.7.1 come back later" } };
    }
    let chance = chanceOf(seed, to, attempt) * 1000;
    for (const [share, trick] of TRICKS) {
      if (chance < share) return trick;
      chance -= share;
    }
    return null;
  };
}

/** Each fiftieth connection is cut or refused before a word is said. */
export const connectionTrick = (number) =>
  number % 50 === 7 ? "drop" : number % 50 === 23 ? { code: 421, text: "4.3.2 too busy" } : null;

/** The same for one in fifty senders. */
export const senderTrick = (number) =>
  number % 50 === 11 ? "drop" : number % 50 === 31 ? { code: 451, text: "4.3.0 not now" } : null;

/**
 * Sends `count` mails of a tenant to their end, and asserts of each that it ended as it had to.
 * @param {{ outbox: import("./outbox.mjs").Outbox, server: import("./mail_server.mjs").MailServer,
 *   tenant_id: string, count: number, seed: number, log?: (line: string) => void }} load
 */
export async function sendToHostileServer({
  outbox,
  server,
  tenant_id,
  count,
  seed,
  log = () => {},
}) {
  const domain = `hostile-${seed}.example`;
  const schedule_s = (await outbox.query(
    "select extract(epoch from waits)::float8 as s from tenon.retry_schedule('email') as waits",
  )).map(({ s }) => s);
  const ids = await outbox.enqueueMails(tenant_id, domain, count);
  const mine = new Set(ids);
  const trick = trickFor(seed);
  server.behave({ connection: connectionTrick, sender: senderTrick, mail: trick });

  // Dies when half of all have been taken; the mails that come meanwhile find nobody.
  let dies_in = Math.floor(count / 2);
  server.onAccept = () => {
    if (--dies_in === 0) server.die();
  };

  const worker = new MailWorker(outbox, server.port);
  const attempts_by_id = new Map(ids.map((id) => [id, []]));
  let clock = new Date((await outbox.query("select clock_timestamp() as at"))[0].at);
  let made = 0, was_dead = false;
  for (;;) {
    made += await worker.drain(clock, (request, outcome, answer, ended) => {
      if (!mine.has(request.id)) return;
      attempts_by_id.get(request.id).push({ at: clock, ended, request, outcome, answer });
    });
    if (dies_in <= 0 && !was_dead) {
      was_dead = true;
      log(`the server died after ${server.accepted.length} mails`);
      await server.start();
    }
    const [{ next }] = await outbox.query(
      `select min(next_attempt_at) + interval '20 s' as next from core.deliveries
       where id = any($1) and status = 'scheduled'`,
      [ids],
    );
    if (!next) break;
    clock = new Date(Math.max(next.getTime(), clock.getTime()));
  }
  worker.close();
  server.onAccept = undefined;
  server.behave({});
  log(`${made} attempts at ${count} mails`);
  assert.ok(was_dead, "the server died in between");

  const accepted = new Map(); // by recipient
  for (const mail of server.accepted.filter(({ to }) => to.endsWith(`@${domain}`))) {
    accepted.set(mail.to, [...(accepted.get(mail.to) ?? []), mail]);
  }
  const ends = { delivered: 0, dead: 0, repeated: 0, exhausted: 0 };
  for (const delivery of await outbox.deliveries(ids)) {
    const told = attempts_by_id.get(delivery.id);
    const mails = accepted.get(delivery.recipient) ?? [];
    const what = `${delivery.recipient} (${delivery.status}, ${delivery.last_error})`;

    // Once, or not at all with a reason; again only where the server kept the answer to itself.
    assert.equal(
      mails.filter((mail) => mail.told).length,
      delivery.status === "delivered" ? 1 : 0,
      what,
    );
    const lost = told.filter(({ outcome }) => !outcome.delivered && outcome.error_code === "reset");
    assert.ok(mails.filter((mail) => !mail.told).length <= lost.length, what);
    if (delivery.status === "delivered") assert.ok(mails.at(-1).told, what);
    assert.ok(new Set(mails.map(({ message_id }) => message_id)).size <= 1, what);
    for (const { message_id } of mails) assert.ok(message_id.startsWith(`<${delivery.id}@`), what);

    // What is recorded is what was seen.
    assert.equal(delivery.attempts, told.length, what);
    assert.deepEqual(
      delivery.made.map(({ number, outcome, status_code }) => ({ number, outcome, status_code })),
      told.map(({ outcome }, place) => ({
        number: place + 1,
        outcome: outcome.delivered ? "delivered" : "failed",
        status_code: outcome.status_code ?? null,
      })),
      what,
    );

    // Each attempt as scheduled: not before its time, and not much later than it.
    told.forEach(({ at, ended, answer }, place) => {
      const is_last = place === told.length - 1;
      assert.equal(answer.status, is_last ? delivery.status : "scheduled", what);
      if (is_last) return;
      const wait_s = (Date.parse(answer.next_attempt_at) - ended) / 1000;
      const scheduled_s = schedule_s[place + 1];
      assert.ok(
        wait_s >= scheduled_s - 0.001 && wait_s <= scheduled_s * 1.1 + 0.001,
        `${what} ${wait_s}`,
      );
      assert.ok(told[place + 1].at >= new Date(answer.next_attempt_at) - 1, what);
      assert.ok(told[place + 1].at > at, what);
    });

    const last = told.at(-1).outcome;
    if (delivery.status === "delivered") {
      ends.delivered++;
      assert.equal(delivery.last_error, null, what);
      if (mails.length > 1) ends.repeated++;
    } else {
      ends.dead++;
      assert.equal(delivery.status, "dead", what);
      assert.ok(delivery.last_error, what);
      assert.equal(delivery.made.at(-1).reason, delivery.last_error, what);
      // Dead before the last attempt only by a word that is final.
      const is_final = last.status_code >= 500;
      assert.ok(is_final || told.length === schedule_s.length, `${what} after ${told.length}`);
      if (!is_final) ends.exhausted++;
    }
  }
  log(JSON.stringify(ends));
  assert.equal(ends.delivered + ends.dead, count);
  // The load was one that can show something.
  for (const [end, times] of Object.entries(ends)) assert.ok(times > 0, `none was ${end}`);
  assert.equal(await outbox.waiting("email"), 0);
  return ends;
}
