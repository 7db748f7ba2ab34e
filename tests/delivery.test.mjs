// What is enqueued in a transaction reaches the mail server once, whatever fails on the way, or ends
// as dead with its reason; and nobody sees what is in it who may not.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { Functions } from "./support/functions.mjs";
import { sendToHostileServer, trickFor } from "./support/hostile_mail.mjs";
import { addTenant, anonymousClient, clientWith, userClient } from "./support/identities.mjs";
import { MailServer } from "./support/mail_server.mjs";
import { MailWorker, Outbox, TEMPLATE } from "./support/outbox.mjs";
import { until } from "./support/process.mjs";
import { Stack } from "./support/stack.mjs";
import { sign } from "../scripts/token.mjs";

const MAILS = 1000;
const SEED = 5;
/** Must turn up in no log, no error and no view. */
const SECRET = { password: `smtp-${randomUUID()}`, token: `token-${randomUUID()}` };

const stack = new Stack("delivery");
const outbox = new Outbox(stack);
const server = new MailServer();
let acme, rival, functions;

before(async () => {
  await server.start();
  await stack.up("database");
  for (const service of ["rest", "gateway"]) await stack.start(service);
  acme = await addTenant(stack, "acme", { members: { owner: { role: "owner" } } });
  rival = await addTenant(stack, "rival", { members: { owner: { role: "owner" } } });
  functions = new Functions(stack, "functions-one", {
    SMTP_URL: `smtp://tenon:${SECRET.password}@127.0.0.1:${server.port}`,
  });
  await functions.start();
});
after(async () => {
  await functions.kill();
  await outbox.end();
  await server.die();
  await stack.down();
});

const mailsTo = (domain) => server.accepted.filter(({ to }) => to.endsWith(`@${domain}`));

/** Of each mail of these deliveries the ids that the server took, by delivery. */
async function takenOf(ids) {
  const taken = new Map(ids.map((id) => [id, []]));
  for (const [message_id, mails] of server.byMessageId()) {
    const id = /^<([0-9a-f-]{36})@/.exec(message_id)?.[1];
    if (taken.has(id)) taken.get(id).push(...mails);
  }
  return taken;
}

/** All were delivered, and none twice but those of `repeated`, which had to be under the same id. */
async function assertDelivered(ids, repeated = new Set()) {
  const taken = await takenOf(ids);
  for (const delivery of await outbox.deliveries(ids)) {
    assert.equal(delivery.status, "delivered", `${delivery.recipient}: ${delivery.last_error}`);
    const mails = taken.get(delivery.id);
    assert.ok(mails.length >= 1, `${delivery.recipient} got nothing`);
    if (!repeated.has(delivery.id)) assert.equal(mails.length, 1, delivery.recipient);
    assert.equal(delivery.made.filter(({ outcome }) => outcome === "delivered").length, 1);
  }
  return [...taken.values()].filter((mails) => mails.length > 1).length;
}

test("what is rolled back is not sent", async () => {
  await outbox.query("begin");
  const ids = await outbox.enqueueMails(acme.id, "rolled-back.example", 3);
  await outbox.query("rollback");
  assert.equal(ids.length, 3);
  const kept = await outbox.enqueueMails(acme.id, "committed.example", 1);
  await functions.drain("email");
  assert.equal(mailsTo("rolled-back.example").length, 0);
  assert.equal(mailsTo("committed.example").length, 1);
  assert.deepEqual(await outbox.deliveries(ids), []);
  assert.equal(await outbox.waiting("email"), 0);
  await assertDelivered(kept);
});

test("a server that drops, delays, refuses and dies gets each mail once, or it is dead with a reason", async (t) => {
  await sendToHostileServer({
    outbox,
    server,
    tenant_id: acme.id,
    count: MAILS,
    seed: SEED,
    log: (line) => t.diagnostic(line),
  });
});

test("and so through the function", async () => {
  const seed = SEED + 1;
  const domain = "function.example";
  const ids = await outbox.enqueueMails(acme.id, domain, 200);
  server.behave({ mail: trickFor(seed) });
  await outbox.drainToTheEnd(functions, "email", ids);
  server.behave({});
  const taken = await takenOf(ids);
  let delivered = 0;
  for (const delivery of await outbox.deliveries(ids)) {
    const mails = taken.get(delivery.id);
    const what = `${delivery.recipient}: ${delivery.status}, ${delivery.last_error}`;
    assert.equal(
      mails.filter(({ told }) => told).length,
      delivery.status === "delivered" ? 1 : 0,
      what,
    );
    // A mail whose answer was lost was tried again, and never without a record of it.
    const lost = mails.filter(({ told }) => !told).length;
    const unsure = delivery.made.filter(({ phase, status_code }) =>
      phase === "data" && status_code === null
    ).length;
    assert.ok(lost <= unsure, `${what}: ${lost} answers were kept back, ${unsure} recorded`);
    // What is refused for good is not tried again.
    const refused = delivery.made.findIndex(({ status_code }) => status_code >= 500);
    assert.ok(refused === -1 || refused === delivery.made.length - 1, what);
    if (delivery.status === "delivered") delivered++;
    else assert.ok(delivery.status === "dead" && delivery.last_error, what);
  }
  assert.ok(delivered > 150 && delivered < 200, `${delivered} delivered`);
});

describe("whoever dies in the middle", () => {
  /** Enqueues, drains, and strikes when the server has taken some; then all goes on to its end. */
  async function strikeMidway(domain, strike, { goesOn = false } = {}) {
    const ids = await outbox.enqueueMails(acme.id, domain, 300);
    let struck, in_flight;
    const begun = new Promise((resolve) => {
      let left = 120;
      server.onAccept = ({ to }) => {
        if (to.endsWith(`@${domain}`) && --left === 0) {
          struck = Promise.resolve(strike());
          resolve();
        }
      };
    });
    const drained = functions.drain("email").catch((error) => error);
    await begun;
    await struck;
    server.onAccept = undefined;
    if (!goesOn) {
      await drained;
      in_flight = await until("the database answers", async () =>
        new Set(
          (await outbox.query(
            "select id from core.deliveries where status = 'sending' and id = any($1)",
            [ids],
          )).map(({ id }) => id),
        ));
    }
    await outbox.drainToTheEnd(functions, "email", ids);
    return { ids, in_flight };
  }

  test("a worker killed between sending and reporting repeats what it had in flight at most, under the same id", async (t) => {
    const { ids, in_flight } = await strikeMidway("killed-worker.example", async () => {
      await functions.kill();
      await functions.start();
    });
    assert.ok(in_flight.size > 0, "the worker died with nothing in flight");
    const repeated = await assertDelivered(ids, in_flight);
    assert.ok(repeated > 0, "the worker had reported all that it had sent");
    t.diagnostic(`${repeated} of ${in_flight.size} in flight were repeated`);
    const abandoned = await outbox.query(
      `select count(*)::integer as count from core.delivery_attempts
       where outcome = 'abandoned' and delivery_id = any($1)`,
      [ids],
    );
    assert.equal(abandoned[0].count, in_flight.size);
  });

  test("Postgres killed and started again: nothing is lost, and nothing more repeated", async (t) => {
    const { ids, in_flight } = await strikeMidway("killed-postgres.example", async () => {
      await stack.kill("postgres");
      await stack.start("postgres");
    });
    t.diagnostic(`${await assertDelivered(ids, in_flight)} of ${in_flight.size} were repeated`);
  });

  test("Postgres restarted: the same", async (t) => {
    const { ids, in_flight } = await strikeMidway("restarted-postgres.example", async () => {
      await stack.stop("postgres");
      await stack.start("postgres");
    });
    t.diagnostic(`${await assertDelivered(ids, in_flight)} of ${in_flight.size} were repeated`);
  });

  test("a slow worker finishes nothing that another has taken", async () => {
    const [id] = await outbox.enqueueMails(acme.id, "fence.example", 1);
    const slow = new MailWorker(outbox, server.port, "slow");
    const fast = new MailWorker(outbox, server.port, "fast");
    const at = (s) => new Date(start.getTime() + s * 1000);
    const start = (await outbox.query("select clock_timestamp() as at"))[0].at;
    const sent = { delivered: true, phase: "data", status_code: 250 };
    const shown = () => outbox.query("update pgmq.q_tenon_email set vt = clock_timestamp()");

    const first = await slow.claim(at(0), { lease_s: 10 });
    assert.equal(first.length, 1);
    await shown();
    assert.deepEqual(await fast.claim(at(9)), [], "before the lease is over nobody else has it");
    await shown();
    assert.deepEqual(await fast.claim(at(11)), [], "what was abandoned waits as a failed attempt");
    const second = await fast.claim(at(200));
    assert.equal(second.length, 1);
    assert.ok(second[0].lease > first[0].lease);
    assert.equal(second[0].message_id, first[0].message_id);

    const statusOf = (answers) => answers.get(id).status;
    assert.equal(statusOf(await slow.finish(first, [sent], at(201))), "lease_lost");
    assert.equal((await outbox.deliveries([id]))[0].status, "sending", "and nothing was recorded");
    assert.equal(statusOf(await fast.finish(second, [sent], at(202))), "delivered");
    assert.equal(statusOf(await fast.finish(second, [sent], at(203))), "delivered", "once more");
    const failed = { delivered: false, status_code: 550 };
    assert.equal(statusOf(await slow.finish(first, [failed], at(204))), "lease_lost");

    const [{ status, made }] = await outbox.deliveries([id]);
    assert.equal(status, "delivered");
    assert.deepEqual(
      made.map(({ number, outcome, worker }) => [number, outcome, worker]),
      [[1, "abandoned", "slow"], [2, "delivered", "fast"]],
    );
    slow.close();
    fast.close();
  });
});

test("what cannot be sent does not stop the rest", async () => {
  const domain = "poison.example";
  const before_it = await outbox.enqueueMails(acme.id, domain, 20);
  const enqueue = async (template, data, recipient = "poison@poisoned.example") =>
    (await outbox.query("select core.enqueue_delivery($1, 'email', $2, $3, $4) as id", [
      acme.id,
      recipient,
      template,
      data,
    ]))[0].id;
  const unfilled = await enqueue(TEMPLATE, { title: { not: "a text" } });
  const untold = await enqueue("no.such_template", {});
  const nobody = await enqueue(TEMPLATE, await sampleOf(TEMPLATE), "nobody at all\r\nBcc: x@y.z");
  const gone = await enqueue(TEMPLATE, {});
  await outbox.query("delete from core.deliveries where id = $1", [gone]);
  const malformed = [
    "null",
    "7",
    '"text"',
    "[]",
    "{}",
    '{"tenant_id": 1, "id": 2}',
    '{"tenant_id": "x", "id": "y"}',
    `{"tenant_id": "${acme.id}"}`,
    `{"tenant_id": "${acme.id}", "id": "${randomUUID()}"}`,
    `{"tenant_id": "${rival.id}", "id": "${unfilled}"}`,
  ];
  for (const message of malformed) {
    await outbox.query("select pgmq.send('tenon_email', $1::jsonb)", [message]);
  }
  await outbox.query(
    "insert into pgmq.q_tenon_email (vt, message) values (clock_timestamp(), null)",
  );
  const after_it = await outbox.enqueueMails(acme.id, domain, 20);

  await functions.drain("email");
  assert.equal(mailsTo(domain).length, 40);
  await assertDelivered([...before_it, ...after_it]);
  const [first, second, third] = await outbox.deliveries([unfilled, untold, nobody]);
  for (const delivery of [first, second, third]) {
    assert.equal(delivery.status, "dead", JSON.stringify(delivery));
    assert.ok(delivery.last_error);
  }
  assert.match(first.last_error, /^template\./);
  assert.match(second.last_error, /^template\./);
  assert.equal(mailsTo("poisoned.example").length, 0);
  assert.equal(await outbox.waiting("email"), 0, "nothing comes up again");
});

const sampleOf = async (template) =>
  (await outbox.query(
    "select core.template_sample(variables) as data from core.template_kinds where template = $1",
    [template],
  ))[0].data;

describe("another tenant", () => {
  let id, eve, ada;
  before(async () => {
    await outbox.enqueueMails(acme.id, "attempted.example", 1);
    await functions.drain("email");
    [id] = await outbox.enqueueMails(acme.id, "private.example", 1);
    eve = userClient(stack, rival.members.owner);
    ada = userClient(stack, acme.members.owner);
  });

  test("sees none of the deliveries, attempts and pauses", async () => {
    const { error: refused } = await ada.rpc("pause_deliveries", { channel: "webhook" });
    assert.equal(refused, null);
    for (const view of ["deliveries", "delivery_attempts", "delivery_pauses"]) {
      const own = await ada.from(view).select("tenant_id").limit(5);
      assert.equal(own.error, null, view);
      assert.ok(own.data.length > 0, `${view} shows the tenant nothing itself`);
      const { data, error } = await eve.from(view).select("*").eq("tenant_id", acme.id);
      assert.equal(error, null, view);
      assert.deepEqual(data, [], view);
      const { error: nobody } = await anonymousClient(stack).from(view).select("*").limit(1);
      assert.equal(nobody?.code, "42501", view);
    }
    await ada.rpc("resume_deliveries", { channel: "webhook" });
  });

  test("can neither cancel nor repeat one, nor learn that it is there", async () => {
    for (const name of ["cancel_delivery", "replay_delivery"]) {
      const answers = await Promise.all(
        [id, randomUUID()].map((id) => eve.rpc(name, { id })),
      );
      for (const { error } of answers) assert.equal(error?.code, "delivery.unknown");
      const [existing, made_up] = answers.map(({ error, status }) =>
        JSON.stringify({ ...error, status }).replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "ID")
      );
      assert.equal(existing, made_up);
    }
    const { data } = await eve.rpc("replay_deliveries", {});
    assert.equal(data.replayed, 0);
    assert.equal((await outbox.deliveries([id]))[0].status, "queued");
  });

  test("nor do what workers do, and neither can anybody who is no worker", async () => {
    const callers = {
      owner: ada,
      rival: eve,
      anonymous: anonymousClient(stack),
      device: clientWith(stack, {
        role: "tenon_device",
        tenant_id: acme.id,
        device_id: randomUUID(),
      }),
    };
    for (const [who, client] of Object.entries(callers)) {
      for (
        const [name, args] of [
          ["claim_deliveries", { channel: "email" }],
          ["finish_deliveries", { results: [] }],
          ["pause_channel", { channel: "email", reason: "mine" }],
          ["resume_channel", { channel: "email" }],
        ]
      ) {
        const { error } = await client.rpc(name, args);
        assert.ok(["42501", "PGRST202"].includes(error?.code), `${who} ${name}: ${error?.code}`);
      }
    }
    assert.equal((await outbox.deliveries([id]))[0].status, "queued");
  });

  test("nor start the functions", async () => {
    const keys = {
      none: "",
      anonymous: stack.env.ANON_KEY,
      member: sign({ role: "authenticated", sub: acme.members.owner }, stack.env.JWT_SECRET),
      forged: sign({ role: "service_role" }, "x".repeat(64)),
    };
    for (const [who, key] of Object.entries(keys)) {
      for (const name of ["deliver-email", "deliver-webhook"]) {
        const { status } = await functions.call(name, { key });
        assert.equal(status, 401, `${who} ${name}`);
      }
    }
    assert.equal((await outbox.deliveries([id]))[0].status, "queued");
  });
});

test("secrets are in no log, no error and no view", async () => {
  const data = { ...await sampleOf("auth.recovery"), token: SECRET.token };
  const enqueue = async (recipient, values = data) =>
    (await outbox.query(
      "select core.enqueue_delivery($1, 'email', $2, 'auth.recovery', $3) as id",
      [acme.id, recipient, values],
    ))[0].id;
  const ids = [
    await enqueue("fine@secret.example"),
    await enqueue("refused@secret.example"),
    await enqueue("dropped@secret.example"),
    await enqueue("unfilled@secret.example", { ...data, email: { of: SECRET.token } }),
    await enqueue(`two@secret.example, three@secret.example`),
  ];
  // A server that says all that it was told, and more.
  server.behave({
    mail: (to) =>
      to.startsWith("refused")
        ? { at: "text", does: { code: 554, text: `5.7.1 ${SECRET.token} ${SECRET.password}` } }
        : to.startsWith("dropped")
        ? { at: "text", does: "drop" }
        : null,
  });
  const waiting = await enqueue("later@secret.example");
  await outbox.query(
    "update core.deliveries set status = 'scheduled', next_attempt_at = 'infinity' where id = $1",
    [waiting],
  );
  await outbox.drainToTheEnd(functions, "email", ids);
  server.behave({});
  assert.ok(mailsTo("secret.example")[0].text.includes(SECRET.token), "the mail has the token");
  assert.ok(server.sign_ins.some(({ password }) => password === SECRET.password));
  for (const { data, status, recipient } of await outbox.deliveries(ids)) {
    assert.deepEqual(data, {}, `${recipient} (${status}) is over, and its data are kept`);
  }

  const leaks = [];
  const look = (where, text) => {
    for (const [name, secret] of Object.entries(SECRET)) {
      const forms = [secret, Buffer.from(secret).toString("base64").replace(/=+$/, "")];
      if (forms.some((form) => text.includes(form))) leaks.push(`${name} in ${where}`);
    }
    if (text.includes(stack.env.SERVICE_ROLE_KEY)) leaks.push(`the service's key in ${where}`);
  };
  for (const file of readdirSync(`${stack.folder}/log`)) {
    look(file, readFileSync(`${stack.folder}/log/${file}`, "utf8"));
  }
  const views = await stack.sql(
    "select to_json(table_name) from information_schema.views where table_schema = 'v1'",
  );
  assert.ok(views.length > 20);
  const owner = userClient(stack, acme.members.owner);
  for (const view of views) {
    const { data, error } = await owner.from(view).select("*").limit(100_000);
    look(`v1.${view}`, JSON.stringify(data ?? error));
  }
  assert.deepEqual(leaks, []);
});
