// Who may start a drain.
import assert from "node:assert/strict";
import { keyOfCaller, keysFrom } from "./caller.ts";
import { environment, forgedToken } from "./testing/environment.ts";

const KEYS = ["service-key", "sb_secret_one"];
const shown = (headers: Record<string, string>) =>
  keyOfCaller(new Request("http://functions/", { headers }), KEYS);

Deno.test("a key of the service role is accepted in either header", () => {
  assert.equal(shown({ authorization: "Bearer service-key" }), "service-key");
  assert.equal(shown({ authorization: "bearer sb_secret_one" }), "sb_secret_one");
  assert.equal(shown({ apikey: "sb_secret_one" }), "sb_secret_one");
});

Deno.test("everybody else is refused", () => {
  assert.equal(shown({}), null);
  for (
    const token of [
      "service-ke",
      "service-keyy",
      "SERVICE-KEY",
      "",
      "sb_publishable_one",
      forgedToken({ role: "anon" }),
      forgedToken({ role: "authenticated", user_metadata: { role: "service_role" } }),
      forgedToken({ role: ["service_role"] }),
      "a.b.c",
      "..",
    ]
  ) {
    assert.equal(shown({ authorization: `Bearer ${token}` }), null, token);
    assert.equal(shown({ apikey: token }), null, token);
  }
  assert.equal(shown({ authorization: "Basic service-key" }), null);
});

Deno.test("no key known means no key accepted", () => {
  const request = new Request("http://functions/", { headers: { authorization: "Bearer " } });
  assert.equal(keyOfCaller(request, keysFrom(environment({}))), null);
  assert.equal(
    keyOfCaller(request, keysFrom(environment({ SUPABASE_SERVICE_ROLE_KEY: "" }))),
    null,
  );
});

Deno.test("a token that says service_role is passed on to be verified, as it is", () => {
  const token = forgedToken({ role: "service_role" });
  assert.equal(shown({ authorization: `Bearer ${token}` }), token);
});

Deno.test("Supabase's older and newer keys are both known", () => {
  assert.deepEqual(
    keysFrom(environment({
      SUPABASE_SERVICE_ROLE_KEY: "old",
      SUPABASE_SECRET_KEYS: '{"default": "sb_secret_a", "other": "sb_secret_b"}',
    })),
    ["old", "sb_secret_a", "sb_secret_b"],
  );
  assert.deepEqual(
    keysFrom(environment({ SUPABASE_SERVICE_ROLE_KEY: "old", SUPABASE_SECRET_KEYS: "{" })),
    ["old"],
  );
});
