// The local server of all functions.
import assert from "node:assert/strict";
import { linesLogged } from "../supabase/functions/_shared/testing/environment.ts";
import { route } from "./functions.ts";

Deno.test("a function is found by its name, and gets the request as it is", async () => {
  const served = route({
    echo: async (request) =>
      new Response(`${new URL(request.url).pathname} ${await request.text()}`),
  });
  const at = (path: string) =>
    served(new Request(`http://functions${path}`, { method: "POST", body: "body" }));
  assert.equal(
    await (await at("/functions/v1/echo/some/id")).text(),
    "/functions/v1/echo/some/id body",
  );
  assert.equal(await (await at("/healthz")).text(), "ok\n");
  for (
    const path of ["/", "/functions/v1/", "/functions/v1/other", "/echo", "/functions/v1/toString"]
  ) {
    const response = await at(path);
    assert.equal(response.status, 404, path);
    assert.equal((await response.json()).code, "function.not_found");
  }
});

Deno.test("a function that fails answers 500, and says no more than that", async () => {
  const served = route({ broken: () => Promise.reject(new Error("the s3cret reason")) });
  let body = "";
  const lines = await linesLogged(async () => {
    const response = await served(new Request("http://functions/functions/v1/broken"));
    assert.equal(response.status, 500);
    body = await response.text();
  });
  assert.ok(!body.includes("s3cret"));
  assert.ok(lines.includes("broken"));
});
