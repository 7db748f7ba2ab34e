// Tenants are apart in the API: nobody sees or writes there what is not theirs. That all functions of
// v1 refuse who is not allowed to call them is tried in impersonation.test.mjs.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { addBelongings } from "../support/belongings.mjs";
import {
  addTenant,
  anonymousClient,
  clientWith,
  dataOf,
  userClient,
} from "../support/identities.mjs";
import { until } from "../support/process.mjs";
import { stack } from "../support/shared_stack.mjs";

const AT = "2025-01-01T00:00:00Z";
const RANGE = { from: "2024-01-01T00:00:00Z", to: "2026-01-01T00:00:00Z" };
const NOBODY = "00000000-0000-4000-8000-00000000dead";

/** Views that show the same to everybody, by a column of each. */
const REFERENCE = {
  custom_field_objects: "singular",
  data_map: "column_name",
  delivery_channels: "channel",
  event_types: "type",
  fields: "field",
  job_tasks: "task",
  object_fields: "field",
  permissions: "permission",
  search_fields: "field",
  template_kinds: "template",
};
/** Views that show everybody the rows of the platform, and theirs. */
const WITH_ROWS_OF_THE_PLATFORM = ["rate_limits", "roles", "template_versions"];
const PLATFORM = "00000000-0000-0000-0000-000000000000";

const LOOSENED =
  "tenant_id = core.platform_tenant_id() and action = '' and rate_limits.dimension in ('address', 'anonymous')";

/** Questions for whatever the caller may see, without naming anything. */
const questionsOf = (client) => [
  client.rpc("telemetry", { ...RANGE, bucket: "1 year", group_by: [] }),
  client.rpc("readings", RANGE),
  client.rpc("latest"),
];

/** What is planted in the views of the CRM, or written over what is there. */
const PLANTED = { object: "crm.contacts", record_id: NOBODY };
const CRM = {
  companies: { name: "planted" },
  contacts: { family_name: "planted" },
  contact_companies: { contact_id: NOBODY, company_id: NOBODY },
  contact_points: { contact_id: NOBODY, kind: "phone", value: "planted" },
  leads: { family_name: "planted" },
  products: { code: "planted", name: "planted" },
  deals: { name: "planted" },
  deal_contacts: { deal_id: NOBODY, contact_id: NOBODY, role: "planted" },
  deal_lines: { deal_id: NOBODY, name: "planted", unit_price_minor: 1 },
  activities: { type: "note", subject: "planted" },
  activity_links: { ...PLANTED, activity_id: NOBODY },
  tags: { name: "planted" },
  taggings: { ...PLANTED, tag_id: NOBODY },
  attachments: { ...PLANTED, bucket: "planted", path: "planted", name: "planted" },
  deal_forecast: { name: "planted" },
  conversions: { lead_id: NOBODY },
  timers: { ...PLANTED, timer: "planted", due_at: AT },
  pipelines: { object: "crm.deals", slug: "planted", name: "planted" },
  pipeline_versions: { pipeline_id: NOBODY, number: 9, definition: {} },
  pipeline_stages: { pipeline_id: NOBODY, stage: "planted", label: "planted" },
  stage_history: { ...PLANTED, stage: "planted" },
  assignments: { ...PLANTED, cause: "planted" },
  assignment_rules: { object: "crm.leads", name: "planted" },
  assignment_capacities: { capacity: 9 },
  service_levels: { object: "crm.leads", name: "planted" },
  service_level_states: { ...PLANTED, state: "planted" },
  segments: { object: "crm.contacts", slug: "planted", name: "planted", kind: "static" },
  segment_members: { ...PLANTED, segment_id: NOBODY },
  imports: { object: "crm.contacts", name: "planted" },
  import_errors: { code: "planted" },
  exports: { object: "crm.contacts" },
};

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
  client.from("events").insert({ tenant_id: id, number: 2, type: "core.member.left" }),
  client.from("events").update({ data: {} }).eq("tenant_id", id),
  client.from("events").delete().eq("tenant_id", id),
  client.from("deliveries").insert({ tenant_id: id, channel: "email", template: "planted" }),
  client.from("deliveries").update({ status: "queued" }).eq("tenant_id", id),
  client.from("deliveries").delete().eq("tenant_id", id),
  client.from("jobs").insert({ tenant_id: id, task: "core.verify_audit" }),
  client.from("jobs").update({ status: "cancelled" }).eq("tenant_id", id),
  client.from("jobs").delete().eq("tenant_id", id),
  client.from("job_schedules").update({ enabled: false }).eq("tenant_id", id),
  client.from("job_schedules").delete().eq("tenant_id", id),
  client.from("custom_fields").insert({ tenant_id: id, object: "crm.contacts", field: "planted" }),
  client.from("custom_fields").update({ position: 9 }).eq("tenant_id", id),
  client.from("custom_fields").delete().eq("tenant_id", id),
  client.from("delivery_alarms").update({ closed_at: AT }).eq("tenant_id", id),
  client.from("webhook_endpoints").insert({
    tenant_id: id,
    url: "https://planted.example.com/",
    event_types: ["core.member.left"],
  }),
  client.from("webhook_endpoints").update({ url: "https://taken.example.com/" })
    .eq("tenant_id", id),
  client.from("webhook_endpoints").delete().eq("tenant_id", id),
  client.from("webhook_sources").insert({
    tenant_id: id,
    name: "planted",
    scheme: "bearer",
    processor: "email_provider",
  }),
  client.from("webhook_sources").update({ disabled_at: null }).eq("tenant_id", id),
  client.from("webhook_sources").delete().eq("tenant_id", id),
  client.from("inbound_messages").update({ status: "processed" }).eq("tenant_id", id),
  client.from("inbound_messages").delete().eq("tenant_id", id),
  client.from("suppressions").insert({ tenant_id: id, channel: "email", reason: "manual" }),
  client.from("suppressions").delete().eq("tenant_id", id),
  ...Object.entries(CRM).flatMap(([view, row]) => [
    client.from(view).insert({ tenant_id: id, ...row }),
    client.from(view).update(row).eq("tenant_id", id),
    client.from(view).delete().eq("tenant_id", id),
  ]),
];

/** All rows of views as a caller finds them, in a fixed order. */
const rowsOf = async (client, views) =>
  Object.fromEntries(
    await Promise.all(views.map(async (view) => {
      const rows = await dataOf(client.from(view).select("*"));
      // How long a record has been in its stage grows by itself.
      if (view === "stage_history") rows.forEach((row) => delete row.seconds);
      return [view, rows.map((row) => JSON.stringify(row)).sort()];
    })),
  );

const ownerOf = (row) => row.tenant_id ?? row.id;

describe("a tenant", () => {
  let acme, rival, ada;
  /** All views of v1 that have rows of tenants, so that one which is added later is tried too. */
  let views;
  /** The platform's limits, as they were. */
  let limits;

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
    await addBelongings(ada, "apart", {
      device: "truck-1",
      userId: acme.members.ada,
      service: clientWith(stack, { role: "service_role" }),
    });
    // What no client can bring about.
    await stack.sql(
      `insert into core.delivery_alarms (tenant_id, channel, waiting_since, threshold, closed_at)
       values (:'acme', 'email', now(), '1 hour', now());
       insert into core.provider_states (
           tenant_id, provider_message_id, status, status_at, delivery_tenant_id, delivery_id
       )
       select tenant_id, id::text, 'delivered', now(), tenant_id, id
       from core.deliveries where tenant_id = :'acme' limit 1;`,
      { acme: acme.id },
    );
    // What works in the background comes to rest, so that nothing changes by itself below.
    await until("the background is at rest", async () => {
      const [open] = await stack.sql(
        "select to_json(count(*)) from core.jobs where tenant_id = :'acme' and finished_at is null",
        { acme: acme.id },
      );
      return open === 0;
    });
    // Whoever looks into every view asks more than a person does, and from one address.
    limits = await stack.sql(`select to_json(rate_limits) from core.rate_limits where ${LOOSENED}`);
    await stack.sql(`update core.rate_limits set limits = '500000/1m' where ${LOOSENED}`);
    views = (await stack.sql(`
      select to_json(relname) from pg_class
      where relnamespace = 'v1'::regnamespace and relkind in ('v', 'm', 'r')
    `)).filter((view) => !(view in REFERENCE));
  });

  after(() =>
    stack.sql(
      `update core.rate_limits set limits = former.limits
       from jsonb_to_recordset(:'limits') as former (dimension text, limits text)
       where ${LOOSENED} and rate_limits.dimension = former.dimension`,
      { limits },
    )
  );

  test("is seen by its owner, who sees no other", async () => {
    for (const view of views) {
      const rows = await dataOf(ada.from(view).select("*"));
      const owners = new Set(rows.map(ownerOf));
      if (WITH_ROWS_OF_THE_PLATFORM.includes(view)) owners.delete(PLATFORM);
      assert.deepEqual([...owners], [acme.id], `${view}, which is to prove something below`);
    }
    const question = { devices: ["truck-1"], metrics: ["apart_speed"], ...RANGE };
    const [{ count, last }] = await dataOf(
      ada.rpc("telemetry", { ...question, bucket: "1 year" }),
    );
    assert.deepEqual([count, last], [1, 50]);
    for (const question of questionsOf(ada)) assert.equal((await dataOf(question)).length, 1);
  });

  test("is seen through v1 alone", async () => {
    for (const schema of ["core", "iot", "tenon", "auth", "public"]) {
      const { error } = await ada.schema(schema).from("devices").select("*");
      assert.equal(error.code, "PGRST106", schema);
    }
  });

  test("changes nothing of what is everybody's", async () => {
    for (const [view, column] of Object.entries(REFERENCE)) {
      const writes = [
        ada.from(view).insert({ [column]: "planted" }),
        ada.from(view).update({ [column]: "planted" }).neq(column, "planted"),
        ada.from(view).delete().neq(column, "planted"),
      ];
      for (const { error } of await Promise.all(writes)) assert.equal(error?.code, "42501", view);
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
          untouched = await rowsOf(ada, views);
        });

        test("finds nothing of it in any view", async () => {
          for (const view of views) {
            const { data, error } = await client.from(view).select("*");
            if (error) assert.equal(error.code, "42501", view);
            else {
              const open = WITH_ROWS_OF_THE_PLATFORM.includes(view)
                ? [rival.id, PLATFORM]
                : [rival.id];
              assert.deepEqual(data.filter((row) => !open.includes(ownerOf(row))), [], view);
            }
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
          assert.deepEqual(await rowsOf(ada, views), untouched);
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
