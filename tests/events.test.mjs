// Whoever follows a tenant's events by number misses none, whatever writers do at the same time.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, test } from "node:test";
import pg from "pg";
import { addTenant } from "./support/identities.mjs";
import { until } from "./support/process.mjs";
import { Stack } from "./support/stack.mjs";

const TYPE = "core.events.tested";
const EMIT = `select core.emit($1, '${TYPE}', 'test', null, $2)`;

/** Two sessions that go one way, and two that go the other. */
const ORDERS = [["first", "second"], ["second", "first"]].flatMap((order) => [order, order]);

const stack = new Stack("events");
const tenants = {};
const sessions = [];

const connect = async () => {
  const session = new pg.Client(stack.env.DB_URL);
  // Where the server is restarted, the test connects anew.
  session.on("error", () => {});
  await session.connect();
  sessions.push(session);
  return session;
};
const inTransaction = async (session, work, end = "commit") => {
  await session.query("begin");
  try {
    await work();
    await session.query(end);
  } catch (error) {
    await session.query("rollback").catch(() => {});
    throw error;
  }
};
const storedEvents = async (slug) =>
  (await (await connect()).query(
    "select number::integer, data from core.events where tenant_id = $1 order by number",
    [tenants[slug].id],
  )).rows;
const assertUnbroken = (events) =>
  assert.deepEqual(
    events.map(({ number }) => number),
    events.map((_, place) => events[0].number + place),
    "numbers without a hole",
  );

before(async () => {
  await stack.up("database");
  await stack.administer("alter system set max_prepared_transactions = 10");
  await stack.stop("postgres");
  await stack.start("postgres");
  for (const slug of ["racing", "first", "second", "lone"]) {
    tenants[slug] = await addTenant(stack, slug, { members: { [slug]: { role: "viewer" } } });
  }
  await stack.sql(
    `insert into core.event_types (type, description) values ('${TYPE}', 'A test went on.');`,
  );
});
after(async () => {
  // Those that a crash has ended would never say that they are closed.
  for (const session of sessions) session.connection.stream.destroy();
  await stack.down();
});

/** Follows a tenant's events as a member does, until `isOver` and all is seen. */
const follow = async (slug, isOver) => {
  const session = await connect();
  const claims = { role: "authenticated", sub: tenants[slug].members[slug] };
  await session.query("select set_config('request.jwt.claims', $1, false)", [
    JSON.stringify(claims),
  ]);
  await session.query("set role authenticated");
  const seen = [];
  let after = 0;
  for (let rounds = 0;; rounds += 1) {
    const over = isOver();
    const { rows: [{ answer }] } = await session.query(
      "select v1.events_since($1, null, 7) as answer",
      [after],
    );
    assert.equal(answer.gap, false);
    seen.push(...answer.events);
    after = answer.complete_to;
    if (over && after === answer.newest) return { seen, rounds };
  }
};

test("a follower misses no event of writers who commit in any order, and sees none twice", async () => {
  const WRITERS = 6, TRANSACTIONS = 40;
  let writing = WRITERS;
  let committed = 0;
  const following = Promise.all([1, 2].map(() => follow("racing", () => writing === 0)));
  following.catch(() => {}); // told below
  await Promise.all(Array.from({ length: WRITERS }, async (_, writer) => {
    const session = await connect();
    for (let transaction = 0; transaction < TRANSACTIONS; transaction += 1) {
      const events = 1 + Math.floor(Math.random() * 4);
      const end = Math.random() < 0.2 ? "rollback" : "commit";
      await inTransaction(session, async () => {
        for (let event = 0; event < events; event += 1) {
          await session.query(EMIT, [tenants.racing.id, { writer, transaction, event, events }]);
          await sleep(Math.random() * 12);
        }
        if (Math.random() < 0.2) {
          await session.query("savepoint undone");
          await session.query(EMIT, [tenants.racing.id, { undone: true }]);
          await session.query("rollback to savepoint undone");
        }
        // Numbers early, and holds the lock until the end.
        if (Math.random() < 0.1) await session.query("set constraints all immediate");
      }, end);
      if (end === "commit") committed += events;
    }
    writing -= 1;
  }));
  const stored = await storedEvents("racing");
  assert.equal(stored.length, committed);
  assert.equal(stored[0].number, 1);
  assertUnbroken(stored);
  for (const { seen, rounds } of await following) {
    assert.ok(rounds > 20, "they asked while others wrote");
    assert.deepEqual(seen.map(({ number, data }) => ({ number, data })), stored);
  }
  // Events of one transaction stand together, in the order in which they were emitted.
  for (const [place, { data }] of stored.entries()) {
    const before = stored[place - 1]?.data;
    if (data.event > 0) assert.deepEqual(before, { ...data, event: data.event - 1 });
    else if (place > 0) assert.equal(before.event, before.events - 1);
  }
});

test("transactions that emit for tenants in different orders never stand in each other's way for good", async () => {
  const TRANSACTIONS = 60;
  await Promise.all(ORDERS.map(async (order) => {
    const session = await connect();
    for (let transaction = 0; transaction < TRANSACTIONS; transaction += 1) {
      await inTransaction(session, async () => {
        for (const slug of order) await session.query(EMIT, [tenants[slug].id, {}]);
      });
    }
  }));
  for (const slug of ["first", "second"]) {
    const events = await storedEvents(slug);
    assert.equal(events.length, TRANSACTIONS * ORDERS.length);
    assertUnbroken(events);
  }
});

test("what deferred triggers emit is numbered in one go with the rest, so that no locks stand in a circle", async () => {
  const TRANSACTIONS = 60;
  const admin = await connect();
  await admin.query(`
    create table public.echoes (tenant_id uuid);
    create function public.echo() returns trigger language plpgsql as $$
    begin
      perform core.emit(new.tenant_id, '${TYPE}', data => '{"echo": true}');
      return null;
    end $$;
    create constraint trigger echoes_at_commit after insert on public.echoes
    deferrable initially deferred for each row execute function public.echo();
  `);
  const counted = Object.fromEntries(
    await Promise.all(
      ["first", "second"].map(async (slug) => [slug, (await storedEvents(slug)).length]),
    ),
  );
  await Promise.all(ORDERS.map(async ([now, later]) => {
    const session = await connect();
    for (let transaction = 0; transaction < TRANSACTIONS; transaction += 1) {
      await inTransaction(session, async () => {
        await session.query(EMIT, [tenants[now].id, {}]);
        await session.query("insert into public.echoes values ($1)", [tenants[later].id]);
      });
    }
  }));
  for (const slug of ["first", "second"]) {
    const events = await storedEvents(slug);
    assert.equal(events.length - counted[slug], TRANSACTIONS * ORDERS.length);
    assertUnbroken(events);
  }
});

test("with one snapshot for a whole transaction it fails rather than number events twice", async () => {
  const [strict, other] = [await connect(), await connect()];
  const before = (await storedEvents("lone")).length;
  // With and without a head that is older than the snapshot.
  for (const isolation of ["repeatable read", "serializable", "repeatable read"]) {
    await strict.query(`begin isolation level ${isolation}`);
    await strict.query("select");
    await strict.query("select pg_current_snapshot()");
    await inTransaction(other, () => other.query(EMIT, [tenants.lone.id, { isolation }]));
    await strict.query(EMIT, [tenants.lone.id, { strict: true }]);
    await assert.rejects(strict.query("commit"), { code: "40001" });
  }
  await strict.query("begin isolation level repeatable read");
  await strict.query(EMIT, [tenants.lone.id, { alone: true }]);
  await strict.query("commit");
  const events = await storedEvents("lone");
  assert.equal(events.length, before + 4);
  assertUnbroken(events);
});

test("a prepared transaction has its numbers, and nobody sees later ones before it commits", async () => {
  const [one, other] = [await connect(), await connect()];
  const name = randomUUID();
  const before = (await storedEvents("lone")).length;
  await inTransaction(
    one,
    () => one.query(EMIT, [tenants.lone.id, { prepared: true }]),
    `prepare transaction '${name}'`,
  );
  let isOver = false;
  const later = inTransaction(other, () => other.query(EMIT, [tenants.lone.id, { later: true }]))
    .then(() => isOver = true, () => {});
  await until("the later transaction waits", async () => {
    const { rows } = await one.query(
      "select from pg_stat_activity where pid = $1 and wait_event_type = 'Lock'",
      [other.processID],
    );
    return rows.length === 1;
  });
  assert.equal(isOver, false);
  assert.equal((await storedEvents("lone")).length, before);
  // It survives a crash, though what waited for a number does not.
  await stack.kill("postgres");
  await later;
  await stack.start("postgres");
  const again = await connect();
  await again.query(`commit prepared '${name}'`);
  await inTransaction(again, () => again.query(EMIT, [tenants.lone.id, { again: true }]));
  assert.deepEqual((await storedEvents("lone")).slice(before), [
    { number: before + 1, data: { prepared: true } },
    { number: before + 2, data: { again: true } },
  ]);
  await inTransaction(
    again,
    () => again.query(EMIT, [tenants.lone.id, { undone: true }]),
    `prepare transaction '${name}'`,
  );
  await again.query(`rollback prepared '${name}'`);
  assert.equal((await storedEvents("lone")).length, before + 2);
});

test("events are kept whatever becomes of hints", async () => {
  const session = await connect();
  const emit = () => inTransaction(session, () => session.query(EMIT, [tenants.lone.id, {}]));
  const hints = async () =>
    (await stack.sql("select count(*) from realtime.messages where topic = :'topic'", {
      topic: `tenant:${tenants.lone.id}`,
    }))[0];
  const [hintsBefore, before] = [await hints(), (await storedEvents("lone")).length];
  await emit();
  assert.equal(await hints(), hintsBefore + 1);
  await stack.administer(
    "alter function realtime.send(jsonb, text, text, boolean) rename to send_no_more",
  );
  await emit();
  await stack.administer(
    "create function realtime.send(jsonb, text, text, boolean) returns void language plpgsql " +
      "as $$ begin raise exception 'out of order'; end $$",
  );
  await emit();
  await stack.administer("drop schema realtime cascade");
  await emit();
  const events = await storedEvents("lone");
  assert.equal(events.length, before + 4);
  assertUnbroken(events);
});
