// Records given out by many sessions at once: nobody gets more than the own share, nobody waits for
// somebody who waits for them, and every record says why it is whose it is.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { addTenant, dataOf, userClient } from "./support/identities.mjs";
import { run } from "./support/process.mjs";
import { PSQL, Stack } from "./support/stack.mjs";

const SESSIONS = 10;
const LEADS_A_SESSION = 20;
const CAPACITIES = { ada: 5, ben: 3, cleo: 2 };

const stack = new Stack("assignment");
let acme;
let ada;
let sales;

before(async () => {
  await stack.up("database");
  for (const service of ["rest", "gateway"]) await stack.start(service);
  acme = await addTenant(stack, "acme", {
    members: { ada: { role: "owner" }, ben: { role: "viewer" }, cleo: { role: "viewer" } },
  });
  ada = userClient(stack, acme.members.ada);
  sales = (await dataOf(
    ada.rpc("save_team", {
      slug: "sales",
      name: "Sales",
      user_ids: Object.values(acme.members),
    }),
  )).id;
  for (const [name, capacity] of Object.entries(CAPACITIES)) {
    await dataOf(
      ada.rpc("save_assignment_capacity", {
        team_id: sales,
        user_id: acme.members[name],
        capacity,
      }),
    );
  }
});
after(() => stack.down());

const giveTo = (strategy, object = "crm.leads") =>
  dataOf(
    ada.rpc("save_assignment_rule", { object, name: "everybody", team_id: sales, strategy }),
  );

/** How many leads with this name each member has, by name. */
const sharesOf = async (name) => {
  const [shares] = await stack.sql(
    `select json_object_agg(owner_id, count) from (
       select coalesce(owner_id::text, 'nobody') as owner_id, count(*) as count
       from crm.leads where given_name = :'name' group by 1
     ) as counted;`,
    { name },
  );
  return Object.fromEntries(
    Object.entries(acme.members).map(([member, id]) => [member, shares[id] ?? 0]),
  );
};

/** Runs statements in a session of its own. */
const session = (statements) =>
  run(PSQL, ["-XqAt", "-v", "ON_ERROR_STOP=1", stack.env.DB_URL], { input: statements });

const range = (count) => Array.from({ length: count }, (_, place) => place + 1);

const insertion = (name, count = 1, object = "leads") =>
  object === "deals"
    ? `insert into crm.deals (tenant_id, name) values ('${acme.id}', '${name}');\n`
    : `insert into crm.leads (tenant_id, given_name)
       select '${acme.id}', '${name}' from generate_series(1, ${count});\n`;

test("ten sessions that insert at once give to each exactly by capacity", async () => {
  await giveTo("weighted");
  await Promise.all(
    range(SESSIONS).map(() => session(insertion("one by one").repeat(LEADS_A_SESSION))),
  );
  assert.deepEqual(await sharesOf("one by one"), { ada: 100, ben: 60, cleo: 40 });
});

test("statements of many rows share exactly too", async () => {
  await Promise.all(range(SESSIONS).map(() => session(insertion("many", LEADS_A_SESSION))));
  assert.deepEqual(await sharesOf("many"), { ada: 100, ben: 60, cleo: 40 });
});

test("requests through the API share as SQL does, and read the owner at once", async () => {
  const answers = await Promise.all(
    range(SESSIONS * 2).map(() =>
      dataOf(
        ada.from("leads").insert({ given_name: "by request", owner_id: null }).select(
          "owner_id, version",
        ).single(),
      )
    ),
  );
  assert.ok(answers.every(({ owner_id, version }) => owner_id && version === 1));
  assert.deepEqual(await sharesOf("by request"), { ada: 10, ben: 6, cleo: 4 });
});

test("least loaded evens out what is open, whoever inserts meanwhile", async () => {
  await stack.sql("delete from crm.leads;");
  await giveTo("least_loaded");
  await Promise.all(
    range(SESSIONS).map(() => session(insertion("loaded").repeat(LEADS_A_SESSION))),
  );
  assert.deepEqual(await sharesOf("loaded"), { ada: 100, ben: 60, cleo: 40 });
});

test("nobody gets more than the limit", async () => {
  await stack.sql("delete from crm.leads;");
  for (const name of Object.keys(CAPACITIES)) {
    await dataOf(
      ada.rpc("save_assignment_capacity", {
        team_id: sales,
        user_id: acme.members[name],
        capacity: CAPACITIES[name],
        open_max: 11,
      }),
    );
  }
  await giveTo("round_robin");
  await Promise.all(range(SESSIONS).map(() => session(insertion("limited").repeat(10))));
  assert.deepEqual(await sharesOf("limited"), { ada: 11, ben: 11, cleo: 11 });
});

test("transactions that give out two kinds of records in either order do not wait for each other", async () => {
  await giveTo("weighted", "crm.deals");
  await giveTo("weighted");
  const either = [insertion("crossed") + insertion("crossed", 1, "deals")];
  either.push(insertion("crossed", 1, "deals") + insertion("crossed"));
  await Promise.all(
    range(SESSIONS).map((place) => session(`begin;\n${either[place % 2].repeat(5)}commit;\n`)),
  );
  const [{ deadlocks }] = await stack.sql(
    "select json_build_object('deadlocks', deadlocks) from pg_stat_database where datname = current_database();",
  );
  assert.equal(deadlocks, 0);
});

test("every record says why it is whose it is", async () => {
  const [{ unexplained }] = await stack.sql(`
    select json_build_object('unexplained', count(*)) from crm.leads
    where not exists (
      select from core.assignments
      where assignments.record_id = leads.id
        and assignments.user_id is not distinct from leads.owner_id
    );`);
  assert.equal(unexplained, 0);
});
