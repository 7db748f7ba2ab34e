// Limits hold over all sessions at once: in shared memory, and in the table where there is none.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import pg from "pg";
import { addTenant } from "./support/identities.mjs";
import { until } from "./support/process.mjs";
import { Stack } from "./support/stack.mjs";

const SESSIONS = 12;

const stack = new Stack("rate_limits");
let acme;

before(async () => {
  await stack.up("database");
  acme = await addTenant(stack, "acme", { members: { ada: { role: "owner" } } });
});
after(() => stack.down());

/** Runs `work` with so many connections of a superuser, who may choose where limits are counted. */
async function withSessions(count, work, ...settings) {
  const sessions = await Promise.all(Array.from({ length: count }, async () => {
    const session = new pg.Client(stack.env.DB_ADMIN_URL);
    session.on("error", () => {}); // a server that ends takes its sessions along
    await session.connect();
    for (const setting of settings) await session.query(setting);
    return session;
  }));
  try {
    return await work(sessions);
  } finally {
    await Promise.allSettled(sessions.map((session) => session.end()));
  }
}

const valueOf = async (session, text, values) => {
  const { rows } = await session.query({ text, values, rowMode: "array" });
  return rows[0][0];
};
const sum = (numbers) => numbers.reduce((total, number) => total + Number(number), 0);

const IN_TABLE = "set tenon.limit_memory = off";
const asAda = (mode = "") => [
  `set request.jwt.claims = '${JSON.stringify({ role: "authenticated", sub: acme.members.ada })}'`,
  ...(mode ? [mode] : []),
];

/** Asks `times` times, each in a transaction of its own; how often it was let through. */
async function letThrough(session, action, times, begin = "begin", end = "commit") {
  let count = 0;
  for (let time = 0; time < times; time++) {
    await session.query(begin);
    try {
      await session.query("select core.check_rate_limits($1)", [action]);
      count++;
      await session.query(end);
    } catch (error) {
      await session.query("rollback");
      assert.equal(error.code, "PGRST");
      assert.equal(JSON.parse(error.message).code, "limit.exceeded");
    }
  }
  return count;
}

const limit = (action, limits, dimension = "principal") =>
  withSessions(1, ([session]) =>
    session.query(
      `insert into core.rate_limits (tenant_id, dimension, action, limits)
       values (core.platform_tenant_id(), $1, $2, $3)`,
      [dimension, action, limits],
    ));

test("sessions that ask at once are let through as often as the limit says, not once more", async () => {
  const admitted = await withSessions(
    SESSIONS,
    (sessions) =>
      Promise.all(sessions.map((session, number) =>
        // One bucket is everybody's, and the order of names is not that of their places.
        valueOf(
          session,
          `select count(*) filter (where (tenon.limit_check(
             case when i % 2 = 0 then array['shared', 'own' || $1::integer, 'r' || i % 97]
                  else array['r' || i % 89, 'own' || $1::integer, 'shared'] end,
             case when i % 2 = 0 then '{7000/1d,1000000/1d,1000000/1d}'::text[]
                  else '{1000000/1d,1000000/1d,7000/1d}'::text[] end))[1] = 0)
         from generate_series(1, 3000) as i`,
          [number],
        )
      )),
  );
  assert.equal(sum(admitted), 7000);
});

test("a limit that fills up again lets through what it says in the time that passed", async () => {
  const began = Date.now();
  const admitted = await withSessions(
    SESSIONS,
    (sessions) =>
      Promise.all(sessions.map((session) =>
        valueOf(
          session,
          `select count(*) filter (where (tenon.limit_check('{steady}', '{2000/1s burst 50}'))[1] = 0)
         from generate_series(1, 20000)`,
        )
      )),
  );
  const seconds = (Date.now() - began) / 1000;
  assert.ok(sum(admitted) >= 50);
  assert.ok(sum(admitted) <= 50 + 2000 * seconds, `${sum(admitted)} in ${seconds} s`);
});

for (const [where, mode] of [["shared memory", ""], ["the table", IN_TABLE]]) {
  test(`requests of many sessions are counted together in ${where}`, async () => {
    const action = `many_in_${where.replace(" ", "_")}`;
    await limit(action, "40/1d, 1000/7d");
    await limit(action, "1000000/1d", "tenant");
    const admitted = await withSessions(
      SESSIONS,
      (sessions) =>
        Promise.all(sessions.map((session, number) =>
          // Some transactions stay open for a while, as those of requests do.
          letThrough(session, action, 8, number % 3 ? "begin" : "begin; select pg_sleep(0.002)")
        )),
      ...asAda(mode),
    );
    assert.equal(sum(admitted), 40);
  });
}

test("requests that only read are limited in shared memory, and not in the table", async () => {
  await limit("reading", "3/1d");
  const reading = ([session]) => letThrough(session, "reading", 5, "begin read only");
  assert.equal(await withSessions(1, reading, ...asAda(IN_TABLE)), 5);
  assert.equal(await withSessions(1, reading, ...asAda()), 3);
});

test("a request that rolls back counts in shared memory, and not in the table", async () => {
  await limit("rolling_back", "3/1d");
  const rolling = ([session]) => letThrough(session, "rolling_back", 5, "begin", "rollback");
  assert.equal(await withSessions(1, rolling, ...asAda(IN_TABLE)), 5);
  assert.equal(await withSessions(1, rolling, ...asAda()), 3);
});

test("what is used in transactions that only read is marked, and collected once", async () => {
  const ids = await withSessions(
    SESSIONS,
    (sessions) =>
      Promise.all(sessions.map(async (session) => {
        await session.query("begin read only");
        await session.query("select tenon.touch($1) from generate_series(1, 500)", [acme.id]);
        const id = await valueOf(session, "select gen_random_uuid()");
        assert.equal(await valueOf(session, "select tenon.touch($1)", [id]), true);
        await session.query("rollback");
        return id;
      })),
  );
  await withSessions(1, async ([session]) => {
    const { rows } = await session.query(
      "select id, now() - at < '1 minute' as now from tenon.touched()",
    );
    assert.deepEqual(rows.map(({ id }) => id).sort(), [acme.id, ...ids].sort());
    assert.ok(rows.every(({ now }) => now));
    assert.equal((await session.query("select from tenon.touched()")).rowCount, 0);
  });
});

test("a session that is killed while it counts takes down what Postgres takes down, and no more", async () => {
  await withSessions(4, async (sessions) => {
    const pid = await valueOf(sessions[0], "select pg_backend_pid()");
    const ended = sessions.map((session) =>
      session.query(
        `do $$ begin loop perform tenon.limit_check('{hot}', '{600000/1m}'); end loop; end $$`,
      )
        .catch((error) => error)
    );
    await new Promise((resolve) => setTimeout(resolve, 200));
    process.kill(pid, "SIGKILL");
    for (const error of await Promise.all(ended)) assert.ok(error instanceof Error);
  });
  await until(
    "Postgres has recovered",
    () => withSessions(1, ([session]) => valueOf(session, "select true")),
  );
  await withSessions(1, async ([session]) => {
    assert.deepEqual(
      await valueOf(session, "select tenon.limit_check('{shared}', '{7000/1d}')"),
      ["0", "0", "6999"],
      "a restart forgets what was counted",
    );
  });
});

test("memory that is full forgets what is used up soonest, and counts it", async () => {
  await stack.administer("alter system set tenon.limit_buckets = 2048");
  await stack.administer("alter system set tenon.touched_ids = 2048");
  await stack.stop("postgres");
  await stack.start("postgres");
  await withSessions(1, async ([session]) => {
    const memory = async () => (await session.query("select * from tenon.limit_memory()")).rows[0];
    assert.deepEqual(await memory(), { capacity: "2048", in_force: "0", given_up: "0" });
    assert.equal(await valueOf(session, "select (tenon.limit_check('{long}', '{1/31d}'))[1]"), "0");
    await session.query(
      "select tenon.limit_check(array['short' || i], '{1/1h}') from generate_series(1, 10000) as i",
    );
    const { capacity, in_force: inForce, given_up: givenUp } = await memory();
    assert.equal(capacity, "2048");
    assert.ok(Number(inForce) > 2000 && Number(inForce) <= 2048, inForce);
    assert.equal(Number(inForce) + Number(givenUp), 10_001);
    assert.equal(await valueOf(session, "select (tenon.limit_check('{long}', '{1/31d}'))[1]"), "1");
    // Buckets whose time is over make room before any other.
    await session.query(
      `select tenon.limit_check(array['later' || i], '{1/1h}', now() + '2 hours')
       from generate_series(1, 500) as i`,
    );
    assert.equal((await memory()).given_up, givenUp);
    await session.query("select tenon.touch(gen_random_uuid()) from generate_series(1, 10000)");
    const { rowCount } = await session.query("select from tenon.touched()");
    assert.ok(rowCount > 2000 && rowCount <= 2048, String(rowCount));
  });
});

test("where Postgres started without the library, requests that write are counted in the table", async () => {
  await stack.administer("alter system set shared_preload_libraries = 'pg_cron'");
  await stack.stop("postgres");
  await stack.start("postgres");
  await limit("without", "3/1d");
  await withSessions(1, async ([session]) => {
    assert.equal(await valueOf(session, "select tenon.limit_check('{x}', '{1/1d}')"), null);
    assert.equal(await valueOf(session, "select tenon.touch(gen_random_uuid())"), false);
    assert.equal((await session.query("select from tenon.touched()")).rowCount, 0);
    assert.equal(await valueOf(session, "select mode from core.rate_limiting()"), "table");
    assert.equal(await letThrough(session, "without", 5, "begin"), 3);
    assert.equal(await letThrough(session, "without", 5, "begin read only"), 5);
  }, ...asAda());
  await stack.administer("alter system reset shared_preload_libraries");
  await stack.stop("postgres");
  await stack.start("postgres");
  await withSessions(1, async ([session]) => {
    assert.equal(await valueOf(session, "select mode from core.rate_limiting()"), "shared memory");
  });
});
