// Tenants are apart in the API: nobody sees or writes there what is not theirs.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { addTenant, anonymousClient, dataOf, userClient } from "../support/identities.mjs";
import { stack } from "../support/shared_stack.mjs";

const AT = "2025-01-01T00:00:00Z";
const RANGE = { from: "2024-01-01T00:00:00Z", to: "2026-01-01T00:00:00Z" };
const NOBODY = "00000000-0000-4000-8000-00000000dead";

/** Views that show the same to everybody. */
const REFERENCE = ["event_types"];

/** Calls of every function of v1, about the tenant under attack and its device. */
const callsOf = (client, { id }) => ({
  telemetry: () =>
    client.rpc("telemetry", {
      devices: ["truck-1"],
      metrics: ["speed"],
      ...RANGE,
      bucket: "1 year",
    }),
  readings: () => client.rpc("readings", { devices: ["truck-1"], metrics: ["speed"], ...RANGE }),
  latest: () => client.rpc("latest", { devices: ["truck-1"] }),
  ingest: () =>
    client.rpc("ingest", { messages: { device: "truck-1", at: AT, values: { speed: 99 } } }),
  set_retention: () => client.rpc("set_retention", { metric: "speed", raw_days: 1 }),
  clear_retention: () => client.rpc("clear_retention", { metric: "speed" }),
  retention_preview: () => client.rpc("retention_preview", { as_of: "2126-01-01T00:00:00Z" }),
  // Of the platform, of which nobody here is a member.
  set_active_tenant: () =>
    client.rpc("set_active_tenant", { tenant_id: "00000000-0000-0000-0000-000000000000" }),
  events_since: () => client.rpc("events_since"),
  insert_once: () =>
    client.rpc("insert_once", { into_view: "devices", rows: { tenant_id: id, slug: "planted" } }),
});

/** Questions for whatever the caller may see, without naming anything. */
const questionsOf = (client) => [
  client.rpc("telemetry", { ...RANGE, bucket: "1 year", group_by: [] }),
  client.rpc("readings", RANGE),
  client.rpc("latest"),
];

/** Every way in which the API lets anything be written, aimed at a tenant. */
const writesOf = (client, { id, devices }) => [
  client.from("devices").insert({ tenant_id: id, slug: "planted" }),
  client.from("devices").upsert({
    tenant_id: id,
    id: devices["truck-1"],
    slug: "truck-1",
    name: "taken",
  }),
  client.from("devices").update({ name: "taken", status: "suspended" }).eq("tenant_id", id),
  client.from("devices").delete().eq("tenant_id", id),
  client.from("metrics").insert({ tenant_id: id, name: "planted" }),
  client.from("metrics").update({ unit: "km/h" }).eq("tenant_id", id),
  client.from("tenants").insert({ slug: "planted", name: "Planted", parent_id: id }),
  client.from("tenants").update({ name: "taken" }).eq("id", id),
  client.from("rejected_messages").delete().eq("tenant_id", id),
  client.from("retention_policies").insert({ tenant_id: id, raw_days: 1 }),
  client.from("retention_policies").update({ raw_days: 1 }).eq("tenant_id", id),
  client.from("retention_policies").delete().eq("tenant_id", id),
  client.from("email_domain_rules").insert({
    tenant_id: id,
    domain: "planted.example",
    effect: "deny",
  }),
  client.from("email_domain_rules").update({ effect: "deny" }).eq("tenant_id", id),
  client.from("email_domain_rules").delete().eq("tenant_id", id),
  client.from("rejected_messages").update({ message: "nothing" }).eq("tenant_id", id),
  client.from("events").insert({ tenant_id: id, number: 2, type: "test.apart.began" }),
  client.from("events").update({ data: {} }).eq("tenant_id", id),
  client.from("events").delete().eq("tenant_id", id),
  client.from("event_types").insert({ type: "test.apart.ended", description: "", permission: "" }),
  client.from("event_types").update({ permission: "core.events.read" }).neq("type", ""),
  client.from("event_types").delete().neq("type", ""),
  client.from("deliveries").insert({ tenant_id: id, channel: "email", template: "planted" }),
  client.from("deliveries").update({ status: "queued" }).eq("tenant_id", id),
  client.from("deliveries").delete().eq("tenant_id", id),
];

/** All that belongs to a tenant, as it lies in the tables. */
const stateOf = async ({ id }) =>
  (await stack.sql(
    `
  select jsonb_build_object(
    'tenants', (select jsonb_agg(to_jsonb(tenants) order by id) from core.tenants where :'id' in (id, parent_id)),
    'members', (select jsonb_agg(to_jsonb(members) order by user_id) from core.members where tenant_id = :'id'),
    'devices', (select jsonb_agg(to_jsonb(devices) order by id) from iot.devices where tenant_id = :'id'),
    'metrics', (select jsonb_agg(to_jsonb(metrics) order by number) from iot.metrics where tenant_id = :'id'),
    'batches', (select jsonb_agg(to_jsonb(batches) order by id) from iot.batches where tenant_id = :'id'),
    'rejected', (select jsonb_agg(to_jsonb(refused) order by id) from iot.rejected_messages as refused where tenant_id = :'id'),
    'domains', (select jsonb_agg(to_jsonb(rules) order by domain) from core.email_domain_rules as rules where tenant_id = :'id'),
    'policies', (select jsonb_agg(to_jsonb(policies) order by id) from iot.retention_policies as policies where tenant_id = :'id'),
    'events', (select jsonb_agg(to_jsonb(events) order by number) from core.events where tenant_id = :'id'),
    'deliveries', (select jsonb_agg(to_jsonb(deliveries) order by id) from core.deliveries where tenant_id = :'id'),
    'event_types', (select jsonb_agg(to_jsonb(event_types) order by type) from core.event_types where type like 'test.apart.%')
  )
`,
    { id },
  ))[0];

const ownerOf = (row) => row.tenant_id ?? row.id;

describe("a tenant", () => {
  let acme, rival, ada;
  /** All views and functions of v1, so that one which is added later is tried too. */
  let views, functions;

  before(async () => {
    acme = await addTenant(stack, "apart-acme", {
      devices: ["truck-1"],
      members: { ada: { role: "owner" }, sue: { role: "owner", status: "suspended" } },
    });
    rival = await addTenant(stack, "apart-rival", {
      devices: ["van-1"],
      members: { eve: { role: "owner" } },
    });
    ada = userClient(stack, acme.members.ada);
    const messages = [{ device: "truck-1", at: AT, values: { speed: 50 } }, {
      device: "truck-1",
      at: "never",
      speed: 1,
    }];
    assert.equal((await dataOf(ada.rpc("ingest", { messages }))).accepted, 1);
    await dataOf(ada.rpc("set_retention", { metric: "speed", raw_days: 36_500 }));
    await dataOf(
      ada.from("email_domain_rules").insert({ domain: "apart.example", effect: "allow" }).select(),
    );
    await stack.sql(
      `
      insert into core.event_types (type, description) values ('test.apart.began', 'A test began.');
      select to_json(core.emit(:'id', 'test.apart.began')::text);
      select to_json(core.enqueue_delivery(:'id', 'email', 'ann@example.com', 'test.apart'));
      `,
      { id: acme.id },
    );
    [[views, functions]] = await stack.sql(`
      select json_build_array(
        (select json_agg(relname) from pg_class where relnamespace = 'v1'::regnamespace and relkind in ('v', 'm', 'r')),
        (select json_agg(distinct proname) from pg_proc where pronamespace = 'v1'::regnamespace)
      )
    `);
    views = views.filter((view) => !REFERENCE.includes(view));
  });

  test("is seen by its owner, who sees no other", async () => {
    for (const view of views) {
      const rows = await dataOf(ada.from(view).select("*"));
      assert.ok(
        rows.length > 0,
        `${view} is empty even for the owner, and would prove nothing below`,
      );
      assert.deepEqual([...new Set(rows.map(ownerOf))], [acme.id], view);
    }
    assert.deepEqual(
      Object.keys(callsOf(ada, acme)).sort(),
      functions.sort(),
      "every function of v1 is called below",
    );
    const [{ count, last }] = await dataOf(callsOf(ada, acme).telemetry());
    assert.deepEqual([count, last], [1, 50]);
    assert.equal((await dataOf(callsOf(ada, acme).latest())).length, 1);
    for (const question of questionsOf(ada)) assert.equal((await dataOf(question)).length, 1);
  });

  test("is seen through v1 alone", async () => {
    for (const schema of ["core", "iot", "tenon", "auth", "public"]) {
      const { error } = await ada.schema(schema).from("devices").select("*");
      assert.equal(error.code, "PGRST106", schema);
    }
  });

  const strangers = {
    "another tenant's owner": (headers) => userClient(stack, rival.members.eve, headers),
    "a suspended member": (headers) => userClient(stack, acme.members.sue, headers),
    "a user who belongs nowhere": (headers) => userClient(stack, NOBODY, headers),
    "an anonymous caller": (headers) => anonymousClient(stack, headers),
  };
  for (const [who, clientOf] of Object.entries(strangers)) {
    for (const names of [false, true]) {
      describe(`faces ${who}${names ? " who names it in x-tenant-id" : ""}, who`, () => {
        let client, untouched;
        before(async () => {
          client = clientOf(names ? { "x-tenant-id": acme.id } : {});
          untouched = await stateOf(acme);
        });

        test("finds nothing of it in any view", async () => {
          for (const view of views) {
            const { data, error } = await client.from(view).select("*");
            if (error) assert.equal(error.code, "42501", view);
            else assert.deepEqual(data.filter((row) => ownerOf(row) !== rival.id), [], view);
          }
        });

        test("is refused by every function", async () => {
          for (const [name, call] of Object.entries(callsOf(client, acme))) {
            const { data, error } = await call();
            // Whoever may send for a tenant of their own learns that it has no such device.
            if (name === "retention_preview" && data) {
              assert.deepEqual(data, [], "what would go is seen by its tenant alone");
            } else if (name === "events_since" && data) {
              assert.deepEqual(data.events, [], "events are followed by their tenant alone");
              assert.equal(data.newest, 0);
            } else if (data) {
              assert.deepEqual([name, data.accepted, data.rejected[0].code], [
                "ingest",
                0,
                "device.unknown",
              ]);
            } else {assert.match(
                error.code,
                /^(device\.unknown|metric\.unknown|tenancy\.(not_a_member|permission_missing)|42501)$/,
                name,
              );}
          }
        });

        test("is answered with no reading of it when asking for all there are", async () => {
          for (const question of questionsOf(client)) {
            const { data, error } = await question;
            if (error) assert.match(error.code, /^(tenancy\.permission_missing|42501)$/);
            else assert.deepEqual(data, []);
          }
        });

        test("changes nothing of it", async () => {
          for (const attempt of writesOf(client, acme)) {
            await attempt;
            const { data, error } = await attempt.select();
            assert.ok(error || data.length === 0, "a write has answered with rows");
          }
          assert.deepEqual(await stateOf(acme), untouched);
        });
      });
    }
  }
});

describe("a member of two tenants, who have devices of the same name,", () => {
  let left, right, member;

  before(async () => {
    [left, right] = [
      await addTenant(stack, "twice-left", {
        devices: ["truck-1", "only-left"],
        members: { liv: { role: "owner" } },
      }),
      await addTenant(stack, "twice-right", {
        devices: ["truck-1", "only-right"],
        members: { rio: { role: "owner" } },
      }),
    ];
    await stack.sql(
      `insert into core.members (tenant_id, user_id, role_id)
       select :'right', user_id, role_id from core.members where tenant_id = :'left'`,
      { left: left.id, right: right.id },
    );
    member = left.members.liv;
    for (const [tenant, speed, other] of [[left, 1, "only-left"], [right, 2, "only-right"]]) {
      const messages = ["truck-1", other].map((device) => ({ device, at: AT, values: { speed } }));
      const client = userClient(stack, member, { "x-tenant-id": tenant.id });
      assert.equal((await dataOf(client.rpc("ingest", { messages }))).accepted, 2);
    }
  });

  const codesOf = async (client) => {
    const answers = await Promise.all(questionsOf(client));
    return answers.map(({ error }) => error?.code);
  };
  const speedsOf = (rows) => rows.map(({ value }) => value);

  test("has to say whose readings are asked for", async () => {
    const client = userClient(stack, member);
    assert.deepEqual(await codesOf(client), Array(3).fill("tenancy.ambiguous"));
    const { error } = await client.rpc("readings", { devices: ["truck-1"], ...RANGE });
    assert.equal(error.code, "tenancy.ambiguous");
    const across = await client.rpc("latest", { devices: ["only-left", "only-right"] });
    assert.equal(across.error.code, "tenancy.ambiguous");
    const known = await dataOf(client.rpc("readings", { devices: ["only-right"], ...RANGE }));
    assert.deepEqual(speedsOf(known), [2], "a name that is there once says it, too");
  });

  test("narrows a token to one of them with x-tenant-id", async () => {
    for (const [tenant, speed, other] of [[left, 1, "only-right"], [right, 2, "only-left"]]) {
      const client = userClient(stack, member, { "x-tenant-id": tenant.id });
      const [buckets, readings, latest] = await Promise.all(questionsOf(client).map(dataOf));
      assert.deepEqual(buckets.map(({ count, min, max }) => [count, min, max]), [[
        2,
        speed,
        speed,
      ]]);
      assert.deepEqual(speedsOf(readings), [speed, speed]);
      assert.deepEqual(speedsOf(latest), [speed, speed]);
      const { error } = await client.rpc("latest", { devices: ["truck-1", other] });
      assert.equal(error.code, "device.unknown");
    }
  });

  test("widens nothing with it", async () => {
    const client = userClient(stack, right.members.rio, { "x-tenant-id": left.id });
    assert.deepEqual(await codesOf(client), Array(3).fill("tenancy.permission_missing"));
    const { error } = await client.rpc("latest", { devices: ["only-left"] });
    assert.equal(error.code, "device.unknown");
  });
});
