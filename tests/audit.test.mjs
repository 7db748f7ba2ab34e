// The audit trail under concurrency: every committed entry is sealed once, whatever order its
// transaction commits in, whoever seals at the same time, and whatever is killed meanwhile.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import pg from "pg";
import { addTenant } from "./support/identities.mjs";
import { run, until } from "./support/process.mjs";
import { PSQL, Stack } from "./support/stack.mjs";

const TENANTS = ["acme", "rival"];
const WRITERS = 8;
const TRANSACTIONS_EACH = 40;

const stack = new Stack("audit");
const ids = {};

before(async () => {
  await stack.up("database");
  await stack.sql(`
    create table public.orders (
      tenant_id uuid not null, id bigint generated always as identity, title text,
      primary key (tenant_id, id)
    );
    select core.audit('public.orders');
  `);
  for (const slug of TENANTS) ids[slug] = (await addTenant(stack, slug, {})).id;
});
after(() => stack.down());

const connect = async (url = stack.env.DB_URL) => {
  const client = new pg.Client(url);
  client.on("error", () => {}); // killed with Postgres
  await client.connect();
  return client;
};

/** Seals until nothing that has committed is left, beside whoever else seals. */
const sealAll = (url) =>
  until("everything is sealed", async () => {
    const client = await connect(url);
    try {
      const { rows } = await client.query("select done from core.seal_audit()");
      const { rows: [{ unsealed }] } = await client.query(
        `select sum((core.audit_state(id) ->> 'unsealed')::integer)::integer as unsealed
         from core.tenants`,
      );
      return rows[0].done && unsealed === 0;
    } finally {
      await client.end();
    }
  });

/** Nothing is missing from the seals, nothing in two of them, and no chain is broken. */
async function assertSealedOnce(url = stack.env.DB_URL) {
  const client = await connect(url);
  const { rows: wrong } = await client.query(`
    select entries.id, count(sealed.id)
    from core.audit_entries as entries
    full join (
      select tenant_id, unnest(ids) as id from core.audit_seals
    ) as sealed on sealed.tenant_id = entries.tenant_id and sealed.id = entries.id
    group by entries.id
    having entries.id is null or count(sealed.id) <> 1
  `);
  assert.deepEqual(wrong, [], "each entry is in one seal, and nothing else is");
  const { rows: findings } = await client.query(
    "select slug, found.* from core.tenants cross join lateral core.verify_audit(id) as found",
  );
  assert.deepEqual(findings, []);
  await client.end();
}

const written = async () =>
  (await stack.sql(
    "select to_json(count(*)) from core.audit_entries where table_name = 'public.orders'",
  ))[0];

/** A session that writes, waits for a moment and then commits or rolls back, again and again. */
async function write(writer, transactions) {
  const client = await connect();
  let committed = 0;
  for (let transaction = 0; transaction < transactions; transaction++) {
    const rows = 1 + (writer * 7 + transaction * 3) % 5;
    const tenant = ids[TENANTS[(writer + transaction) % TENANTS.length]];
    await client.query("begin");
    await client.query(
      "insert into public.orders (tenant_id, title) select $1, 'x' from generate_series(1, $2)",
      [tenant, rows],
    );
    await client.query("select pg_sleep($1)", [((writer * 13 + transaction * 29) % 23) / 1000]);
    const isKept = (writer + transaction) % 7 !== 0;
    await client.query(isKept ? "commit" : "rollback");
    if (isKept) committed += rows;
  }
  await client.end();
  return committed;
}

test("writers that commit in any order are sealed once each while two sessions seal", async () => {
  let goesOn = true;
  const sealer = async () => {
    const client = await connect();
    let runs = 0;
    for (; goesOn; runs++) await client.query("select core.seal_audit('100 ms')");
    await client.end();
    return runs;
  };
  const sealers = [sealer(), sealer()];
  const writers = Array.from({ length: WRITERS }, (_, writer) => write(writer, TRANSACTIONS_EACH));
  const committed = (await Promise.all(writers)).reduce((sum, rows) => sum + rows, 0);
  goesOn = false;
  assert.ok((await Promise.all(sealers)).every((runs) => runs > 3), "both came to seal");
  await sealAll();
  assert.equal(await written(), committed);
  await assertSealedOnce();
});

test("a writer that stays open holds up nobody, and its entry is sealed when it commits", async (context) => {
  const entry = (title) =>
    `insert into public.orders (tenant_id, title) values ('${ids.acme}', '${title}')`;
  const letGo = await stack.holdTransaction(entry("slow"));
  context.after(() => letGo());
  await stack.administer(entry("quick"));
  await sealAll();
  const [progress] = await stack.sql("select to_json(p) from core.audit_progress as p");
  assert.equal(progress.open_ids.length, 1, "the id of the open one is remembered");
  const titles = () =>
    stack.sql(`
      select to_json(entries.new ->> 'title')
      from core.audit_entries as entries
      inner join core.audit_seals as seals on entries.id = any(seals.ids)
      where entries.new ->> 'title' in ('slow', 'quick')
      order by seals.number
    `);
  assert.deepEqual(await titles(), ["quick"]);
  await letGo("commit");
  await sealAll();
  assert.deepEqual(await titles(), ["quick", "slow"], "later in the chain, with the lower id");
  await assertSealedOnce();
});

test("ids of what was rolled back are forgotten", async () => {
  const letGo = await stack.holdTransaction(
    `insert into public.orders (tenant_id) values ('${ids.acme}')`,
  );
  await sealAll();
  await letGo("rollback");
  await until("no id is open", async () => {
    await stack.sql("select to_json(s) from core.seal_audit() as s");
    const [open] = await stack.sql("select to_json(open_ids) from core.audit_progress");
    return open.length === 0;
  });
  await assertSealedOnce();
});

for (const lock of ["core.audit_heads", "core.audit_anchors", "core.audit_progress"]) {
  test(`a sealing killed where it meets ${lock} has sealed nothing`, async (context) => {
    await write(1, 6);
    const before = await stack.sql(
      "select to_json(h) from core.audit_heads as h order by tenant_id",
    );
    const letGo = await stack.holdTransaction(`lock table ${lock} in share mode`);
    context.after(() => letGo());
    const sealing = stack.sql("select to_json(s) from core.seal_audit() as s").then(
      () => "sealed",
      () => "killed",
    );
    await until("the sealing is held up", async () =>
      (await stack.sql(
        `select to_json(pid) from pg_stat_activity
         where query like '%core.seal_audit()%' and wait_event_type = 'Lock'`,
      ))[0]);
    await stack.kill("postgres");
    await stack.start("postgres");
    assert.equal(await sealing, "killed");
    // The schedule of the stack may have sealed meanwhile, but never a part.
    const afterwards = await stack.sql(
      "select to_json(h) from core.audit_heads as h order by tenant_id",
    );
    assert.ok(afterwards.length >= before.length);
    await sealAll();
    await assertSealedOnce();
  });
}

test("a dump that is restored elsewhere is verified there and goes on", async (context) => {
  const letGo = await stack.holdTransaction(
    `insert into public.orders (tenant_id) values ('${ids.acme}')`,
  );
  context.after(() => letGo());
  await write(2, 6);
  const folder = PSQL.slice(0, PSQL.lastIndexOf("/"));
  const restored = stack.env.DB_ADMIN_URL.replace("/postgres?", "/restored?");
  const file = `${stack.folder}/dump`;
  await stack.administer("create database restored");
  await run(`${folder}/pg_dump`, ["-Fc", "-f", file, stack.env.DB_ADMIN_URL]);
  await run(`${folder}/pg_restore`, ["--exit-on-error", "-d", restored, file]);

  const copy = await connect(restored);
  await copy.query("insert into public.orders (tenant_id, title) values ($1, 'there')", [ids.acme]);
  await copy.query("update public.orders set title = 'changed' where title = 'there'");
  await copy.end();
  await sealAll(restored);
  await assertSealedOnce(restored);
  const there = await connect(restored);
  const { rows } = await there.query(
    "select new from core.audit_entries where operation = 'update' and table_name = 'public.orders'",
  );
  assert.deepEqual(rows, [{ new: { title: "changed" } }], "its triggers are there, too");
  const { rows: [{ open_ids: open }] } = await there.query("select * from core.audit_progress");
  assert.deepEqual(open, [], "what was open here will never be there");
  await there.end();
});
