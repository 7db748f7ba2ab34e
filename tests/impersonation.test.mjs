// A stranger with a valid token tries everything that a client can say, aimed at a tenant that is not
// theirs: nothing is seen, nothing changes, and no answer tells what exists there.
//
// What is secret in the tenant under attack has "marker" in its name, which no request says, so that
// one look at an answer tells whether something has leaked.
import assert from "node:assert/strict";
import { createHmac, randomUUID } from "node:crypto";
import { request } from "node:http";
import { after, before, describe, test } from "node:test";
import { sign } from "../scripts/token.mjs";
import { addBelongings } from "./support/belongings.mjs";
import { addTenant, clientWith, dataOf, deviceClient, userClient } from "./support/identities.mjs";
import { Stack } from "./support/stack.mjs";

const SCHEMAS = [
  "core",
  "iot",
  "tenon",
  "auth",
  "hooks",
  "public",
  "extensions",
  "pg_catalog",
  "information_schema",
  "realtime",
  "storage",
];
const NOBODY = "00000000-0000-4000-8000-00000000dead";
const RANGE = { from: "2024-01-01T00:00:00Z", to: "2026-01-01T00:00:00Z" };

const stack = new Stack("impersonation");
/** The tenants: under attack, the attacker's, and one that is suspended. */
let acme, rival, halted;
/** Things of acme by what they are, with their ids. */
let things;

before(async () => {
  await stack.up("database");
  for (const service of ["rest", "gateway"]) await stack.start(service);
  // This test asks more than a person does, and from one address.
  await stack.sql("delete from core.rate_limits where tenant_id = core.platform_tenant_id()");
  acme = await addTenant(stack, "acme", {
    devices: ["marker-truck", "common-truck"],
    members: {
      ada: { role: "owner" },
      vic: { role: "viewer" },
      sue: { role: "owner", status: "suspended" },
    },
  });
  rival = await addTenant(stack, "rival", {
    devices: ["van-1", "common-truck"],
    members: { eve: { role: "owner" }, rob: { role: "viewer" } },
  });
  halted = await addTenant(stack, "halted", {
    devices: ["van-2"],
    members: { hal: { role: "owner" } },
  });
  await stack.sql(
    `update core.tenants set name = 'Marker Acme', settings = '{"secret": "marker"}' where id = :'acme';
     update core.tenants set status = 'suspended' where id = :'halted';`,
    { acme: acme.id, halted: halted.id },
  );
  const ada = userClient(stack, acme.members.ada);
  const belongings = await addBelongings(ada, "marker", {
    device: "marker-truck",
    userId: acme.members.vic,
    service: clientWith(stack, { role: "service_role" }),
  });
  const child = await dataOf(
    ada.rpc("create_tenant", { slug: "marker-child", name: "M", parent_id: acme.id }),
  );
  things = { ...belongings, child: child.id };
});
after(() => stack.down());

/** One request as it goes over the wire, with headers that may repeat; status 0 where it was cut off. */
const raw = (path, { method = "GET", headers = {}, body } = {}) =>
  new Promise((resolve, reject) => {
    const sent = request(`${stack.env.API_URL}/rest/v1/${path}`, { method, headers }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk) => (text += chunk));
      answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, text }));
      answer.on("error", reject);
    });
    sent.on("error", (error) => resolve({ status: 0, headers: {}, text: error.message }));
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });

const PROFILE = {
  "accept-profile": "v1",
  "content-profile": "v1",
  "content-type": "application/json",
};
/** Headers of the attacker, who owns a tenant and is signed in. */
const asEve = (headers = {}) => ({
  ...PROFILE,
  authorization: `Bearer ${
    sign({ role: "authenticated", sub: rival.members.eve }, stack.env.JWT_SECRET)
  }`,
  ...headers,
});
const withToken = (token) => ({ ...PROFILE, authorization: `Bearer ${token}` });

function assertTellsNothing({ text, headers }, what) {
  assert.doesNotMatch(text, /marker/i, what);
  assert.ok(!text.includes(acme.id) || what.includes(acme.id), `${what}: ${text.slice(0, 300)}`);
  assert.doesNotMatch(JSON.stringify(headers), /marker/i, what);
}

/** All rows of a tenant in every table that has rows of tenants. */
let tables;
async function stateOf(tenant) {
  tables ??= await stack.sql(`
    select json_build_array(classes.oid::regclass::text, attributes.attname)
    from pg_class as classes
    inner join pg_attribute as attributes on attributes.attrelid = classes.oid
    where classes.relnamespace in ('core'::regnamespace, 'crm'::regnamespace, 'iot'::regnamespace)
      and classes.relkind in ('r', 'p') and not classes.relispartition
      and attributes.attname = case classes.relname when 'tenants' then 'id' else 'tenant_id' end
      and classes.oid::regclass::text not in ('core.idempotency_keys', 'core.rate_buckets', 'core.audit_entries')
    order by classes.oid::regclass::text
  `);
  const parts = tables.map(([table, key]) =>
    `select '${table}' as name, to_jsonb(t) - 'last_used_at' as content from ${table} as t where t.${key} = :'id'`
  );
  return stack.sql(
    `select json_build_array(name, content) from (${
      parts.join(" union all ")
    }) as rows order by name, content::text`,
    { id: tenant.id },
  );
}

/** Views that clients read, from the catalogue, so that one which is added later is tried too. */
const views = () =>
  stack.sql(
    "select to_json(relname) from pg_class where relnamespace = 'v1'::regnamespace and relkind = 'v'",
  );

describe("a token", () => {
  const seen = async (headers) => raw("tenants?select=slug", { headers });

  test("is worth what its subject is worth, whatever else it claims", async () => {
    const lies = {
      tenant_id: acme.id,
      tenant: acme.id,
      active_tenant_id: acme.id,
      tenants: [acme.id],
      permissions: ["core.tenants.read"],
      app_metadata: { role: "service_role", tenant_id: acme.id, roles: ["owner"] },
      user_metadata: { role: "service_role", is_admin: true },
      user_role: "owner",
      kind: "service",
      device_id: acme.devices["marker-truck"],
      "tenon.caller_kind": "service",
      aal: "aal2",
      is_anonymous: false,
    };
    const token = sign(
      { ...lies, role: "authenticated", sub: rival.members.eve },
      stack.env.JWT_SECRET,
    );
    const answer = await seen(withToken(token));
    assert.deepEqual(JSON.parse(answer.text), [{ slug: "rival" }]);
  });

  test("is refused when it is forged, outdated or of a role that is nobody's to claim", async () => {
    const claims = { role: "authenticated", sub: acme.members.ada, aud: "authenticated" };
    const encoded = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const now = Math.floor(Date.now() / 1000);
    const body = encoded({ ...claims, exp: now + 3600 });
    const signed = (head, secret) => {
      const unsigned = `${encoded(head)}.${body}`;
      return `${unsigned}.${createHmac("sha256", secret).update(unsigned).digest("base64url")}`;
    };
    const forged = {
      "of no algorithm": `${encoded({ alg: "none", typ: "JWT" })}.${body}.`,
      "of None": `${encoded({ alg: "None", typ: "JWT" })}.${body}.`,
      "of another secret": sign(claims, "0".repeat(64)),
      "of an empty secret": signed({ alg: "HS256", typ: "JWT" }, ""),
      "of another algorithm": signed({ alg: "RS256", typ: "JWT" }, stack.env.JWT_SECRET),
      "without a signature": `${encoded({ alg: "HS256", typ: "JWT" })}.${body}`,
      "that has expired": sign(claims, stack.env.JWT_SECRET, -3600),
      "with another body": sign({ role: "anon" }, stack.env.JWT_SECRET).replace(
        /\..*\./,
        `.${body}.`,
      ),
      "that is no token": "marker",
    };
    for (
      const role of [
        "postgres",
        "supabase_admin",
        "authenticator",
        "tenon_bridge",
        "supabase_auth_admin",
        "pg_read_all_data",
        "none",
        "",
      ]
    ) {
      forged[`of the role ${role}`] = sign({ ...claims, role }, stack.env.JWT_SECRET);
    }
    for (const [what, token] of Object.entries(forged)) {
      const answer = await seen(withToken(token));
      assert.ok(answer.status >= 400, `a token ${what}: ${answer.status} ${answer.text}`);
      assertTellsNothing(answer, what);
    }
  });

  test("without a user's id, or with one that is none, is nobody's", async () => {
    for (const sub of [undefined, "", "ada", NOBODY, `${acme.members.ada} `, [acme.members.ada]]) {
      const token = sign({ role: "authenticated", sub }, stack.env.JWT_SECRET);
      const answer = await seen(withToken(token));
      if (answer.status < 400) assert.equal(answer.text, "[]", `sub ${sub}`);
      assertTellsNothing(answer, `sub ${sub}`);
    }
  });
});

describe("a header", () => {
  test("x-tenant-id opens no tenant, however it is written", async () => {
    const id = acme.id;
    const values = [
      id,
      id.toUpperCase(),
      `{${id}}`,
      id.replaceAll("-", ""),
      `${rival.id},${id}`,
      `${rival.id}, ${id}`,
      [rival.id, id],
      [id, rival.id],
      ` ${id} `,
      `${id}\t`,
      `urn:uuid:${id}`,
      "*",
      "null",
      "acme",
      `'${id}'`,
      `["${id}"]`,
      "00000000-0000-0000-0000-000000000000",
      "x".repeat(4096),
    ];
    for (const name of ["x-tenant-id", "X-Tenant-Id", "X-TENANT-ID", "x_tenant_id"]) {
      for (const value of values) {
        const headers = asEve({ [name]: value });
        for (
          const path of ["tenants?select=name", "devices?select=slug", "members?select=user_id"]
        ) {
          const answer = await raw(path, { headers });
          assertTellsNothing(answer, `${name}: ${value}`);
          if (answer.status < 400) {
            for (const row of JSON.parse(answer.text)) {
              assert.ok(
                ["Rival", "van-1", "common-truck", rival.members.eve, rival.members.rob].includes(
                  Object.values(row)[0],
                ),
                `${name}: ${value}: ${answer.text}`,
              );
            }
          }
        }
      }
    }
  });

  test("of another name makes nobody another caller", async () => {
    const claims = JSON.stringify({ role: "service_role" });
    const tries = [
      { role: "service_role" },
      { "x-role": "service_role" },
      { "request.jwt.claims": claims },
      { "x-jwt-claims": claims },
      { "tenon.caller_kind": "service" },
      { "x-forwarded-user": acme.members.ada },
      { "x-user-id": acme.members.ada },
      { "x-client-cert": "00" },
      { prefer: `handling=strict, role=service_role, search_path=core` },
      { prefer: "tx=commit, timezone=';set role postgres;--" },
      { "x-api-key": "tnn_key_marker" },
      { "x-api-key": "" },
      { "idempotency-key": "a" },
      { range: "0-99999999999999999999" },
      { "range-unit": "items", range: "-1--5" },
    ];
    for (const headers of tries) {
      const answer = await raw("tenants?select=name", { headers: asEve(headers) });
      if (answer.status < 400) {
        assert.deepEqual(JSON.parse(answer.text), [{ name: "Rival" }], JSON.stringify(headers));
      } else assertTellsNothing(answer, JSON.stringify(headers));
    }
    const long = await raw("tenants?select=name", {
      headers: asEve({ "x-long": "x".repeat(60_000) }),
    });
    assert.ok([0, 200, 400, 413, 431].includes(long.status), `${long.status}`);
    const after = await raw("tenants?select=name", { headers: asEve() });
    assert.equal(after.text, '[{"name":"Rival"}]', "and nothing of it stays for the next request");
  });
});

test("no schema but v1 is reached, and no function of another", async () => {
  for (const schema of SCHEMAS) {
    for (const path of ["tenants", "members", "users", "pg_authid", "api_key_secrets"]) {
      const read = await raw(path, { headers: asEve({ "accept-profile": schema }) });
      assert.ok(read.status >= 400, `${schema}.${path}: ${read.status}`);
      const write = await raw(path, {
        method: "POST",
        headers: asEve({ "content-profile": schema }),
        body: { id: randomUUID() },
      });
      assert.ok(write.status >= 400, `${schema}.${path}: ${write.status}`);
    }
    const called = await raw("rpc/tenants_with", {
      method: "POST",
      headers: asEve({ "content-profile": schema, "accept-profile": schema }),
      body: { permission: "core.tenants.read" },
    });
    assert.ok(called.status >= 400, `${schema}: ${called.status}`);
  }
  const internal = await stack.sql(`
    select to_json(proname) from pg_proc
    where pronamespace in ('core'::regnamespace, 'crm'::regnamespace, 'iot'::regnamespace)
      and proname not in (select proname from pg_proc where pronamespace = 'v1'::regnamespace)
    group by proname
  `);
  for (
    const name of [
      ...internal,
      "set_config",
      "pg_sleep",
      "current_setting",
      "core.emit",
      "lo_import",
    ]
  ) {
    const answer = await raw(`rpc/${name}`, { method: "POST", headers: asEve(), body: {} });
    assert.ok(answer.status >= 400, `${name}: ${answer.status} ${answer.text}`);
    assertTellsNothing(answer, name);
  }
});

describe("questions about others' rows", () => {
  const queries = (id) => [
    "select=*",
    "select=*&limit=1000000000",
    "select=*&limit=9223372036854775808",
    "select=*&offset=9223372036854775807",
    "select=*&limit=-1&offset=-1",
    `select=*&tenant_id=eq.${id}`,
    `select=*&tenant_id=in.(${id},${rival.id})`,
    `select=*&or=(tenant_id.eq.${id},tenant_id.not.is.null)`,
    `select=*&tenant_id=not.eq.${rival.id}`,
    `select=*&not.and=(tenant_id.eq.${rival.id})`,
    "select=count()",
    "select=tenant_id,count()",
    "select=tenant_id.count()",
    "select=*,tenants(*)",
    "select=*,members(*)",
    "select=*,devices(*)",
    "select=*,roles(*,role_permissions(*))",
    "select=*,core_tenants:tenants!inner(name)",
    "select=settings->>secret",
    "select=settings->secret&settings->>secret=not.is.null",
    "select=*&settings->>secret=like.*a*",
    "select=*&permissions->>x=is.null",
    "select=token_hash",
    "select=name::text,tenant_id::text",
    "select=*&order=(select name from core.tenants limit 1)",
    "select=*;select * from core.tenants",
    "select=name&name=like.*%25*&name=not.eq.x' or '1'='1",
    "select=*&slug=match..*",
    "select=*&slug=fts.truck",
  ];

  test("are answered with nothing, in every view and form", async () => {
    for (const view of await views()) {
      for (const query of queries(acme.id)) {
        for (const headers of [asEve(), asEve({ prefer: "count=exact", "x-tenant-id": acme.id })]) {
          const answer = await raw(`${view}?${encodeURI(query)}`, { headers });
          assert.doesNotMatch(
            answer.text,
            /marker/i,
            `${view}?${query}: ${answer.text.slice(0, 300)}`,
          );
          if (answer.status < 400 && query.startsWith("select=*") && answer.text.startsWith("[{")) {
            const owners = JSON.parse(answer.text).map((row) => row.tenant_id ?? row.id);
            assert.ok(!owners.includes(acme.id), `${view}?${query}`);
          }
        }
      }
    }
  });

  test("are counted as nothing", async () => {
    for (const view of await views()) {
      for (const count of ["exact", "planned", "estimated"]) {
        const answer = await raw(`${view}?tenant_id=eq.${acme.id}`, {
          method: "HEAD",
          headers: asEve({ prefer: `count=${count}` }),
        });
        // What a planner guesses comes from statistics of the whole table; it must not be exact.
        if (count === "exact" && answer.status < 400) {
          assert.match(answer.headers["content-range"] ?? "*/0", /\/(0|\*)$/, view);
        }
      }
    }
  });
});

test("writes aimed at another tenant change nothing, and bring nothing back", async () => {
  const untouched = [await stateOf(acme), await stateOf(rival)];
  const device = rival.devices["van-1"];
  const bodies = {
    devices: [
      { tenant_id: acme.id, slug: "planted" },
      { tenant_id: acme.id, id: device, slug: "van-1" },
      { tenant_id: acme.id, slug: "marker-truck", name: "taken" },
      [{ tenant_id: rival.id, slug: "bulk-1" }, { tenant_id: acme.id, slug: "bulk-2" }],
      { slug: "x", created_by: acme.members.ada },
      { slug: "x", number: 1 },
    ],
    metrics: [{ tenant_id: acme.id, name: "planted" }],
    tenants: [{ id: randomUUID(), slug: "planted", name: "P", parent_id: acme.id }],
    members: [{ tenant_id: acme.id, user_id: rival.members.eve, role: "owner" }],
    roles: [{ tenant_id: acme.id, slug: "planted", name: "P" }],
    teams: [{ tenant_id: acme.id, slug: "planted", name: "P" }],
    invitations: [{ tenant_id: acme.id, email: "eve@rival.example" }],
    api_keys: [{ tenant_id: acme.id, name: "P" }],
    retention_policies: [{ tenant_id: acme.id, raw_days: 1 }],
    email_domain_rules: [{ tenant_id: acme.id, domain: "evil.example", effect: "allow" }],
    rate_limits: [{ tenant_id: acme.id, dimension: "tenant", limits: "1/1h" }],
    device_credentials: [{ tenant_id: acme.id, device_id: device, kind: "token" }],
    events: [{ tenant_id: acme.id, type: "core.member.left" }],
  };
  const prefers = [
    "return=representation",
    "return=representation, resolution=merge-duplicates",
    "return=headers-only, resolution=ignore-duplicates",
    "return=minimal, tx=commit",
    "return=representation, missing=default",
  ];
  for (const view of await views()) {
    for (const tenant of [undefined, acme.id, rival.id]) {
      for (const prefer of prefers) {
        const headers = asEve({ prefer, ...(tenant && { "x-tenant-id": tenant }) });
        for (const body of bodies[view] ?? [{ tenant_id: acme.id }]) {
          const what = `${view} ${prefer} ${JSON.stringify(body)}`;
          for (
            const path of [
              view,
              `${view}?on_conflict=tenant_id,slug`,
              `${view}?columns=tenant_id,slug`,
            ]
          ) {
            // A row without a tenant is one of the own, which is no matter here.
            if (!JSON.stringify(body).includes(acme.id) && path.includes("columns")) continue;
            const answer = await raw(path, { method: "POST", headers, body });
            assert.ok(answer.status >= 400, `${what}: ${answer.status}`);
            assertTellsNothing(answer, what);
          }
        }
        const key = view === "tenants" ? "id" : "tenant_id";
        for (const filter of [`${key}=eq.${acme.id}`, `${key}=neq.${rival.id}`]) {
          const changes = { name: "taken", status: "suspended", unit: "km", effect: "allow" };
          for (const [column, value] of Object.entries(changes)) {
            const answer = await raw(`${view}?${filter}`, {
              method: "PATCH",
              headers,
              body: { [column]: value },
            });
            if (answer.status < 300) {
              assert.ok(["", "[]"].includes(answer.text), `${view} ${answer.text}`);
            }
            assertTellsNothing(answer, `${view} ${filter} ${column}`);
          }
          const gone = await raw(`${view}?${filter}`, { method: "DELETE", headers });
          if (gone.status < 300) assert.ok(["", "[]"].includes(gone.text), `${view} ${gone.text}`);
          assertTellsNothing(gone, `${view} ${filter}`);
        }
        // One's own rows do not go to another tenant either.
        const moved = await raw(`${view}?${key}=eq.${rival.id}`, {
          method: "PATCH",
          headers,
          body: { [key]: acme.id },
        });
        assert.ok(moved.status >= 400, `${view} moved: ${moved.status} ${moved.text}`);
        assertTellsNothing(moved, `${view} moved`);
      }
    }
  }
  assert.deepEqual([await stateOf(acme), await stateOf(rival)], untouched);
});

describe("what exists elsewhere and what does not exist", () => {
  /** The answer without what the request itself said. */
  const answerOf = async (path, body, said, headers = {}) => {
    const answer = await raw(path, {
      method: body ? "POST" : "GET",
      headers: asEve({ ...headers }),
      body,
    });
    const told = said.reduce((text, word) => text.replaceAll(word, "#"), answer.text);
    return { status: answer.status, told };
  };

  test("are answered alike", async () => {
    const made = randomUUID();
    const { ada, vic } = acme.members;
    const team = (id) => ["rpc/save_team", { slug: "t", name: "T", user_ids: [id] }];
    const calls = {
      "a member to remove": [(id) => ["rpc/remove_member", { user_id: id }], ada],
      "a member to suspend": [(id) => ["rpc/suspend_member", { user_id: id }], vic],
      "a member to resume": [(id) => ["rpc/resume_member", { user_id: id }], acme.members.sue],
      "a member's role": [(id) => ["rpc/set_member_role", { user_id: id, role: "viewer" }], vic],
      "an heir": [(id) => ["rpc/transfer_ownership", { user_id: id }], ada],
      "somebody for a team": [team, vic],
      "an invitation": [(id) => ["rpc/revoke_invitation", { id }], things.invitation.id],
      "a key to rotate": [(id) => ["rpc/rotate_api_key", { id }], things.key],
      "a key to revoke": [(id) => ["rpc/revoke_api_key", { id }], things.key],
      "a credential": [(id) => ["rpc/revoke_device_credential", { id }], things.credential],
      "a job to cancel": [(id) => ["rpc/cancel_job", { id }], things.job],
      "a job to retry": [(id) => ["rpc/retry_job", { id }], things.job],
      "a tenant to leave": [(id) => ["rpc/leave_tenant", { tenant_id: id }], acme.id],
      "a tenant to suspend": [(id) => ["rpc/suspend_tenant", { tenant_id: id }], acme.id],
      "a tenant below to suspend": [
        (id) => ["rpc/suspend_tenant", { tenant_id: id }],
        things.child,
      ],
      "a tenant to resume": [(id) => ["rpc/resume_tenant", { tenant_id: id }], halted.id],
      "a tenant to close": [(id) => ["rpc/close_tenant", { tenant_id: id }], acme.id],
      "a tenant to move": [
        (id) => ["rpc/move_tenant", { tenant_id: id, parent_id: rival.id }],
        acme.id,
      ],
      "a tenant below to move": [
        (id) => ["rpc/move_tenant", { tenant_id: id, parent_id: rival.id }],
        things.child,
      ],
      "a tenant to move to": [
        (id) => ["rpc/move_tenant", { tenant_id: rival.id, parent_id: id }],
        acme.id,
      ],
      "a tenant to found below": [
        (id) => ["rpc/create_tenant", { slug: "below", name: "B", parent_id: id }],
        acme.id,
      ],
      "a tenant to work in": [(id) => ["rpc/set_active_tenant", { tenant_id: id }], acme.id],
      "access to a tenant": [
        (id) => ["rpc/explain_access", { permission: "core.tenants.read", tenant_id: id }],
        acme.id,
      ],
      "access of somebody": [
        (id) => ["rpc/explain_access", {
          permission: "core.tenants.read",
          tenant_id: rival.id,
          user_id: id,
        }],
        ada,
      ],
      "access of somebody elsewhere": [
        (id) => ["rpc/explain_access", {
          permission: "core.tenants.read",
          tenant_id: id,
          user_id: ada,
        }],
        acme.id,
      ],
      "a role": [(slug) => ["rpc/delete_role", { slug }], "marker_role", "made_up_role"],
      "a role to give": [
        (role) => ["rpc/set_member_role", { user_id: rival.members.rob, role }],
        "marker_role",
        "made_up_role",
      ],
      "a role to invite into": [
        (role) => ["rpc/invite", { email: "x@rival.example", role }],
        "marker_role",
        "made_up_role",
      ],
      "a team": [(slug) => ["rpc/delete_team", { slug }], "marker-team", "made-up-team"],
      "an invitation's token": [
        (token) => ["rpc/accept_invitation", { token }],
        things.invitation.token,
        "tnn_inv_0000000000000000000000000000",
      ],
      "a device to read": [
        (slug) => ["rpc/latest", { devices: [slug] }],
        "marker-truck",
        "made-up-truck",
      ],
      "a device to give a token": [
        (device) => ["rpc/add_device_credential", { device }],
        "marker-truck",
        "made-up-truck",
      ],
      "a metric": [
        (metric) => ["rpc/set_retention", { metric, raw_days: 9 }],
        "marker_speed",
        "made_up_speed",
      ],
      "a tenant to add a device to": [(id) => ["devices", { tenant_id: id, slug: "d" }], acme.id],
      "somebody's data to export": [(id) => ["rpc/export_person", { user_id: id }], ada],
      "somebody's data to erase": [(id) => ["rpc/erase_person", { user_id: id }], ada],
      "a consent to withdraw": [
        (email) => ["rpc/withdraw_consent", { purpose: "newsletter", source: "s", email }],
        "person@marker.example",
        "person@made-up.example",
      ],
      "who exported whom": [
        (email) => ["rpc/exports_of", { email }],
        "person@marker.example",
        "person@made-up.example",
      ],
      "who was erased": [
        (email) => ["rpc/erasures_of", { email }],
        "erased@marker.example",
        "erased@made-up.example",
      ],
      "a hold to release": [(id) => ["rpc/release_legal_hold", { id }], things.hold],
      "a device's history": [
        (id) => ["rpc/history", { table_name: "iot.devices", record: { id } }],
        acme.devices["marker-truck"],
      ],
      "a record to open": [
        (id) => ["rpc/open_record", { table_name: "iot.devices", id, reason: "a reason" }],
        acme.devices["marker-truck"],
      ],
      "a record to mark": [
        (id) => ["rpc/mark_sensitive", { table_name: "iot.devices", id, reason: "a reason" }],
        acme.devices["marker-truck"],
      ],
      "a delivery to cancel": [(id) => ["rpc/cancel_delivery", { id }], things.delivery],
      "a delivery to repeat": [(id) => ["rpc/replay_delivery", { id }], things.delivery],
      "a webhook to change": [
        (id) => ["rpc/update_webhook_endpoint", { id, changes: { description: "taken" } }],
        things.webhook,
      ],
      "a webhook to enable": [(id) => ["rpc/enable_webhook_endpoint", { id }], things.webhook],
      "a webhook to disable": [(id) => ["rpc/disable_webhook_endpoint", { id }], things.webhook],
      "a webhook to delete": [(id) => ["rpc/delete_webhook_endpoint", { id }], things.webhook],
      "a webhook's secret": [(id) => ["rpc/rotate_webhook_secret", { id }], things.webhook],
      "a webhook to test": [(id) => ["rpc/send_test_webhook", { id }], things.webhook],
      "a webhook to replay": [
        (id) => ["rpc/replay_webhooks", { endpoint_id: id, from_number: 1 }],
        things.webhook,
      ],
      "a source to enable": [
        (id) => ["rpc/enable_webhook_source", { id, enabled: true }],
        things.source,
      ],
      "a source to delete": [(id) => ["rpc/delete_webhook_source", { id }], things.source],
      "a message to process": [(id) => ["rpc/process_message_again", { id }], things.source],
      "an address that is suppressed": [
        (address) => ["rpc/lift_suppression", { channel: "email", address }],
        "person@marker.example",
        "person@made-up.example",
      ],
      "a record's moves": [(subject) => ["rpc/allowed_moves", { subject }], things.moving],
      "a record to move": [
        (subject) => ["rpc/move", { subject, to: "won", expected_version: 1 }],
        things.moving,
      ],
      "records to move": [(id) => ["rpc/move_many", { subjects: [id], to: "won" }], things.moving],
      "a pipeline to publish": [
        (pipeline) => ["rpc/publish_pipeline", { pipeline, number: 1 }],
        things.pipeline,
      ],
      "a pipeline to draw": [(pipeline) => ["rpc/pipeline_diagram", { pipeline }], things.pipeline],
      "a pipeline to migrate": [
        (pipeline) => ["rpc/migrate_pipeline", { pipeline }],
        things.pipeline,
      ],
      "a pipeline to begin in": [
        (pipeline) => ["rpc/set_default_pipeline", { pipeline }],
        things.pipeline,
      ],
      "a pipeline to archive": [
        (pipeline) => ["rpc/archive_pipeline", { pipeline }],
        things.pipeline,
      ],
      "a pipeline's times": [(pipeline) => ["rpc/time_in_stage", { pipeline }], things.pipeline],
      "a pipeline for a deal": [
        (pipeline_id) => ["deals", { name: "d", currency: "EUR", pipeline_id }],
        things.pipeline,
      ],
      "a pipeline to report on": [
        (pipeline) => ["rpc/funnel", { ...RANGE, pipeline }],
        things.pipeline,
      ],
      "a lead to convert": [
        (lead_id) => ["rpc/convert_lead", { lead_id, expected_version: 1 }],
        things.lead,
      ],
      "a lead to preview": [(lead_id) => ["rpc/preview_conversion", { lead_id }], things.lead],
      "a conversion to undo": [
        (conversion_id) => ["rpc/undo_conversion", { conversion_id }],
        things.conversion,
      ],
      "a segment's records": [
        (segment_id) => ["rpc/segment_records", { segment_id }],
        things.segment,
      ],
      "a segment to delete": [
        (segment_id) => ["rpc/delete_segment", { segment_id }],
        things.segment,
      ],
      "a segment to add to": [
        (segment_id) => ["rpc/add_to_segment", { segment_id, record_ids: [NOBODY] }],
        things.segment,
      ],
      "a record's segments": [
        (record_id) => ["rpc/in_segments", { object: "crm.contacts", record_id }],
        things.contact,
      ],
      "a record to assign": [
        (record_id) => ["rpc/assign", { object: "crm.leads", record_id }],
        things.lead,
      ],
      "a record's assignment": [
        (record_id) => ["rpc/explain_assignment", { object: "crm.leads", record_id }],
        things.lead,
      ],
      "a rule to delete": [(id) => ["rpc/delete_assignment_rule", { id }], things.rule],
      "a level to delete": [(id) => ["rpc/delete_service_level", { id }], things.level],
      "an activity to finish": [(id) => ["rpc/finish_activity", { id }], things.activity],
      "a record's timeline": [
        (record_id) => ["rpc/timeline", { object: "crm.contacts", record_id }],
        things.contact,
      ],
      "a record's fields": [
        (record_id) => ["rpc/field_history", { object: "crm.contacts", record_id }],
        things.contact,
      ],
      "a record for an activity": [
        (record_id) => ["rpc/add_activity", {
          type: "note",
          subject: "n",
          links: [{ object: "crm.contacts", record_id }],
        }],
        things.contact,
      ],
      "a record to tag": [
        (record_id) => ["taggings", { tag_id: NOBODY, object: "crm.contacts", record_id }],
        things.contact,
      ],
      "a tag": [
        (tag_id) => ["taggings", { tag_id, object: "crm.contacts", record_id: NOBODY }],
        things.tag,
      ],
      "a company for a contact": [
        (company_id) => ["contacts", { family_name: "c", company_id }],
        things.company,
      ],
      "an import to run": [(import_id) => ["rpc/run_import", { import_id }], things.import],
      "an import's errors": [
        (import_id) => ["rpc/import_errors_csv", { import_id }],
        things.import,
      ],
      "a custom field": [
        (field) => ["rpc/archive_custom_field", { object: "crm.contacts", field }],
        "marker",
        "made_up",
      ],
      "a word to find": [(query) => ["rpc/search", { query }], "marker", "made_up"],
      "a row to read": [(id) => [`tenants?id=eq.${id}`], acme.id],
      "a tenant's devices": [(id) => [`devices?tenant_id=eq.${id}`], acme.id],
    };
    for (const [what, [call, existing, missing = made]] of Object.entries(calls)) {
      const there = await answerOf(...spread(call(existing)), [existing]);
      const nowhere = await answerOf(...spread(call(missing)), [missing]);
      assert.deepEqual(there, nowhere, what);
    }
    for (const path of ["tenants", "devices", "members", "rpc/my_access", "rpc/latest"]) {
      const body = path.startsWith("rpc") ? {} : undefined;
      assert.deepEqual(
        await answerOf(path, body, [acme.id], { "x-tenant-id": acme.id }),
        await answerOf(path, body, [made], { "x-tenant-id": made }),
        `${path} of a tenant that the header names`,
      );
    }
  });
  const spread = ([path, body]) => [path, body];
  /** Views with numbers that begin at 1 in each tenant or record. */
  const COUNTED = ["events", "pipeline_versions"];

  test("have no numbers that could be counted through", async () => {
    for (const view of await views()) {
      const { text } = await raw(`${view}?select=number`, { headers: asEve() });
      if (!COUNTED.includes(view)) assert.doesNotMatch(text, /"number":/, view);
    }
    const versions = await dataOf(
      userClient(stack, rival.members.eve).from("pipeline_versions").select("number"),
    );
    assert.ok(
      versions.every(({ number }) => number === 1),
      "versions are counted in each pipeline",
    );
    const events = JSON.parse(
      (await raw("events?select=number,tenant_id", { headers: asEve() })).text,
    );
    const others = events.filter(({ tenant_id }) => tenant_id !== rival.id);
    assert.deepEqual(others, [], "events are counted in each tenant from 1");
  });
});

describe("every function of v1", () => {
  /** How each is called, aimed at acme, and what it needs; open: what it answers to everybody. */
  const calls = () => ({
    activity_report: { args: { from: "2024-01-01", to: "2026-01-01" }, reads: true },
    accept_invitation: { args: { token: things.invitation.token }, open: "invitation.invalid" },
    add_activity: {
      args: {
        type: "note",
        subject: "planted",
        links: [{ object: "crm.leads", record_id: things.lead }],
      },
    },
    add_device_credential: { args: { device: "marker-truck" } },
    archive_custom_field: { args: { object: "crm.contacts", field: "marker" } },
    assign: { args: { object: "crm.leads", record_id: things.lead } },
    add_import_rows: { args: { import_id: things.import, number: 2, csv: "planted\n" } },
    audit_checkpoint: { args: {} },
    board: { args: {}, reads: true },
    cancel_delivery: { args: { id: things.delivery } },
    cancel_job: { args: { id: things.job } },
    check_import: { args: { import_id: things.import } },
    claim_deliveries: { args: { channel: "email" } },
    clear_rate_limit: { args: { dimension: "tenant" } },
    clear_retention: { args: { metric: "marker_speed" } },
    close_tenant: { args: { tenant_id: acme.id } },
    create_api_key: { args: { name: "Planted", role: "viewer" } },
    create_tenant: { args: { slug: "planted", name: "Planted", parent_id: acme.id } },
    create_webhook_endpoint: {
      args: { url: "https://planted.example.com/", event_types: ["core.member.left"] },
    },
    custom_fields_schema: { args: { object: "crm.contacts" }, reads: true },
    delete_brand: { args: { slug: "default" } },
    create_webhook_source: {
      args: { name: "planted", scheme: "bearer", processor: "email_provider" },
    },
    delete_custom_field: {
      args: { object: "crm.contacts", field: "marker", confirm: "marker" },
    },
    delete_assignment_rule: { args: { id: things.rule } },
    delete_service_level: { args: { id: things.level } },
    delete_job_schedule: { args: { name: "marker" } },
    delete_role: { args: { slug: "marker_role" } },
    delete_team: { args: { slug: "marker-team" } },
    delete_webhook_endpoint: { args: { id: things.webhook } },
    delete_webhook_source: { args: { id: things.source } },
    disable_webhook_endpoint: { args: { id: things.webhook } },
    delivery_summary: { args: {}, open: [], reads: true },
    enable_job_schedule: { args: { name: "marker", enabled: false } },
    enqueue_job: { args: { task: "core.verify_audit" } },
    export_csv: { args: { object: "crm.contacts" } },
    import_errors_csv: { args: { import_id: things.import }, reads: true },
    map_import: { args: { import_id: things.import, mapping: {} } },
    propose_import_mapping: {
      args: { object: "crm.contacts", header: ["name"] },
      reads: true,
    },
    run_import: { args: { import_id: things.import } },
    start_import: { args: { object: "crm.contacts", name: "planted" } },
    undo_import: { args: { import_id: things.import } },
    enable_webhook_endpoint: { args: { id: things.webhook } },
    enable_webhook_source: { args: { id: things.source, enabled: false } },
    erase_person: { args: { user_id: acme.members.ada, dry_run: false } },
    erasures_of: { args: { email: "erased@marker.example" }, open: [] },
    explain_assignment: {
      args: { object: "crm.leads", record_id: things.lead },
      reads: true,
    },
    finish_activity: { args: { id: things.activity, outcome: "planted" } },
    preview_assignment: { args: { object: "crm.leads" } },
    save_assignment_capacity: {
      args: { team_id: things.team, user_id: acme.members.ada, capacity: 0 },
    },
    save_assignment_rule: {
      args: { object: "crm.leads", name: "planted", user_id: acme.members.ada },
    },
    save_service_level: {
      args: { object: "crm.leads", name: "planted", kind: "next_step", within_s: 60 },
    },
    timeline: { args: { object: "crm.leads", record_id: things.lead }, reads: true },
    events_since: { args: { after: 0 }, reads: true },
    explain_access: {
      args: { permission: "core.tenants.own", tenant_id: acme.id },
      open: { allowed: false },
      reads: true,
    },
    ingest: {
      args: { messages: { device: "common-truck", at: "2025-01-01T00:00:00Z", values: { x: 1 } } },
    },
    export_audit: { args: {} },
    forecast: { args: { from: "2024-01-01", to: "2026-01-01" }, reads: true },
    funnel: { args: RANGE, reads: true },
    field_history: {
      args: { object: "crm.contacts", record_id: things.job },
      open: "record.not_found",
      reads: true,
    },
    finish_deliveries: { args: { results: [] } },
    pause_channel: { args: { channel: "email", reason: "planted" } },
    pause_deliveries: { args: { reason: "planted" } },
    replay_deliveries: { args: { status: "dead" } },
    replay_delivery: { args: { id: things.delivery } },
    resume_channel: { args: { channel: "email" } },
    resume_deliveries: { args: {} },
    export_me: { args: {}, open: "privacy.person_unknown", self: true },
    export_person: { args: { user_id: acme.members.ada } },
    exports_of: { args: { email: "person@marker.example" }, open: [] },
    history: {
      args: { table_name: "iot.devices", record: { id: acme.devices["marker-truck"] } },
      open: [],
    },
    insert_once: {
      args: { into_view: "devices", rows: [{ tenant_id: acme.id, slug: "planted" }] },
    },
    invite: { args: { email: "planted@acme.example", role: "viewer" } },
    latest: { args: { devices: ["marker-truck"] }, reads: true },
    lift_suppression: { args: { channel: "email", address: "person@marker.example" } },
    leave_tenant: { args: { tenant_id: acme.id }, open: "member.unknown", self: true },
    mark_sensitive: {
      args: { table_name: "iot.devices", id: acme.devices["marker-truck"], reason: "none" },
    },
    move_tenant: { args: { tenant_id: acme.id, parent_id: rival.id } },
    process_message_again: { args: { id: things.source } },
    receive_webhook: { args: { source: things.source, headers: {}, body: "" } },
    suppress_address: { args: { channel: "email", address: "planted@marker.example" } },
    my_access: { args: {}, open: [], reads: true },
    open_record: {
      args: { table_name: "iot.devices", id: acme.devices["marker-truck"], reason: "none" },
    },
    add_to_segment: { args: { segment_id: things.segment, record_ids: [things.lead] } },
    convert_lead: { args: { lead_id: things.lead, expected_version: 1 } },
    delete_segment: { args: { segment_id: things.segment } },
    in_segments: { args: { object: "crm.leads", record_id: things.lead }, reads: true },
    preview_conversion: { args: { lead_id: things.lead }, reads: true },
    preview_segment: {
      args: {
        object: "crm.contacts",
        condition: { field: "name", op: "is_not_null" },
      },
      reads: true,
    },
    remove_from_segment: { args: { segment_id: things.segment, record_ids: [things.lead] } },
    save_segment: {
      args: { object: "crm.contacts", slug: "planted", name: "planted", kind: "static" },
    },
    segment_count: { args: { segment_id: things.segment }, reads: true },
    segment_fields: { args: { object: "crm.contacts" }, reads: true },
    segment_records: { args: { segment_id: things.segment }, reads: true },
    undo_conversion: { args: { conversion_id: things.conversion } },
    preview_template: { args: { template: "crm.task_due" } },
    publish_template: { args: { template: "crm.task_due", language: "en" } },
    readings: { args: { devices: ["marker-truck"], ...RANGE }, reads: true },
    record_consent: {
      args: { purpose: "newsletter", source: "planted", email: "person@marker.example" },
    },
    release_legal_hold: { args: { id: things.hold } },
    remove_member: { args: { user_id: acme.members.ada } },
    resume_member: { args: { user_id: acme.members.sue } },
    resume_tenant: { args: { tenant_id: acme.id } },
    retention_preview: { args: {}, open: [], reads: true },
    revert_template: { args: { template: "crm.task_due", language: "en", version: 1 } },
    revoke_api_key: { args: { id: things.key } },
    revoke_device_credential: { args: { id: things.credential } },
    retry_job: { args: { id: things.job } },
    revoke_invitation: { args: { id: things.invitation.id } },
    rotate_api_key: { args: { id: things.key } },
    replay_webhooks: { args: { endpoint_id: things.webhook, from_number: 1 } },
    rotate_webhook_secret: { args: { id: things.webhook } },
    save_custom_field: {
      args: {
        object: "crm.contacts",
        field: "planted",
        definition: { type: "text", label: "Planted" },
      },
    },
    save_role: { args: { slug: "planted", name: "P", permissions: [] } },
    save_team: { args: { slug: "planted", name: "P" } },
    send_test_webhook: { args: { id: things.webhook } },
    save_template: {
      args: { template: "crm.task_due", language: "en", subject: "planted", text: "planted" },
    },
    send_test_email: { args: { template: "crm.task_due" } },
    set_active_tenant: { args: { tenant_id: acme.id }, open: "tenancy.not_a_member", self: true },
    set_brand: { args: { name: "Planted" } },
    set_legal_hold: {
      args: { reason: "planted, to be in the way", email: "person@marker.example" },
    },
    set_member_role: { args: { user_id: acme.members.vic, role: "admin" } },
    search: { args: { query: "marker" }, open: [], reads: true },
    allowed_moves: { args: { subject: things.moving }, reads: true },
    archive_pipeline: { args: { pipeline: things.pipeline } },
    check_pipeline: { args: { object: "crm.deals", definition: {} }, reads: true },
    migrate_pipeline: { args: { pipeline: things.pipeline, dry_run: false } },
    move: { args: { subject: things.moving, to: "won", expected_version: 1 } },
    move_many: { args: { subjects: [things.moving], to: "won" }, open: { moved: 0 } },
    pipeline_diagram: { args: { pipeline: things.pipeline }, reads: true },
    publish_pipeline: { args: { pipeline: things.pipeline, number: 1 } },
    save_pipeline: {
      args: { object: "crm.deals", slug: "planted", name: "planted", definition: {} },
    },
    set_default_pipeline: { args: { pipeline: things.pipeline } },
    time_in_stage: { args: { pipeline: things.pipeline }, open: [], reads: true },
    set_job_schedule: {
      args: { name: "planted", task: "core.verify_audit", expression: "@daily" },
    },
    set_rate_limit: { args: { dimension: "tenant", limits: "1/1h" } },
    set_retention: { args: { metric: "marker_speed", raw_days: 1 } },
    suspend_member: { args: { user_id: acme.members.ada } },
    suspend_tenant: { args: { tenant_id: acme.id } },
    telemetry: { args: { devices: ["marker-truck"], ...RANGE, bucket: "1 year" }, reads: true },
    transfer_ownership: { args: { user_id: acme.members.vic } },
    update_webhook_endpoint: {
      args: { id: things.webhook, changes: { url: "https://taken.example.com/" } },
    },
    verify_audit: { args: {} },
    win_loss: { args: { from: "2024-01-01", to: "2026-01-01" }, reads: true },
    withdraw_consent: {
      args: { purpose: "newsletter", source: "planted", email: "person@marker.example" },
    },
  });
  const LACKING =
    /^(tenancy\.permission_missing|device\.unknown|device\.credential_unknown|delivery\.unknown|import\.unknown|segment\.not_found|pipeline\.unknown|conversion\.not_found|sensitive\.not_found|metric\.unknown|record\.not_found|42501)$/;

  test("is tried below", async () => {
    const functions = await stack.sql(
      "select to_json(proname) from pg_proc where pronamespace = 'v1'::regnamespace group by proname",
    );
    const untried = functions.filter((name) => !(name in calls()));
    assert.deepEqual(untried, []);
  });

  test("but ingest is closed to anonymous callers and devices", async () => {
    const [open] = await stack.sql(`
      select json_object_agg(role, names) from (
        select role, array_agg(proname order by proname) filter (
          where has_function_privilege(role, pg_proc.oid, 'execute')) as names
        from pg_proc cross join unnest(array['anon', 'tenon_device']) as role
        where pronamespace = 'v1'::regnamespace group by role
      ) as granted
    `);
    assert.deepEqual(open, { anon: null, tenon_device: ["ingest"] });
  });

  const outsiders = {
    "a stranger": () => [rival.members.eve, {}],
    "a stranger who names the tenant": () => [rival.members.eve, { "x-tenant-id": acme.id }],
    "a user without a tenant": () => [NOBODY, {}],
    "a suspended member": () => [acme.members.sue, {}],
    "a suspended member who names the tenant": () => [acme.members.sue, { "x-tenant-id": acme.id }],
    "a member of a suspended tenant": () => [halted.members.hal, {}],
    "a member without the permission": () => [acme.members.vic, {}],
    "an anonymous caller": () => [null, { "x-tenant-id": acme.id }],
    "a device": () => ["device", {}],
  };
  for (const [who, identify] of Object.entries(outsiders)) {
    test(`refuses ${who}`, async () => {
      const untouched = await stateOf(acme);
      const [id, headers] = identify();
      const client = id === "device"
        ? deviceClient(stack, rival, "common-truck")
        : id
        ? userClient(stack, id, headers)
        : clientWith(stack, null, headers);
      const isMember = who === "a member without the permission";
      for (const [name, { args, open, reads, self }] of Object.entries(calls())) {
        if (who === "a stranger" && !JSON.stringify(args).match(/[0-9a-f-]{36}|tnn_/)) continue;
        if (who === "a device" && name === "ingest") continue;
        if (isMember && (reads || self)) continue;
        if (who.startsWith("a suspended member") && name === "leave_tenant") continue;
        const { data, error } = await client.rpc(name, args);
        const what = `${name}: ${error?.code ?? JSON.stringify(data)}`;
        if (error) {
          const closed = id === null || id === "device";
          assert.ok(
            closed ? error.code === "42501" : LACKING.test(error.code) || error.code === open ||
              (who === "a stranger" && /^[a-z_]+\.([a-z]+_)?(unknown|invalid)$/.test(error.code)),
            what,
          );
          assert.doesNotMatch(
            JSON.stringify(error).replaceAll(/marker[-_](truck|speed|role|team)/g, ""),
            /marker/i,
            what,
          );
        } else if (Array.isArray(open)) {
          const ofAcme = data.filter(({ tenant_id = acme.id }) => tenant_id === acme.id);
          assert.deepEqual(ofAcme, [], what);
        } else if (open?.allowed === false) assert.equal(data.allowed, false, what);
        else if (open?.moved === 0) {
          assert.equal(data.moved, 0, what);
          assert.doesNotMatch(what, /marker/i);
          for (const { error } of data.outcomes) assert.match(error.code, LACKING, what);
        } else if (name === "ingest") assert.equal(data.accepted, 0, what);
        else assert.fail(what);
      }
      assert.deepEqual(await stateOf(acme), untouched);
    });
  }
});
