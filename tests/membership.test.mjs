// What must hold however transactions meet: a tenant keeps an owner, an invitation makes one member,
// the tree stays a tree, and nobody waits for whoever waits for them.
//
// Each pair of calls is brought together in three ways and in all combinations of isolation levels:
// PostgREST reads committed rows unless told otherwise, and jobs may do as they like.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import pg from "pg";
import { addTenant } from "./support/identities.mjs";
import { until } from "./support/process.mjs";
import { Stack } from "./support/stack.mjs";

const LEVELS = ["read committed", "repeatable read", "serializable"];
const ACCEPTS = 50;
/** What may end one of two calls that cannot both be right. 40001 asks for another try. */
const REFUSALS = [
  "member.last_owner",
  "member.unknown",
  "tenancy.permission_missing",
  "access.beyond_own",
  "tenant.below_itself",
  "tenant.slug_taken",
  "tenant.suspended",
  "core.retry",
  "40001",
];

const stack = new Stack("membership");
const clients = [];

before(() => stack.up("database"));
after(async () => {
  await Promise.all(clients.map((client) => client.end()));
  await stack.down();
});

/** A connection, which is given back to `spare` after its call. */
const spare = [];
async function connection() {
  const client = spare.pop() ?? new pg.Client(stack.env.DB_URL);
  if (!clients.includes(client)) {
    clients.push(client);
    await client.connect();
  }
  return client;
}

const codeOf = (error) => error.code === "PGRST" ? JSON.parse(error.message).code : error.code;

/**
 * A transaction of somebody, which has looked at the tables before anything else happens.
 * @param {{ as: string | null, call: string, values?: unknown[] }} act as: a user; null is the schema's owner
 */
async function open(act, level) {
  const client = await connection();
  await client.query(`begin isolation level ${level}`);
  if (act.as) {
    const claims = JSON.stringify({ role: "authenticated", sub: act.as });
    await client.query("select set_config('request.jwt.claims', $1, true)", [claims]);
    await client.query("set local role authenticated");
  }
  await client.query("select count(*) from core.members");
  const settle = async (statement, values) => {
    try {
      const { rows } = await client.query(statement, values);
      if (rows.length > 0) opened.rows = rows;
      return "done";
    } catch (error) {
      await client.query("rollback");
      return codeOf(error);
    }
  };
  const { rows: [{ pid }] } = await client.query("select pg_backend_pid() as pid");
  const opened = {
    pid,
    rows: [],
    run: () => settle(act.call, act.values),
    end: async (outcome) => {
      const ended = outcome === "done" ? await settle("commit") : outcome;
      spare.push(client);
      return ended;
    },
  };
  return opened;
}

const waits = async (pid) => {
  const [state] = await stack.sql(
    "select to_json(wait_event_type = 'Lock') from pg_stat_activity where pid = :pid",
    { pid },
  );
  return state;
};

/** Brings two acts together: the second begins while the first is under way, and is not yet through. */
async function meet([first, second], [firstLevel, secondLevel]) {
  const one = await open(first, firstLevel);
  const two = await open(second, secondLevel);
  const firstOutcome = await one.run();
  let isOver = false;
  const secondRun = two.run().finally(() => (isOver = true));
  await until("the second is through or waits", async () => isOver || (await waits(two.pid)));
  const firstEnd = await one.end(firstOutcome);
  return [firstEnd, await two.end(await secondRun)];
}

/** Lets two acts go at the same moment, and whatever comes of it come. */
async function race(acts, levels) {
  const opened = await Promise.all(acts.map((act, place) => open(act, levels[place])));
  return Promise.all(opened.map(async (act) => act.end(await act.run())));
}

/** Every way in which two acts are brought together. */
const WAYS = {
  "one by one": meet,
  "the other first": async (acts, levels) => (await meet([...acts].reverse(), levels)).reverse(),
  "at once": race,
};
const pairs = LEVELS.flatMap((one) => LEVELS.map((other) => [one, other]));
const encounters = pairs.flatMap((levels) =>
  Object.entries(WAYS).map(([way, bring]) => ({
    levels,
    bring,
    way: `${way}, ${levels.join(" and ")}`,
  }))
);

function assertOrderly(outcomes, what) {
  assert.deepEqual(outcomes.filter((it) => it !== "done" && !REFUSALS.includes(it)), [], what);
}

describe("two owners", () => {
  let tenant, ann, ben;
  const foundTenant = async () => {
    tenant = await addTenant(stack, `owned-${randomUUID().slice(0, 8)}`, {
      members: { ann: { role: "owner" }, ben: { role: "owner" }, vic: { role: "viewer" } },
    });
    ({ ann, ben } = tenant.members);
  };
  const owners = async () =>
    (await stack.sql(
      `select to_json(count(*)) from core.members
       where tenant_id = :'id' and role_id = core.owner_role_id() and status = 'active'`,
      { id: tenant.id },
    ))[0];

  const remove = (as, whom) => ({ as, call: "select v1.remove_member($1)", values: [whom] });
  const suspend = (as, whom) => ({ as, call: "select v1.suspend_member($1)", values: [whom] });
  const leave = (as) => ({ as, call: "select v1.leave_tenant($1)", values: [tenant.id] });
  const demote = (as, whom) => ({
    as,
    call: "select v1.set_member_role($1, 'admin')",
    values: [whom],
  });
  const erase = (whom) => ({
    as: null,
    call: "delete from auth.users where id = $1",
    values: [whom],
  });
  const variants = {
    "who remove each other": () => [remove(ann, ben), remove(ben, ann)],
    "who remove themselves": () => [remove(ann, ann), remove(ben, ben)],
    "who both leave": () => [leave(ann), leave(ben)],
    "of whom one leaves and one steps down": () => [leave(ann), demote(ben, ben)],
    "who demote each other": () => [demote(ann, ben), demote(ben, ann)],
    "who suspend each other": () => [suspend(ann, ben), suspend(ben, ann)],
    "of whom one is suspended while the other's account is deleted": () => [
      suspend(ann, ben),
      erase(ann),
    ],
    "whose accounts are deleted": () => [erase(ann), erase(ben)],
  };
  for (const [who, acts] of Object.entries(variants)) {
    test(`${who} leave one`, async () => {
      for (const { levels, bring, way } of encounters) {
        await foundTenant();
        const outcomes = await bring(acts(), levels);
        const what = `${way}: ${outcomes.join(", ")}`;
        assert.equal(await owners(), 1, what);
        assert.equal(outcomes.filter((outcome) => outcome === "done").length, 1, what);
        assertOrderly(outcomes, what);
      }
    });
  }

  test("who hand the tenant to each other do not wait for each other", async () => {
    const transfer = (as, whom) => ({
      as,
      call: "select v1.transfer_ownership($1)",
      values: [whom],
    });
    for (const { levels, bring, way } of encounters) {
      await foundTenant();
      const outcomes = await bring([transfer(ann, ben), transfer(ben, ann)], levels);
      assertOrderly(outcomes, way);
      assert.ok(await owners() >= 1, `${way}: ${outcomes.join(", ")}`);
    }
  });
});

test("an invitation that is accepted fifty times at once makes one member", async () => {
  const tenant = await addTenant(stack, "inviting", { members: { ada: { role: "owner" } } });
  const guest = randomUUID();
  await stack.sql(
    "insert into auth.users (id, email, email_confirmed_at) values (:'id', 'guest@inviting.example', now())",
    { id: guest },
  );
  const inviting = await open({
    as: tenant.members.ada,
    call: "select v1.invite('guest@inviting.example', 'agent') ->> 'token' as token",
  }, LEVELS[0]);
  assert.equal(await inviting.end(await inviting.run()), "done");
  const [{ token }] = inviting.rows;
  assert.match(token, /^tnn_inv_/);
  const outcomes = await race(
    Array(ACCEPTS).fill({ as: guest, call: "select v1.accept_invitation($1)", values: [token] }),
    Array(ACCEPTS).fill(LEVELS[0]),
  );
  assert.deepEqual(
    outcomes.toSorted(),
    ["done", ...Array(ACCEPTS - 1).fill("invitation.used")],
  );
  const [members] = await stack.sql(
    "select to_json(count(*)) from core.members where tenant_id = :'id' and user_id = :'guest'",
    { id: tenant.id, guest },
  );
  assert.equal(members, 1);
});

describe("the tree", () => {
  let ann, north, south, dealer;
  const place = async () => {
    const tag = randomUUID().slice(0, 8);
    north = await addTenant(stack, `north-${tag}`, { members: { ann: { role: "owner" } } });
    ann = north.members.ann;
    [south, dealer] = [randomUUID(), randomUUID()];
    await stack.sql(
      `insert into core.tenants (id, slug, name) values (:'south', 'south-' || :'tag', 'South');
       insert into core.tenants (id, slug, name, parent_id) values (:'dealer', 'dealer-' || :'tag', 'Dealer', :'south');
       insert into core.members (tenant_id, user_id, role_id) values (:'south', :'ann', core.owner_role_id());`,
      { south, dealer, tag, ann },
    );
  };
  const move = (as, tenant, parent) => ({
    as,
    call: "select v1.move_tenant($1, $2)",
    values: [tenant, parent],
  });
  const suspension = (tenant) => ({
    as: null,
    call: "select core.suspend_tenant($1)",
    values: [tenant],
  });
  const statuses = async () =>
    (await stack.sql(
      "select json_object_agg(slug, status) from core.tenants where id in (:'north', :'south', :'dealer')",
      { north: north.id, south, dealer },
    ))[0];
  const rootless = () =>
    stack.sql(`
      with recursive reached as (
        select id from core.tenants where parent_id is null
        union
        select tenants.id from reached inner join core.tenants on tenants.parent_id = reached.id
      )
      select to_json(slug) from core.tenants where id not in (select id from reached)
    `);

  test("has no ring after two moves that would make one together", async () => {
    for (const { levels, bring, way } of encounters) {
      await place();
      const outcomes = await bring(
        [move(ann, north.id, south), move(ann, south, north.id)],
        levels,
      );
      const what = `${way}: ${outcomes.join(", ")}`;
      assert.deepEqual(await rootless(), [], what);
      assert.equal(outcomes.filter((outcome) => outcome === "done").length, 1, what);
      assertOrderly(outcomes, what);
    }
  });

  test("has nothing active below what was suspended while it moved or was founded", async () => {
    const founding = () => ({
      as: ann,
      call: "select v1.create_tenant($1, 'New', $2)",
      values: [`new-${randomUUID()}`, south],
    });
    for (const { levels, bring, way } of encounters) {
      for (const act of [() => move(ann, north.id, south), founding]) {
        await place();
        const outcomes = await bring([suspension(south), act()], levels);
        const what = `${way}: ${outcomes.join(", ")}`;
        const active = await stack.sql(
          `select to_json(tenants.slug) from core.tenants
           inner join core.tenants as above on above.id = tenants.parent_id
           where tenants.status = 'active' and above.status = 'suspended'`,
        );
        assert.deepEqual(active, [], what);
        assertOrderly(outcomes, what);
      }
    }
  });

  test("has one tenant of a slug that many found at once", async () => {
    await place();
    const slug = `taken-${randomUUID().slice(0, 8)}`;
    const outcomes = await race(
      Array(10).fill({ as: ann, call: "select v1.create_tenant($1, 'Taken')", values: [slug] }),
      Array(10).fill(LEVELS[0]),
    );
    assert.deepEqual(outcomes.toSorted(), ["done", ...Array(9).fill("tenant.slug_taken")]);
  });

  test("is not resumed by an owner who reopens what was suspended meanwhile", async () => {
    const reopening = () => ({ as: ann, call: "select v1.resume_tenant($1)", values: [north.id] });
    for (const { levels, bring, way } of encounters) {
      await place();
      await stack.sql("update core.tenants set status = 'closing' where id = :'id'", {
        id: north.id,
      });
      const outcomes = await bring([suspension(north.id), reopening()], levels);
      const what = `${way}: ${outcomes.join(", ")}`;
      if (outcomes[0] === "done") {
        assert.equal((await statuses())[north.slug], "suspended", what);
      }
      assertOrderly(outcomes, what);
    }
  });
});
