// Each kind of caller comes in by the wire as an application has it: users, API keys, devices with a
// token or a certificate, the service role.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import {
  addTenant,
  anonymousClient,
  clientWith,
  dataOf,
  userClient,
} from "../support/identities.mjs";
import { stack } from "../support/shared_stack.mjs";

const GATEWAY_SECRET = "a secret of the gateway";
const CERTIFICATE = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";

/** A client as the program has it that holds a key: the anon key, and its own beside it. */
const withKey = (token, headers = {}) => anonymousClient(stack, { "x-api-key": token, ...headers });

/** The answer of the REST API to one request without supabase-js. */
const curl = (path, headers, body) =>
  fetch(`${stack.env.API_URL}/rest/v1/${path}`, {
    method: body ? "POST" : "GET",
    headers: {
      apikey: stack.env.ANON_KEY,
      "accept-profile": "v1",
      "content-profile": "v1",
      "content-type": "application/json",
      ...headers,
    },
    body: body && JSON.stringify(body),
  });

describe("a caller", () => {
  let ports, owner;

  before(async () => {
    ports = await addTenant(stack, "ports", {
      devices: ["buoy-1", "buoy-2"],
      members: { olga: { role: "owner" }, vera: { role: "viewer" } },
    });
    await addTenant(stack, "straits", { devices: ["buoy-1"] });
    owner = userClient(stack, ports.members.olga);
    await stack.sql(
      `update core.tenants
       set settings = settings || jsonb_build_object('core', jsonb_build_object('client_certificates',
         jsonb_build_object('header', 'x-client-cert', 'gateway_secret_sha256', :'hash'::text)))
       where id = core.platform_tenant_id();`,
      {
        hash: Buffer.from(
          await crypto.subtle.digest("SHA-256", new TextEncoder().encode(GATEWAY_SECRET)),
        ).toString("hex"),
      },
    );
  });

  test("with an API key reads and writes what the key holds, in its tenant", async () => {
    const key = await dataOf(owner.rpc("create_api_key", { name: "Import", role: "manager" }));
    const program = withKey(key.token);
    assert.deepEqual(
      (await dataOf(program.from("devices").select("slug").order("slug"))).map(({ slug }) => slug),
      ["buoy-1", "buoy-2"],
    );
    await dataOf(program.from("devices").insert({ slug: "buoy-3" }));
    await dataOf(program.rpc("ingest", { messages: { device: "buoy-3", values: { level: 2 } } }));
    const [latest] = await dataOf(program.rpc("latest", { devices: ["buoy-3"] }));
    assert.equal(latest.value, 2);
    const { error } = await program.rpc("create_api_key", { name: "More", role: "manager" });
    assert.equal(error.code, "tenancy.permission_missing");
    await dataOf(owner.from("devices").update({ status: "decommissioned" }).eq("slug", "buoy-3"));
  });

  test("with an API key is refused from the request after its revocation on", async () => {
    const key = await dataOf(owner.rpc("create_api_key", { name: "Brief", role: "viewer" }));
    const program = withKey(key.token);
    await dataOf(program.from("devices").select("slug"));
    await dataOf(owner.rpc("revoke_api_key", { id: key.id }));
    const { error, status } = await program.from("devices").select("slug");
    assert.deepEqual([error.code, status], ["access.key_invalid", 401]);
  });

  test("with both secrets of a rotated key comes in until the overlap ends", async () => {
    const key = await dataOf(owner.rpc("create_api_key", { name: "Rotated", role: "viewer" }));
    const next = await dataOf(owner.rpc("rotate_api_key", { id: key.id, overlap: "2 seconds" }));
    for (const { token } of [key, next]) await dataOf(withKey(token).from("tenants").select());
    await new Promise((resolve) => setTimeout(resolve, 2100));
    assert.equal((await withKey(key.token).from("tenants").select()).status, 401);
    await dataOf(withKey(next.token).from("tenants").select());
  });

  test("with a key sees nothing of the tenant that its header names", async () => {
    const key = await dataOf(owner.rpc("create_api_key", { name: "Curious", role: "owner" }));
    const [{ id }] = await stack.sql(
      "select to_jsonb(tenants) from core.tenants where slug = 'straits';",
    );
    assert.deepEqual(
      await dataOf(withKey(key.token, { "x-tenant-id": id }).from("devices").select()),
      [],
    );
  });

  test("with a key and a user's token at once is refused", async () => {
    const key = await dataOf(owner.rpc("create_api_key", { name: "Twofold", role: "viewer" }));
    const both = userClient(stack, ports.members.vera, { "x-api-key": key.token });
    const { error, status } = await both.from("devices").select();
    assert.deepEqual([error.code, status], ["access.two_principals", 400]);
  });

  test("with a key leaves nothing of itself on the pooled connection", async () => {
    const key = await dataOf(owner.rpc("create_api_key", { name: "Fleeting", role: "owner" }));
    await dataOf(withKey(key.token).from("devices").select());
    const answers = await Promise.all(
      Array.from(
        { length: 40 },
        (_, turn) =>
          turn % 2
            ? withKey(key.token).from("devices").select("slug")
            : anonymousClient(stack).from("devices").select("slug"),
      ),
    );
    for (const [turn, { data, error }] of answers.entries()) {
      if (turn % 2) assert.ok(data.length >= 2);
      else assert.equal(error.code, "42501");
    }
  });

  test("that is a device sends with any of its tokens, for itself alone", async () => {
    const tokens = [];
    for (let turn = 0; turn < 2; turn++) {
      tokens.push(await dataOf(owner.rpc("add_device_credential", { device: "buoy-1" })));
    }
    for (const [turn, { token }] of tokens.entries()) {
      const answer = await curl(
        "rpc/ingest",
        { "x-api-key": token },
        { messages: { values: { level: turn } } },
      );
      assert.deepEqual([answer.status, (await answer.json()).accepted], [200, 1]);
    }
    const foreign = await withKey(tokens[0].token).rpc("ingest", {
      messages: { device: "buoy-2", values: { level: 9 } },
    });
    assert.equal(foreign.error.code, "device.not_own");
    assert.equal((await withKey(tokens[0].token).from("devices").select()).error.code, "42501");

    await dataOf(owner.rpc("revoke_device_credential", { id: tokens[0].id }));
    const send = ({ token }) =>
      withKey(token).rpc("ingest", { messages: { values: { level: 3 } } });
    assert.equal((await send(tokens[0])).error.code, "access.key_invalid");
    await dataOf(send(tokens[1]));
    await dataOf(owner.from("devices").update({ status: "suspended" }).eq("slug", "buoy-1"));
    assert.equal((await send(tokens[1])).error.code, "device.suspended");
    await dataOf(owner.from("devices").update({ status: "active" }).eq("slug", "buoy-1"));
  });

  test("that is a device is known by a certificate, if the gateway says so", async () => {
    await dataOf(owner.rpc("add_device_credential", {
      device: "buoy-2",
      kind: "certificate",
      certificate: CERTIFICATE,
    }));
    const send = (headers) => curl("rpc/ingest", headers, { messages: { values: { level: 4 } } });
    const vouched = { "x-client-cert": CERTIFICATE, "x-gateway-secret": GATEWAY_SECRET };
    assert.equal((await (await send(vouched)).json()).accepted, 1);
    const refused = {
      "access.gateway_untrusted": [
        { "x-client-cert": CERTIFICATE },
        { "x-client-cert": CERTIFICATE, "x-gateway-secret": "a guess" },
      ],
      "access.certificate_unknown": [{ ...vouched, "x-client-cert": "0".repeat(64) }],
    };
    for (const [code, attempts] of Object.entries(refused)) {
      for (const headers of attempts) {
        const answer = await send(headers);
        assert.deepEqual([answer.status, (await answer.json()).code], [401, code]);
      }
    }
  });

  test("that is the service role reaches every tenant, and writes where it says", async () => {
    const service = (headers) => clientWith(stack, { role: "service_role" }, headers);
    const tenants = await dataOf(service().from("tenants").select("slug"));
    assert.ok(["ports", "straits"].every((slug) => tenants.some((tenant) => tenant.slug === slug)));
    const { error } = await service().rpc("invite", { email: "x@example.com", role: "viewer" });
    assert.equal(error.code, "tenancy.ambiguous");
    const invitation = await dataOf(
      service({ "x-tenant-id": ports.id }).rpc("invite", {
        email: "served@example.com",
        role: "viewer",
      }),
    );
    assert.equal(invitation.tenant_id, ports.id);
  });

  test("is noted as having used a credential, by reading too", async () => {
    const key = await dataOf(owner.rpc("create_api_key", { name: "Reader", role: "viewer" }));
    await dataOf(withKey(key.token).from("devices").select());
    await stack.sql("select to_jsonb(core.record_uses());");
    const [{ last_used_at: at }] = await dataOf(
      owner.from("api_keys").select("last_used_at").eq("id", key.id),
    );
    assert.ok(Math.abs(Date.now() - Date.parse(at)) < 60_000);

    await dataOf(withKey(key.token).from("devices").select());
    await stack.sql("select to_jsonb(core.record_uses());");
    const events = await dataOf(
      owner.from("audit").select("details").eq("event", "api_key.used"),
    );
    const ofKey = events.filter(({ details }) => details.api_key_id === key.id);
    assert.equal(ofKey.length, 1, "the use of a key is a security event, once a day");
  });

  test("with what is no key is refused in the same words, whatever it is", async () => {
    const attempts = [
      "",
      "tnn_key_",
      "tnn_key_" + "0".repeat(33),
      "Bearer x",
      "'; drop table x",
      "💥",
    ]
      .map((token) => encodeURIComponent(token));
    const answers = await Promise.all(
      attempts.map(async (token) => {
        const answer = await curl("devices", { "x-api-key": token });
        return [answer.status, await answer.text()];
      }),
    );
    assert.ok(answers.every(([status, text]) => status === 401 && text === answers[0][1]));
  });
});
