// Signatures of webhooks against the public library of the standard, and messages over HTTP.
import assert from "node:assert/strict";
import { createHmac, randomBytes, randomUUID } from "node:crypto";
import { before, describe, test } from "node:test";
import { Webhook } from "standardwebhooks";
import {
  addTenant,
  anonymousClient,
  clientWith,
  dataOf,
  userClient,
} from "../support/identities.mjs";
import { stack } from "../support/shared_stack.mjs";

const now_s = () => Math.floor(Date.now() / 1000);

describe("signatures of webhooks", () => {
  const messages = Array.from({ length: 50 }, (_, number) => ({
    secret: `whsec_${randomBytes(24 + (number % 41)).toString("base64")}`,
    id: randomUUID(),
    body: JSON.stringify({ number, text: `“ä” \\ ${randomBytes(number * 5).toString("base64")}` }),
  }));

  test("are verified by the library of the standard", async () => {
    const at_s = now_s();
    const signatures = await stack.sql(
      `select to_json(tenon.webhook_sign(array[secret], id, to_timestamp(:'at_s'), body))
       from rows from (jsonb_to_recordset(:'messages') as (secret text, id text, body text))
         with ordinality as message (secret, id, body, position)
       order by position`,
      { at_s: String(at_s), messages },
    );
    for (const [place, { secret, id, body }] of messages.entries()) {
      const headers = {
        "webhook-id": id,
        "webhook-timestamp": String(at_s),
        "webhook-signature": signatures[place],
      };
      assert.deepEqual(new Webhook(secret).verify(body, headers), JSON.parse(body));
      assert.throws(() => new Webhook(secret).verify(`${body} `, headers), /No matching/);
    }
  });

  test("of the library are verified by the database, and no others", async () => {
    const at = new Date(now_s() * 1000);
    const sent = messages.flatMap(({ secret, id, body }) => {
      const signature = new Webhook(secret).sign(id, at, body);
      return [
        { secret, id, body, signature, holds: true },
        { secret, id, body: `${body} `, signature, holds: false },
        { secret, id: `${id}x`, body, signature, holds: false },
        { secret: messages[0].secret, id, body, signature, holds: secret === messages[0].secret },
      ];
    });
    const verdicts = await stack.sql(
      `select json_build_array(holds, tenon.webhook_verify(
         array[secret], id, :'at_s', signature, body, to_timestamp(:'at_s')))
       from jsonb_to_recordset(:'sent')
         as message (secret text, id text, body text, signature text, holds boolean)`,
      { at_s: String(at.getTime() / 1000), sent },
    );
    assert.equal(verdicts.length, 200);
    for (const [holds, verdict] of verdicts) assert.equal(verdict, holds ? null : "no_match");
  });
});

describe("a webhook that arrives", () => {
  let ada, vic, service, source;
  const body = '{"type": "email.opened", "created_at": "2026-01-01T00:00:00Z"}';
  const receive = (client, headers, sent = body) =>
    client.rpc("receive_webhook", { source: source.id, headers, body: sent });
  const signed = (id) => {
    const at = new Date(now_s() * 1000);
    return {
      "svix-id": id,
      "svix-timestamp": String(at.getTime() / 1000),
      "svix-signature": new Webhook(source.secret).sign(id, at, body),
    };
  };

  before(async () => {
    const acme = await addTenant(stack, "inbound-acme", {
      members: { ada: { role: "owner" }, vic: { role: "viewer" } },
    });
    ada = userClient(stack, acme.members.ada);
    vic = userClient(stack, acme.members.vic);
    service = clientWith(stack, { role: "service_role" });
    source = await dataOf(ada.rpc("create_webhook_source", {
      name: "Mail",
      scheme: "standard",
      processor: "email_provider",
    }));
  });

  test("is stored once, and those who manage webhooks see it", async () => {
    const headers = signed("msg_1");
    assert.equal((await dataOf(receive(service, headers))).duplicate, false);
    assert.equal((await dataOf(receive(service, headers))).duplicate, true);
    const messages = await dataOf(ada.from("inbound_messages").select("external_id,body,headers"));
    assert.deepEqual(messages.map(({ external_id, body }) => [external_id, body]), [
      ["msg_1", body],
    ]);
    assert.equal(messages[0].headers["svix-signature"], undefined);
    assert.deepEqual(await dataOf(vic.from("inbound_messages").select("*")), []);
  });

  test("is refused with a status and a code, which are counted", async () => {
    const headers = signed("msg_2");
    for (
      const [tried, sent, status, code] of [
        [headers, `${body} `, 400, "inbound.signature_invalid"],
        [{ ...headers, "svix-id": "msg_3" }, body, 400, "inbound.signature_invalid"],
        [{}, body, 400, "inbound.signature_missing"],
        [{ ...headers, "svix-timestamp": "1" }, body, 400, "inbound.timestamp_invalid"],
        [headers, "x".repeat(1_048_577), 413, "inbound.message_too_large"],
      ]
    ) {
      const answer = await receive(service, tried, sent);
      assert.deepEqual([answer.status, answer.error?.code], [status, code]);
    }
    const [{ refused_count }] = await dataOf(ada.from("webhook_sources").select("refused_count"));
    assert.equal(refused_count, 5);
  });

  test("is taken from servers of ours alone", async () => {
    for (const client of [anonymousClient(stack), ada, vic]) {
      const { error } = await receive(client, signed("msg_4"));
      assert.equal(error?.code, "42501");
    }
  });

  test("may be signed with an HMAC of its body", async () => {
    const hub = await dataOf(ada.rpc("create_webhook_source", {
      name: "Code",
      scheme: "hmac_sha256",
      processor: "email_provider",
      signature_header: "X-Hub-Signature-256",
      prefix: "sha256=",
    }));
    const signature = createHmac("sha256", hub.secret).update(body).digest("hex");
    const answer = await dataOf(service.rpc("receive_webhook", {
      source: hub.id,
      headers: { "x-hub-signature-256": `sha256=${signature}` },
      body,
    }));
    assert.equal(answer.duplicate, false);
  });
});
