// Webhooks are told of each event exactly once and in order, whatever happens to those who fan out,
// and what they are sent is what a library of others verifies.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, test } from "node:test";
import pg from "pg";
import { Webhook, WebhookVerificationError } from "standardwebhooks";
import { addTenant } from "./support/identities.mjs";
import { Stack } from "./support/stack.mjs";

const TYPES = ["core.webhooks.struck", "core.webhooks.stopped", "core.webhooks.wound"];
const stack = new Stack("webhooks");
const sessions = [];
const tenants = {};

const connect = async () => {
  const session = new pg.Client(stack.env.DB_URL);
  // Sessions are killed here, and the server with them.
  session.on("error", () => {});
  await session.connect();
  sessions.push(session);
  return session;
};
/** One value, asked as a member of a tenant. */
const askAs = async (session, tenant, expression, values) => {
  const claims = JSON.stringify({ role: "authenticated", sub: tenant.members.owner });
  await session.query("begin");
  try {
    await session.query("select set_config('request.jwt.claims', $1, true)", [claims]);
    await session.query("set local role authenticated");
    const { rows: [{ answer }] } = await session.query(`select ${expression} as answer`, values);
    await session.query("commit");
    return answer;
  } catch (error) {
    await session.query("rollback").catch(() => {});
    throw error;
  }
};
const emit = (session, tenant, type, data) =>
  session.query("select core.emit($1, $2, 'clock', null, $3)", [tenant.id, type, data]);
const createEndpoint = (session, tenant, name, types, condition = null) =>
  askAs(session, tenant, "v1.create_webhook_endpoint($1, $2, $3)", [
    `https://${name}.example.com/`,
    types,
    condition,
  ]);

/** Numbers of events that an endpoint is sent, as they were put into the outbox. */
const sentTo = async (session, { id }) =>
  (await session.query(
    "select event_number::integer as number from core.deliveries " +
      "where endpoint_id = $1 order by position",
    [id],
  )).rows.map(({ number }) => number);
/** Numbers of the events that it should be sent: the oracle reads events, and no cursor. */
const wantedBy = async (session, tenant, { fanned_out_number: from }, types, wanted) =>
  (await session.query(
    "select number::integer, type, data from core.events " +
      "where tenant_id = $1 and number > $2 order by number",
    [tenant.id, from],
  )).rows.filter(({ type, data }) => types.includes(type) && wanted(data)).map(({ number }) =>
    number
  );
const fanOutAll = async (session) => {
  for (let rounds = 0; rounds < 1_000; rounds += 1) {
    const { rows: [{ left }] } = await session.query("select core.fan_out_events() as left");
    if (left === "0") return;
  }
  assert.fail("there is always something left");
};

before(async () => {
  await stack.up("database");
  for (const slug of ["ringing", "chiming"]) {
    tenants[slug] = await addTenant(stack, slug, { members: { owner: { role: "owner" } } });
  }
  await stack.sql(
    `insert into core.event_types (type, description)
     select type, 'For tests.' from unnest('{${TYPES}}'::text[]) as type;`,
  );
});
after(async () => {
  for (const session of sessions) session.connection.stream.destroy();
  await stack.down();
});

test("every event is sent once to every endpoint that wants it, in order, while sessions are killed and endpoints change", async () => {
  const WRITERS = 5, TRANSACTIONS = 60, FANNERS = 4;
  const admin = await connect();
  const LATE = { field: "data.hour", op: ">=", value: 12 };
  const endpoints = [];
  for (const tenant of Object.values(tenants)) {
    const add = async (types, condition, wanted) => {
      const endpoint = await createEndpoint(admin, tenant, "all", types, condition);
      endpoints.push({ tenant, endpoint, types, wanted });
    };
    await add(TYPES, null, () => true);
    await add(TYPES.slice(0, 2), null, () => true);
    await add(TYPES, LATE, ({ hour }) => hour >= 12);
  }

  let writing = WRITERS;
  let killed = 0;
  let fanned = 0;
  const fanners = Array.from({ length: FANNERS }, async () => {
    let session = await connect();
    let quiet = 0;
    while (writing > 0 || quiet < 3) {
      try {
        await session.query("begin");
        const { rows: [{ left }] } = await session.query("select core.fan_out_events(50) as left");
        // What a worker does in the same transaction, during which it may be killed.
        await sleep(Math.random() * 8);
        await session.query(Math.random() < 0.1 ? "rollback" : "commit");
        quiet = left === "0" ? quiet + 1 : 0;
        fanned += Number(left);
      } catch (error) {
        assert.ok(error.code === "57P01" || !error.code, `only being killed: ${error.message}`);
        session = await connect();
      }
    }
  });
  const killer = (async () => {
    while (writing > 0) {
      await sleep(40);
      const { rows } = await admin.query(
        "select pg_terminate_backend(pid) from pg_stat_activity " +
          "where query like '%fan_out_events%' and pid <> pg_backend_pid() " +
          "order by random() limit 1",
      );
      killed += rows.length;
    }
  })();
  // Endpoints are changed and made meanwhile.
  const changer = (async () => {
    const session = await connect();
    while (writing > 0) {
      const { tenant, endpoint } = endpoints[Math.floor(Math.random() * endpoints.length)];
      await askAs(session, tenant, "v1.update_webhook_endpoint($1, $2)", [endpoint.id, {
        description: String(Math.random()),
        max_concurrency: 1 + Math.floor(Math.random() * 50),
      }]);
      if (endpoints.length < 14) {
        const made = await createEndpoint(session, tenant, "made", TYPES);
        endpoints.push({ tenant, endpoint: made, types: TYPES, wanted: () => true });
      }
      await sleep(Math.random() * 30);
    }
  })();
  await Promise.all(Array.from({ length: WRITERS }, async () => {
    const session = await connect();
    for (let transaction = 0; transaction < TRANSACTIONS; transaction += 1) {
      await session.query("begin");
      for (let event = 0; event < 1 + Math.floor(Math.random() * 3); event += 1) {
        for (const tenant of Object.values(tenants)) {
          const hour = Math.floor(Math.random() * 24);
          await emit(session, tenant, TYPES[hour % 3], hour % 5 ? { hour } : {});
        }
        await sleep(Math.random() * 8);
      }
      await session.query(Math.random() < 0.2 ? "rollback" : "commit");
    }
    writing -= 1;
  }));
  await Promise.all([killer, changer, ...fanners]);
  const kills = killed;
  // Nothing is left that nobody would come back for.
  await fanOutAll(admin);
  assert.ok(kills > 5 && fanned > 500, `${kills} kills, ${fanned} events`);
  for (const { tenant, endpoint, types, wanted } of endpoints) {
    const sent = await sentTo(admin, endpoint);
    assert.deepEqual(sent, await wantedBy(admin, tenant, endpoint, types, wanted));
    assert.ok(sent.length > 0);
  }
  const { rows: [{ marks }] } = await admin.query(
    "select count(*) as marks from core.webhook_marks",
  );
  assert.equal(marks, "0");
});

test("an endpoint that is made while events commit is told of those after it, and of none before", async () => {
  const [maker, writer, other] = [await connect(), await connect(), await connect()];
  const tenant = await addTenant(stack, "tolling", { members: { owner: { role: "owner" } } });
  for (const isolation of ["read committed", "repeatable read"]) {
    // The writer began before, and commits after the endpoint is there.
    await writer.query(`begin isolation level ${isolation}`);
    await writer.query("select pg_current_snapshot()");
    const endpoint = await createEndpoint(maker, tenant, "made", TYPES);
    await fanOutAll(other);
    await emit(writer, tenant, TYPES[0], { hour: 1 });
    const committed = await writer.query("commit").then(() => true, ({ code }) => code);
    assert.equal(committed, isolation === "read committed" ? true : "40001");
    await fanOutAll(other);
    const told = await sentTo(other, endpoint);
    assert.equal(told.length, committed === true ? 1 : 0);
  }
  // The writer has its number, and has not committed.
  await writer.query("begin");
  await emit(writer, tenant, TYPES[0], { hour: 1 });
  await writer.query("set constraints all immediate");
  const making = createEndpoint(maker, tenant, "made", TYPES);
  const isFirst = await Promise.race([making.then(() => false), sleep(200).then(() => true)]);
  assert.ok(isFirst, "the endpoint waits for the writer");
  await writer.query("commit");
  const endpoint = await making;
  await fanOutAll(other);
  assert.deepEqual(await sentTo(other, endpoint), []);
});

test("enabling, changing and deleting endpoints never stands in a circle with workers", async () => {
  const ROUNDS = 40;
  const tenant = await addTenant(stack, "circling", { members: { owner: { role: "owner" } } });
  const setup = await connect();
  const endpoints = [];
  for (let place = 0; place < 4; place += 1) {
    endpoints.push(await createEndpoint(setup, tenant, `e${place}`, TYPES));
  }
  let changing = 3;
  let sent = 0;
  const refusals = [];
  const attempt = (work) => work().catch(({ code, message }) => refusals.push(code + message));
  const worker = async () => {
    const session = await connect();
    while (changing > 0) {
      await attempt(() =>
        session.query("select core.claim_deliveries('webhook', 20, 'test', 30)").then(
          async ({ rows: [{ claim_deliveries: requests }] }) => {
            sent += requests.length;
            const results = requests.map(({ tenant_id, id, lease }) => ({
              tenant_id,
              id,
              lease,
              // Gone disables the endpoint, which is an event.
              outcome: { status_code: Math.random() < 0.1 ? 410 : 200, delivered: true },
            })).map((result) =>
              result.outcome.status_code === 410
                ? { ...result, outcome: { status_code: 410, delivered: false, phase: "response" } }
                : result
            );
            await session.query("select core.finish_deliveries($1)", [JSON.stringify(results)]);
          },
        )
      );
    }
  };
  const workers = Array.from({ length: 3 }, worker);
  await Promise.all(Array.from({ length: 3 }, async () => {
    const session = await connect();
    for (let round = 0; round < ROUNDS; round += 1) {
      await attempt(() => emit(session, tenant, TYPES[round % 3], { hour: round }));
      const { id } = endpoints[Math.floor(Math.random() * endpoints.length)];
      const action = ["enable", "enable", "disable"][Math.floor(Math.random() * 3)];
      await attempt(() => askAs(session, tenant, `v1.${action}_webhook_endpoint($1)`, [id]));
      if (round % 10 === 0) {
        await attempt(async () => {
          const made = await createEndpoint(session, tenant, "gone", TYPES);
          await askAs(session, tenant, "v1.delete_webhook_endpoint($1)", [made.id]);
        });
      }
    }
    changing -= 1;
  }));
  await Promise.all(workers);
  assert.deepEqual(refusals, []);
  assert.ok(sent > 20, `${sent} requests`);
});

test("what is sent is verified by the library of Standard Webhooks, with both secrets while they overlap", async () => {
  const session = await connect();
  const tenant = await addTenant(stack, "signing", { members: { owner: { role: "owner" } } });
  const endpoint = await createEndpoint(session, tenant, "signed", TYPES);
  await emit(session, tenant, TYPES[0], { hour: 23, text: "Grüße, “€” \u{1F514}" });
  await fanOutAll(session);
  const request = async () =>
    (await session.query(
      "select core.webhook_request(deliveries, clock_timestamp()) as request " +
        "from core.deliveries where endpoint_id = $1 order by position limit 1",
      [endpoint.id],
    )).rows[0].request;
  const first = await request();
  const verified = new Webhook(endpoint.secret).verify(first.body, first.headers);
  assert.equal(verified.type, TYPES[0]);
  assert.deepEqual(verified.data.data, { hour: 23, text: "Grüße, “€” \u{1F514}" });
  assert.ok(Buffer.byteLength(first.body) < 20_000);

  const { secret } = await askAs(session, tenant, "v1.rotate_webhook_secret($1)", [endpoint.id]);
  const second = await request();
  assert.equal(second.body, first.body, "each attempt has the same bytes");
  assert.equal(second.headers["webhook-id"], first.headers["webhook-id"]);
  for (const valid of [secret, endpoint.secret]) {
    new Webhook(valid).verify(second.body, second.headers);
  }
  assert.throws(
    () => new Webhook(secret).verify(first.body, first.headers),
    WebhookVerificationError,
  );
  assert.throws(
    () => new Webhook(secret).verify(second.body.replace("23", "22"), second.headers),
    WebhookVerificationError,
  );
});

test("an endpoint that fails is known to, and a success ends that", async () => {
  const session = await connect();
  const tenant = await addTenant(stack, "failing", { members: { owner: { role: "owner" } } });
  const endpoint = await createEndpoint(session, tenant, "failing", TYPES);
  const attempt = async (outcome) => {
    await emit(session, tenant, TYPES[0], {});
    // What other tests have left comes first.
    for (let hasCome = false, rounds = 0; !hasCome; rounds += 1) {
      assert.ok(rounds < 100, "it comes");
      const { rows: [{ claim_deliveries: requests }] } = await session.query(
        "select core.claim_deliveries('webhook', 500, 'test', 30)",
      );
      hasCome = requests.some(({ endpoint_id }) => endpoint_id === endpoint.id);
      const results = requests.map(({ tenant_id, id, lease, endpoint_id }) => ({
        tenant_id,
        id,
        lease,
        outcome: endpoint_id === endpoint.id ? outcome : { delivered: true, status_code: 200 },
      }));
      await session.query("select core.finish_deliveries($1)", [JSON.stringify(results)]);
    }
    const { rows: [state] } = await session.query(
      "select status, disabled_reason, failing_since is not null as fails " +
        "from core.webhook_endpoints where id = $1",
      [endpoint.id],
    );
    return state;
  };
  const works = { status: "enabled", disabled_reason: null, fails: false };
  const broken = { delivered: false, status_code: 503, phase: "response" };
  assert.deepEqual(await attempt(broken), { ...works, fails: true });
  assert.deepEqual(await attempt({ delivered: true, status_code: 204 }), works);
  await attempt(broken);
  await session.query(
    "update core.webhook_endpoints set failing_since = now() - interval '5 days' where id = $1",
    [endpoint.id],
  );
  assert.deepEqual(await attempt(broken), {
    status: "disabled",
    disabled_reason: "failing",
    fails: true,
  });
});
