// Pipelines over the API: two who move one record at once, versions that records stay on, a stranger,
// and a stage that only moves. The table is attached in two lines, as any product would.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { addTenant, dataOf, userClient } from "./support/identities.mjs";
import { Stack } from "./support/stack.mjs";

const stack = new Stack("pipelines");
let acme, ada, vic, eve, pipeline;

const definition = (middle) => ({
  stages: [
    { stage: "new", kind: "open", start: true },
    { stage: middle, kind: "open", required: ["amount"] },
    { stage: "shipped", kind: "won" },
    { stage: "cancelled", kind: "lost" },
  ],
  transitions: [
    { from: "new", to: middle },
    { from: middle, to: "shipped", when: { field: "paid", op: "=", value: true } },
    { from: ["new", middle], to: "cancelled", reason_required: true },
  ],
});

before(async () => {
  await stack.up("database");
  await stack.sql(`
    create schema shop;
    grant usage on schema shop to authenticated, service_role;
    create table shop.orders (
        tenant_id uuid not null default core.sole_tenant_with('shop.orders.write')
        references core.tenants (id),
        id uuid not null default gen_random_uuid(),
        name text not null,
        amount numeric,
        paid boolean not null default false,
        primary key (tenant_id, id)
    );
    insert into core.permissions (permission, description) values
    ('shop.orders.read', 'See orders.'), ('shop.orders.write', 'Change orders.');
    select core.allow_system_roles(array['owner', 'viewer'], array['shop.orders.read']);
    select core.allow_system_roles(array['owner'], array['shop.orders.write']);
    select core.guard('shop.orders', 'shop.orders');
    grant select, insert, update, delete on shop.orders to authenticated, service_role;

    select core.register_object('shop.orders', 'shop.orders', 'order', 'name');
    select core.attach_pipeline('shop.orders');

    create view v1.orders with (security_invoker = true) as select * from shop.orders;
    grant select, insert, update, delete on v1.orders to authenticated, service_role;
  `);
  for (const service of ["rest", "gateway"]) await stack.start(service);
  acme = await addTenant(stack, "acme", {
    members: { ada: { role: "owner" }, vic: { role: "viewer" } },
  });
  const rival = await addTenant(stack, "rival", { members: { eve: { role: "owner" } } });
  ada = userClient(stack, acme.members.ada);
  vic = userClient(stack, acme.members.vic);
  eve = userClient(stack, rival.members.eve);
  const saved = await dataOf(ada.rpc("save_pipeline", {
    object: "shop.orders",
    slug: "orders",
    name: "Orders",
    definition: definition("packed"),
  }));
  pipeline = saved.id;
  assert.deepEqual(saved.problems, []);
  await dataOf(ada.rpc("publish_pipeline", { pipeline, number: saved.draft }));
});
after(() => stack.down());

const order = async (values = {}) => {
  const [added] = await dataOf(
    ada.from("orders").insert({ name: "Order", amount: 1, ...values }).select(),
  );
  return added;
};

const refusal = async (request) => {
  const { error, status } = await request;
  return [status, error?.code];
};

test("of two who move one record at once, one is told that it has moved", async () => {
  for (let round = 0; round < 10; round += 1) {
    const { id, version } = await order();
    const move = (to) =>
      ada.rpc("move", { subject: id, to, expected_version: version, reason: "both" });
    const answers = await Promise.all([move("packed"), move("cancelled")]);
    const statuses = answers.map(({ status }) => status).sort();
    assert.deepEqual(statuses, [200, 409]);
    const conflict = answers.find(({ status }) => status === 409);
    assert.equal(conflict.error.code, "pipeline.version_conflict");
    const won = answers.find(({ status }) => status === 200).data;
    assert.deepEqual(JSON.parse(conflict.error.details), {
      expected: 1,
      actual: won.version,
      stage: won.stage,
    });
    const history = await dataOf(
      ada.from("stage_history").select("stage").eq("record_id", id).order("entered_at"),
    );
    assert.deepEqual(history.map(({ stage }) => stage), ["new", won.stage]);
  }
});

test("a stage only moves", async () => {
  const { id } = await order();
  assert.deepEqual(
    await refusal(ada.from("orders").update({ stage: "shipped" }).eq("id", id)),
    [403, "pipeline.direct_change"],
  );
  assert.deepEqual(
    await refusal(ada.from("orders").upsert({ id, name: "Order", stage: "shipped" })),
    [422, "pipeline.start_refused"],
  );
  assert.deepEqual(
    await refusal(ada.from("orders").update({ stage_kind: "won" }).neq("name", "")),
    [403, "pipeline.direct_change"],
  );
  await assert.rejects(
    stack.sql(`update shop.orders set stage = 'packed' where id = :'id'`, { id }),
    /pipeline\.direct_change/,
  );
  const [{ stage }] = await dataOf(ada.from("orders").select("stage").eq("id", id));
  assert.equal(stage, "new");
});

test("a stranger's token opens nothing, and tells nothing", async () => {
  const { id } = await order();
  const unknown = "00000000-0000-4000-8000-00000000dead";
  const calls = (subject) => [
    eve.rpc("move", { subject, to: "packed", expected_version: 1 }),
    eve.rpc("allowed_moves", { subject }),
  ];
  const answers = async (subject) =>
    (await Promise.all(calls(subject))).map(({ status, error }) => [status, error]);
  const told = await answers(id);
  assert.deepEqual(told, await answers(unknown));
  assert.deepEqual(told.map(([status]) => status), [404, 404]);
  const many = await dataOf(eve.rpc("move_many", { subjects: [id], to: "packed" }));
  assert.deepEqual([many.moved, many.outcomes[0].error.code], [0, "record.not_found"]);
  for (
    const view of ["pipelines", "pipeline_versions", "pipeline_stages", "stage_history", "timers"]
  ) {
    // A tenant begins with pipelines of its own.
    const seen = await dataOf(eve.from(view).select("tenant_id"));
    assert.deepEqual(seen.filter(({ tenant_id }) => tenant_id === acme.id), [], view);
  }
  assert.deepEqual(
    await refusal(vic.rpc("move", { subject: id, to: "packed", expected_version: 1 })),
    [403, "tenancy.permission_missing"],
  );
});

test("what is refused says everything that speaks against it", async () => {
  const { id } = await order({ amount: null });
  const { status, error } = await ada.rpc("move", {
    subject: id,
    to: "packed",
    expected_version: 1,
  });
  assert.deepEqual([status, error.code], [422, "pipeline.fields_missing"]);
  const moved = await dataOf(
    ada.rpc("move", { subject: id, to: "packed", expected_version: 1, fields: { amount: 5 } }),
  );
  const { moves } = await dataOf(ada.rpc("allowed_moves", { subject: id }));
  assert.deepEqual(
    moves.map(({ to, allowed, refusals }) => [to, allowed, refusals.map(({ code }) => code)]),
    [["shipped", false, ["pipeline.guard_failed"]], ["cancelled", true, []]],
  );
  await dataOf(ada.from("orders").update({ paid: true }).eq("id", id));
  assert.deepEqual(
    await refusal(
      ada.rpc("move", { subject: id, to: "shipped", expected_version: moved.version }),
    ),
    [409, "pipeline.version_conflict"],
  );
  const shipped = await dataOf(
    ada.rpc("move", { subject: id, to: "shipped", expected_version: moved.version + 1 }),
  );
  assert.equal(shipped.stage_kind, "won");
});

test("records finish on the version that they began with, until they are migrated", async () => {
  const early = await order();
  const stays = await order();
  const moved = await dataOf(
    ada.rpc("move", { subject: early.id, to: "packed", expected_version: 1 }),
  );
  const { draft } = await dataOf(ada.rpc("save_pipeline", {
    object: "shop.orders",
    slug: "orders",
    name: "Orders",
    definition: definition("boxed"),
  }));
  await dataOf(ada.rpc("publish_pipeline", { pipeline, number: draft }));
  const late = await order();

  await dataOf(ada.from("orders").update({ paid: true }).eq("id", early.id));
  const shipped = await dataOf(
    ada.rpc("move", { subject: early.id, to: "shipped", expected_version: moved.version + 1 }),
  );
  assert.equal(shipped.pipeline_version, 1);
  assert.deepEqual(
    await refusal(ada.rpc("move", { subject: stays.id, to: "boxed", expected_version: 1 })),
    [400, "pipeline.stage_unknown"],
  );
  assert.deepEqual(
    await refusal(ada.rpc("move", { subject: late.id, to: "packed", expected_version: 1 })),
    [400, "pipeline.stage_unknown"],
  );

  const dry = await dataOf(ada.rpc("migrate_pipeline", { pipeline }));
  assert.ok(dry.without_place > 0);
  assert.deepEqual(
    await refusal(ada.rpc("migrate_pipeline", { pipeline, dry_run: false })),
    [409, "pipeline.mapping_incomplete"],
  );
  const migrated = await dataOf(
    ada.rpc("migrate_pipeline", { pipeline, mapping: { packed: "boxed" }, dry_run: false }),
  );
  assert.deepEqual([migrated.migrated > 0, migrated.left], [true, 0]);
  const [{ version }] = await dataOf(ada.from("orders").select("version").eq("id", stays.id));
  const boxed = await dataOf(
    ada.rpc("move", { subject: stays.id, to: "boxed", expected_version: version }),
  );
  assert.equal(boxed.pipeline_version, 2);
});

test("many are moved in one call, each for itself", async () => {
  const orders = await Promise.all([order(), order({ amount: null }), order()]);
  const subjects = orders.map(({ id }) => id);
  const { moved, refused, outcomes } = await dataOf(
    ada.rpc("move_many", { subjects, to: "boxed" }),
  );
  assert.deepEqual([moved, refused], [2, 1]);
  assert.deepEqual(outcomes.map((outcome) => outcome.moved), [true, false, true]);
});
