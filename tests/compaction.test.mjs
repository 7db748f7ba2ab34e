// Each reading is seen once at any moment, while batches become blocks and whatever is killed then.
//
// Devices send, two sessions compact and a reader counts at once; backends and all of Postgres are
// killed with kill -9 at chosen places within a compaction; a dump gives the same answers.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { runLoad } from "./support/compaction_load.mjs";
import { compact, Feeder, stored } from "./support/feeder.mjs";
import { addTenant } from "./support/identities.mjs";
import { run, until } from "./support/process.mjs";
import { PSQL, Stack } from "./support/stack.mjs";

const TENANTS = { acme: ["car-1", "car-2"], rival: ["van-1"] };
/** Questions that the reader asks while everything goes on. */
const QUESTIONS = 60;

const stack = new Stack("compaction");
const feeders = Object.entries(TENANTS).flatMap(([tenant, devices]) =>
  devices.map((device) => new Feeder(stack, tenant, device, { redelivers: tenant === "rival" }))
);
const tenants = {};

before(async () => {
  await stack.up("database");
  for (const [slug, devices] of Object.entries(TENANTS)) {
    tenants[slug] = await addTenant(stack, slug, { devices: [...devices, `spare-of-${slug}`] });
    await sendValue(slug, 0);
  }
});
after(() => stack.down());

/** A statement that sends a value, for the same time as all others. */
const sending = (tenant, value) => `
  select iot.ingest(read.batch)
  from tenon.batch_from_json(
    '${tenant}', 'spare-of-${tenant}',
    '{"at": "2026-02-02T00:00:00Z", "values": {"value": ${value}}}', now()
  ) as read
`;
const sendValue = (tenant, value) =>
  stack.sql(`select to_json(count(*)) from (${sending(tenant, value)}) as refused`);
const valueOf = async (tenant) => {
  const rows = await stack.sql(
    "select to_json(value) from v1.readings(array[:'device'], '{value}', '2026-02-02', '2026-02-03')",
    { device: `spare-of-${tenant}` },
  );
  assert.ok(rows.length <= 1, "one reading a time");
  return rows[0];
};

test("readers see each acknowledged reading once while two sessions compact", async () => {
  for (const feeder of feeders) await feeder.send(1);
  const progress = await runLoad(stack, feeders, ({ questions }) => questions >= QUESTIONS);
  assert.ok(progress.compactions > 10, `${progress.compactions} compactions found something`);
  assert.equal((await compact(stack)).done, true);
  for (const feeder of feeders) assert.equal(await feeder.assertOnce(), feeder.sent);
  const { stored: all, batches } = await stored(stack, Object.keys(TENANTS));
  assert.equal(batches, 0);
  const spare = Object.keys(TENANTS).length;
  assert.equal(all, feeders.reduce((sum, feeder) => sum + feeder.sent, spare));
});

for (const end of /** @type {const} */ (["commit", "rollback"])) {
  test(`a batch whose transaction is open is never overtaken, and ends with a ${end}`, async (context) => {
    const letGo = await stack.holdTransaction(sending("acme", 1));
    context.after(() => letGo());
    await sendValue("acme", 2);
    const early = await compact(stack);
    assert.deepEqual([early.batches, early.done], [0, false], "compaction waits for the writer");
    await letGo(end);
    assert.equal((await compact(stack)).done, true);
    assert.equal(await valueOf("acme"), 2, "the later arrival counts");
  });
}

test("one session at a time works on the blocks of a tenant, and others on those of others", async (context) => {
  for (const tenant of Object.keys(TENANTS)) await sendValue(tenant, 3);
  const letGo = await stack.holdTransaction(`select iot.lock_blocks('${tenants.acme.id}')`);
  context.after(() => letGo());
  const beside = await compact(stack);
  assert.deepEqual([beside.batches, beside.done], [1, false]);
  assert.equal((await stored(stack, ["rival"])).batches, 0);
  assert.equal((await stored(stack, ["acme"])).batches, 1);
  await letGo();
  const rest = await compact(stack);
  assert.deepEqual([rest.batches, rest.done], [1, true]);
});

test("two sessions that need the same new partition at once make one of it", async (context) => {
  const call = "select iot.add_blocks_partition('2030-01-01 00:00Z')"; // returns nothing to read
  const letGo = await stack.holdTransaction(call);
  context.after(() => letGo());
  const second = stack.sql(call);
  await until("the second waits for the first", async () => {
    const waiting = await stack.sql(
      "select to_json(pid) from pg_locks where locktype = 'advisory' and not granted",
    );
    return waiting.length > 0;
  });
  await letGo("commit");
  await second;
});

test("a transaction that does not see what is committed meanwhile may not compact", async () => {
  await assert.rejects(
    stack.sql("begin isolation level repeatable read; select iot.compact()"),
    /isolation level read committed/,
  );
});

/** Where a compaction is held up: by a lock that it meets there. */
const PLACES = {
  "before it has taken batches":
    "select from iot.batches where tenant_id = (select id from core.tenants where slug = 'acme') for update",
  "after it has taken batches and before it has written blocks":
    "lock table iot.blocks_2026_01, iot.blocks_2026_02 in share mode",
  "after it has written blocks": "lock table iot.latest in share mode",
};

/** @type {Record<string, (backend: number) => Promise<void>>} */
const KILLS = {
  "its backend is killed": async (backend) => {
    const [struck_at] = await stack.sql("select to_json(now())");
    process.kill(backend, "SIGKILL");
    await until("Postgres has ended all sessions and is back", async () => {
      const [left] = await stack.sql(
        `select to_json(count(*)) from pg_stat_activity
         where backend_type = 'client backend' and backend_start < :'struck_at'`,
        { struck_at },
      );
      return left === 0;
    });
  },
  "Postgres is killed": async () => {
    await stack.kill("postgres");
    await stack.start("postgres");
  },
};

describe("nothing is lost and nothing doubled when", () => {
  for (const [where, lock] of Object.entries(PLACES)) {
    for (const [what, strike] of Object.entries(KILLS)) {
      test(`${what} ${where}`, async (context) => {
        await feeders[0].send(300);
        await compact(stack);
        await feeders[0].send(300);
        const before = await stored(stack, Object.keys(TENANTS));
        const letGo = await stack.holdTransaction(lock);
        context.after(() => letGo());
        const compacting = compact(stack).then(() => "compacted", () => "killed");
        const backend = await until("the compaction is held up", async () => {
          const found = await stack.sql(`
            select to_json(activity.pid)
            from pg_stat_activity as activity
            where activity.query like '%iot.compact(%' and activity.wait_event_type = 'Lock'
          `);
          return found[0];
        });
        await strike(backend);
        assert.equal(await compacting, "killed");

        assert.deepEqual(await stored(stack, Object.keys(TENANTS)), before, "nothing has changed");
        await feeders[0].assertOnce();
        assert.equal((await compact(stack)).done, true, "the next one does it");
        assert.equal(await feeders[0].assertOnce(), feeders[0].sent);
      });
    }
  }
});

test("a dump that is restored elsewhere gives the same answers", async () => {
  await feeders[0].send(50); // batches are in it, too
  const folder = PSQL.slice(0, PSQL.lastIndexOf("/"));
  const restored = stack.env.DB_ADMIN_URL.replace("/postgres?", "/restored?");
  await stack.administer("create database restored");
  const file = `${stack.folder}/dump`;
  await run(`${folder}/pg_dump`, ["-Fc", "-f", file, stack.env.DB_ADMIN_URL]);
  await run(`${folder}/pg_restore`, ["--exit-on-error", "-d", restored, file]);
  const questions = `
    select md5(string_agg(answer::text, ',' order by answer::text)) from (
      select to_jsonb(r) as answer from v1.readings(array['car-1', 'car-2'], null, '2026-01-01', '2026-03-01') as r
      union all
      select to_jsonb(t) from v1.telemetry(array['car-1', 'car-2'], null, '2026-01-01', '2026-03-01', '1 hour') as t
      union all
      select to_jsonb(l) from v1.latest(array['car-1', 'car-2']) as l
      union all
      select to_jsonb(b) from iot.blocks as b
      union all
      select to_jsonb(b) from iot.batches as b
    ) as answers
  `;
  const answers = await Promise.all(
    [stack.env.DB_ADMIN_URL, restored].map((url) => run(PSQL, ["-XqAt", "-c", questions, url])),
  );
  assert.match(answers[0], /^[0-9a-f]{32}\n$/);
  assert.equal(answers[1], answers[0]);
  // The copy is whole: it goes on where the other was left.
  const done = await run(PSQL, [
    "-XqAt",
    "-c",
    "select batches, done from iot.compact()",
    restored,
  ]);
  assert.match(done, /^[1-9]\d*\|t\n$/);
});
