// What must hold of custom fields however transactions meet: a unique value is there once, no value
// passes by a definition that changes, and what is kept apart is what records hold.
//
// Each pair of acts is brought together in both orders, the first uncommitted when the second
// begins, and its writers in all isolation levels.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import pg from "pg";
import { addTenant } from "./support/identities.mjs";
import { until } from "./support/process.mjs";
import { Stack } from "./support/stack.mjs";

const LEVELS = ["read committed", "repeatable read", "serializable"];
const DEFINING = "read committed";
/** What may end one of two acts that cannot both be right. 40001 asks for another try. */
const REFUSALS = [
  "field.not_unique",
  "field.values_not_unique",
  "field.values_unfit",
  "field.type_mismatch",
  "field.unknown",
  "field.archived",
  "40001",
];

const stack = new Stack("custom_fields");
const clients = [];
let ada;

before(async () => {
  await stack.up("database");
  const tenant = await addTenant(stack, "acme", { members: { ada: { role: "owner" } } });
  ada = tenant.members.ada;
});
after(async () => {
  await Promise.all(clients.map((client) => client.end()));
  await stack.down();
});

const codeOf = (error) => error.code === "PGRST" ? JSON.parse(error.message).code : error.code;

/** A connection, which is given back to `spare` when its transaction is over. */
const spare = [];
async function connection() {
  const client = spare.pop() ?? new pg.Client(stack.env.DB_URL);
  if (!clients.includes(client)) {
    clients.push(client);
    await client.connect();
  }
  return client;
}

/** A transaction of ada, or of the owner, which has looked at the tables before anything happens. */
async function open({ level, owner }) {
  const client = await connection();
  await client.query(`begin isolation level ${level}`);
  const claims = JSON.stringify({ role: "authenticated", sub: ada });
  await client.query("select set_config('request.jwt.claims', $1, true)", [claims]);
  if (!owner) await client.query("set local role authenticated");
  await client.query("select count(*) from v1.contacts");
  const { rows: [{ pid }] } = await client.query("select pg_backend_pid() as pid");
  const settle = async (statement) => {
    try {
      await client.query(statement);
      return "done";
    } catch (error) {
      await client.query("rollback");
      return codeOf(error);
    }
  };
  return {
    pid,
    run: settle,
    end: async (outcome) => {
      const ended = outcome === "done" ? await settle("commit") : outcome;
      spare.push(client);
      return ended;
    },
  };
}

const waits = async (pid) => {
  const [state] = await stack.sql(
    "select to_json(wait_event_type = 'Lock') from pg_stat_activity where pid = :pid",
    { pid },
  );
  return state === true;
};

/** The first act is done and not committed when the second begins. */
async function meet(first, second) {
  const [one, other] = [await open(first), await open(second)];
  const begun = await one.run(first.call);
  let answer;
  const going = other.run(second.call).then((outcome) => (answer = outcome));
  await until("the second is through, or waits", async () => answer || await waits(other.pid));
  const outcome = await one.end(begun);
  return [outcome, await other.end(await going)];
}

const save = (definition) => ({
  level: DEFINING,
  call: `select v1.save_custom_field('crm.contacts', 'it', '${JSON.stringify(definition)}')`,
});
const write = (value) => ({
  call: `insert into v1.contacts (given_name, custom)
    values ('New', '${JSON.stringify({ it: value })}')`,
});
const change = (value) => ({
  call: `update v1.contacts set custom = '${JSON.stringify({ it: value })}'
    where given_name = 'Old'`,
});
const remove = { call: "delete from v1.contacts where given_name = 'Old'" };
const TEXT = { type: "text", label: "It" };

const erase = {
  owner: true,
  call: "update crm.contacts set custom = '{}' where given_name = 'Old'",
};

/** Two acts; before: the field, and the value of the record that is there; one: only one can be. */
const PAIRS = {
  "two write one unique value": {
    before: [{ ...TEXT, unique: true }, null],
    acts: [write("a"), write("a")],
    one: true,
  },
  "one writes what another changes to": {
    before: [{ ...TEXT, unique: true }, "old"],
    acts: [write("a"), change("a")],
    one: true,
  },
  "one writes what another gives up": {
    before: [{ ...TEXT, unique: true }, "a"],
    acts: [change("b"), write("a")],
  },
  "one writes what another deletes": {
    before: [{ ...TEXT, unique: true }, "a"],
    acts: [remove, write("a")],
  },
  "one writes what another type does not take": {
    before: [TEXT, null],
    acts: [save({ type: "number", label: "It" }), write("a")],
    one: true,
  },
  "one changes to what another type does not take": {
    before: [TEXT, "12@example.com"],
    acts: [save({ type: "email", label: "It" }), change("a")],
    one: true,
  },
  "one writes a value that another defines as unique": {
    before: [TEXT, "a"],
    acts: [save({ ...TEXT, unique: true }), write("a")],
    one: true,
  },
  "one deletes what another gathers": {
    before: [TEXT, "a"],
    acts: [save({ ...TEXT, unique: true }), remove],
  },
  "one changes what another gathers": {
    before: [TEXT, "a"],
    acts: [save({ ...TEXT, indexed: true }), change("b")],
  },
  "one erases what another gathers": {
    before: [TEXT, "a"],
    acts: [save({ ...TEXT, indexed: true }), erase],
  },
  "one writes what another archives": {
    before: [TEXT, null],
    acts: [
      { level: DEFINING, call: "select v1.archive_custom_field('crm.contacts', 'it')" },
      write("a"),
    ],
  },
  "one writes what another deletes for good": {
    before: [TEXT, null],
    acts: [
      { level: DEFINING, call: "select v1.delete_custom_field('crm.contacts', 'it', 'it')" },
      write("a"),
    ],
  },
};

async function prepare([definition, value]) {
  await stack.sql(
    `
    delete from crm.contacts;
    delete from core.custom_values;
    delete from core.custom_fields;
    delete from core.custom_field_sets;
    delete from core.jobs;
    set role authenticated;
    select set_config('request.jwt.claims', :'claims', false);
    select v1.save_custom_field('crm.contacts', 'it', :'definition');
    insert into v1.contacts (given_name, custom) values ('Old', :'custom');
    `,
    {
      claims: JSON.stringify({ role: "authenticated", sub: ada }),
      definition: JSON.stringify(definition),
      custom: JSON.stringify(value === null ? {} : { it: value }),
    },
  );
}

/** What is wrong with the tables, whatever has happened. */
const wrongs = () =>
  stack.sql(`
    with defined as (
      select sets.tenant_id, sets.object, sets.definitions from core.custom_field_sets as sets
    ),
    wanted as (
      select contacts.id, kept.field, kept.text_value, kept.is_unique
      from crm.contacts
      inner join defined on defined.tenant_id = contacts.tenant_id
      cross join lateral core.as_custom_values(
        tenon.custom_field_values(defined.definitions, contacts.custom)
      ) as kept
    ),
    kept as (select record_id, field, text_value, is_unique from core.custom_values)
    select to_json('kept apart and nowhere else: ' || kept) from kept
    where not exists (
      select from wanted where wanted.id = kept.record_id and wanted.text_value = kept.text_value
    )
    union all
    select to_json('not kept apart: ' || wanted::text) from wanted
    where not exists (
      select from kept
      where kept.record_id = wanted.id
        and kept.text_value = wanted.text_value and kept.is_unique = wanted.is_unique
    )
    union all
    select to_json('no value of its field: ' || contacts.custom::text)
    from crm.contacts
    inner join defined on defined.tenant_id = contacts.tenant_id
    cross join lateral jsonb_array_elements(defined.definitions) as own
    where contacts.custom ? (own ->> 'field')
      and not tenon.custom_field_fits(
        own ->> 'field', own -> 'definition', contacts.custom -> (own ->> 'field')
      );
  `);

describe("however two meet", () => {
  for (const [name, { before: prepared, acts, one }] of Object.entries(PAIRS)) {
    for (const [first, second] of [acts, acts.toReversed()]) {
      for (const level of LEVELS) {
        const order = first === acts[0] ? "in this order" : "the other way round";
        test(`${name}, ${order}, ${level}`, async () => {
          await prepare(prepared);
          const outcomes = await meet({ level, ...first }, { level, ...second });
          for (const outcome of outcomes) {
            assert.ok(["done", ...REFUSALS].includes(outcome), outcome);
          }
          const done = outcomes.filter((outcome) => outcome === "done").length;
          assert.ok(done >= 1, `one of them is done: ${outcomes}`);
          if (one) assert.equal(done, 1, `and no more than one: ${outcomes}`);
          assert.deepEqual(await wrongs(), []);
        });
      }
    }
  }
});
