// A write with an Idempotency-Key has one effect and one answer, whoever sends it how often, and
// whatever ends in between.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import pg from "pg";
import { addTenant, anonymousClient, dataOf, userClient } from "./support/identities.mjs";
import { until } from "./support/process.mjs";
import { Stack } from "./support/stack.mjs";

const stack = new Stack("idempotency");
let acme;

before(async () => {
  await stack.up("database");
  await stack.start("rest");
  await stack.start("gateway");
  acme = await addTenant(stack, "acme", { members: { ada: { role: "owner" } } });
});
after(() => stack.down());

const clientWithKey = (key) => userClient(stack, acme.members.ada, { "Idempotency-Key": key });
const insert = (key, slug) =>
  clientWithKey(key).rpc("insert_once", { into_view: "devices", rows: { slug } });
const countOf = async (slug) =>
  (await stack.sql("select count(*) from iot.devices where slug = :'slug'", { slug }))[0];

/** The same write as over HTTP, in a transaction that stays open. */
const begin = async (key, slug) => {
  const session = new pg.Client(stack.env.DB_URL);
  await session.connect();
  await session.query("begin");
  const settings = {
    "request.jwt.claims": { role: "authenticated", sub: acme.members.ada },
    "request.headers": { "idempotency-key": key },
  };
  for (const [name, value] of Object.entries(settings)) {
    await session.query("select set_config($1, $2, true)", [name, JSON.stringify(value)]);
  }
  await session.query("set local role authenticated");
  const { rows: [{ answer }] } = await session.query(
    "select v1.insert_once('devices', $1) as answer",
    [{ slug }],
  );
  return {
    answer,
    end: async (how) => {
      await session.query(how);
      await session.end();
    },
  };
};
const waiting = () =>
  until("the others wait", async () => {
    const [sessions] = await stack.sql(
      "select count(*) from pg_stat_activity " +
        "where wait_event_type = 'Lock' and query like '%insert_once%'",
    );
    return sessions > 1;
  });

test("fifty at once with one key have one effect and fifty equal answers", async () => {
  const key = randomUUID();
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => dataOf(insert(key, "fifty"))),
  );
  assert.equal(answers[0].length, 1);
  assert.equal(answers[0][0].slug, "fifty");
  for (const answer of answers) assert.deepEqual(answer, answers[0]);
  assert.equal(await countOf("fifty"), 1);
});

test("while the first is under way the others wait, and have its answer when it is done", async () => {
  const key = randomUUID();
  const first = await begin(key, "waited-for");
  const others = Promise.all([1, 2, 3].map(() => dataOf(insert(key, "waited-for"))));
  await waiting();
  assert.equal(await countOf("waited-for"), 0);
  await first.end("commit");
  for (const answer of await others) assert.deepEqual(answer, first.answer);
  assert.equal(await countOf("waited-for"), 1);
});

test("where the first fails one of the others does the work", async () => {
  const key = randomUUID();
  const first = await begin(key, "handed-on");
  const others = Promise.all([1, 2, 3].map(() => dataOf(insert(key, "handed-on"))));
  await waiting();
  await first.end("rollback");
  const answers = await others;
  assert.notEqual(answers[0][0].id, first.answer[0].id);
  for (const answer of answers) assert.deepEqual(answer, answers[0]);
  assert.equal(await countOf("handed-on"), 1);
});

test("whoever goes on trying until there is an answer has one effect, though Postgres is killed", async () => {
  const SENDERS = 3, AFTERWARDS = 10;
  const keys = [];
  let last = Infinity;
  const sending = Promise.all(Array.from({ length: SENDERS }, async () => {
    const answers = [];
    for (let n = 0; n < last; n += 1) {
      keys[n] ??= randomUUID();
      answers.push(
        await until(`an answer for write ${n}`, async () => {
          const { data, status } = await insert(keys[n], `kill-${n}`);
          assert.ok(data || status === 0 || status >= 500, `status ${status}`);
          return data;
        }),
      );
    }
    return answers;
  }));
  sending.catch(() => {}); // told below
  await until("some are answered", () => keys.length > AFTERWARDS);
  await stack.kill("postgres");
  await stack.start("postgres");
  last = keys.length + AFTERWARDS;
  const [answers, ...same] = await sending;
  assert.equal(answers.length, last);
  for (const other of same) assert.deepEqual(other, answers);
  const [inserted] = await stack.sql(
    "select json_agg(id) from iot.devices where slug like 'kill-%'",
  );
  assert.deepEqual(inserted.sort(), answers.map(([{ id }]) => id).sort());
});

test("a key cannot be used for something else", async () => {
  const key = randomUUID();
  await dataOf(insert(key, "once"));
  const { status, error } = await insert(key, "twice");
  assert.deepEqual([status, error.code], [422, "idempotency.key_reused"]);
  assert.equal(await countOf("twice"), 0);
});

test("a key that is none is refused, and so is one of nobody", async () => {
  const invalid = await insert("k".repeat(256), "long");
  assert.deepEqual([invalid.status, invalid.error.code], [400, "idempotency.key_invalid"]);
  const anonymous = await anonymousClient(stack).rpc("insert_once", {
    into_view: "devices",
    rows: { slug: "nobody" },
  }).setHeader("Idempotency-Key", randomUUID());
  assert.equal(anonymous.status, 401);
});

test("a key on a write to a view is refused, not ignored", async () => {
  const client = clientWithKey(randomUUID());
  const writes = [
    client.from("devices").insert({ slug: "ignored" }),
    client.from("devices").upsert({ slug: "ignored" }),
    client.from("devices").update({ name: "ignored" }).eq("slug", "once"),
    client.from("devices").delete().eq("slug", "once"),
  ];
  for (const write of writes) {
    const { status, error } = await write;
    assert.deepEqual([status, error?.code], [400, "idempotency.not_here"]);
  }
  assert.equal(await countOf("ignored"), 0);
  await dataOf(client.from("devices").select("slug"));
});

test("what is to be delivered under one key is one delivery, when asked for twice at once as well", async () => {
  const enqueue =
    `select core.enqueue_delivery($1, 'email', $2, 'test.twice', '{}', 'twice') as id`;
  const [one, other] = [new pg.Client(stack.env.DB_URL), new pg.Client(stack.env.DB_URL)];
  await Promise.all([one.connect(), other.connect()]);
  const ask = async (session, to) => (await session.query(enqueue, [acme.id, to])).rows[0].id;
  const isWaiting = () =>
    until("the other waits", async () => {
      const { rows } = await one.query(
        "select from pg_stat_activity where pid = $1 and wait_event_type = 'Lock'",
        [other.processID],
      );
      return rows.length === 1;
    });

  await one.query("begin");
  await ask(one, "ann@example.com");
  const handedOn = ask(other, "bob@example.com");
  await isWaiting();
  await one.query("rollback");
  const kept = await handedOn;

  await other.query("delete from core.deliveries where id = $1", [kept]);
  await one.query("begin");
  const first = await ask(one, "ann@example.com");
  const second = ask(other, "ann@example.com");
  await isWaiting();
  await one.query("commit");
  assert.equal(await second, first);
  await assert.rejects(ask(other, "bob@example.com"), /delivery\.key_reused/);
  const { rows } = await other.query(
    "select id, recipient from core.deliveries where tenant_id = $1",
    [acme.id],
  );
  assert.deepEqual(rows, [{ id: first, recipient: "ann@example.com" }]);
  await Promise.all([one.end(), other.end()]);
});
