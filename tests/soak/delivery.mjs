// 10,000 mails to a server that drops, delays, refuses and dies: as in tests/delivery.test.mjs, and as
// often as MINUTES allow, with another seed each time. `make soak`; the seed that it prints repeats it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { sendToHostileServer } from "../support/hostile_mail.mjs";
import { addTenant } from "../support/identities.mjs";
import { MailServer } from "../support/mail_server.mjs";
import { Outbox } from "../support/outbox.mjs";
import { Stack } from "../support/stack.mjs";

const MINUTES = Number(process.env.MINUTES ?? 10);
const MAILS = Number(process.env.MAILS ?? 10_000);

const stack = new Stack("soak-delivery");
const outbox = new Outbox(stack);
const server = new MailServer();
let tenant;

before(async () => {
  await server.start();
  await stack.up("database");
  tenant = await addTenant(stack, "acme", { members: { owner: { role: "owner" } } });
});
after(async () => {
  await outbox.end();
  await server.die();
  await stack.down();
});

test(`each of ${MAILS} mails is delivered once, or dead with its reason`, async (t) => {
  const until = Date.now() + MINUTES * 60_000;
  let seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
  do {
    t.diagnostic(`SEED=${seed}`);
    const ends = await sendToHostileServer({
      outbox,
      server,
      tenant_id: tenant.id,
      count: MAILS,
      seed,
      log: (line) => t.diagnostic(line),
    });
    assert.equal(ends.delivered + ends.dead, MAILS);
    server.accepted.length = 0;
    seed++;
  } while (Date.now() < until && !process.env.SEED);
});
