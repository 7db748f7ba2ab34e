// What is kept for people to read.
import assert from "node:assert/strict";
import { harmless, storable } from "./words.ts";
import { retryAfter } from "./retry_after.ts";

Deno.test("secrets are left out in each usual encoding", () => {
  const secret = "p@ss wörd/1";
  const base64 = btoa(String.fromCharCode(...new TextEncoder().encode(secret)));
  const words = harmless(
    `no: ${secret} ${encodeURIComponent(secret)} ${base64}`,
    [secret],
  );
  assert.equal(words, "no: [secret] [secret] [secret]");
});

Deno.test("a server that quotes what it was sent does not publish it", () => {
  const token = "Zm9vYmFyYmF6cXV4MTIzNDU2";
  const content = `Sign in: https://app.example.com/verify?token=${token}&type=magic or 481516`;
  const words = harmless(`554 rejected: ${content} and ${token}`, [], content);
  assert.ok(!words.includes(token) && !words.includes("481516"), words);
  assert.ok(words.includes("https://app.example.com"), words);
});

Deno.test("addresses are masked as the database masks them", () => {
  assert.equal(
    harmless("550 5.1.1 <ann.smith@example.com>: unknown; al@example.com"),
    "550 5.1.1 <a***@example.com>: unknown; ***@example.com",
  );
});

Deno.test("what is kept is one line, short, and text that Postgres can store", () => {
  assert.equal(harmless("a\r\nb\u0000c"), "a b c");
  const long = harmless("😀".repeat(2_000));
  assert.ok(long.length <= 1_000 && long.isWellFormed());
  assert.equal(storable("a\u0000\ud800b"), "a\uFFFD\uFFFDb");
});

Deno.test("Retry-After is read as seconds and as a date, and nothing else", () => {
  const now = new Date("2026-03-01T12:00:00Z");
  for (
    const [header, seconds] of [
      ["30", 30],
      [" 0 ", 0],
      ["999999999999", 86_400],
      ["Sun, 01 Mar 2026 12:01:30 GMT", 90],
      ["Sunday, 01-Mar-26 12:00:10 GMT", 10],
      ["Sun Mar  1 12:00:05 2026 GMT", 5],
      ["Sun, 01 Mar 2026 11:00:00 GMT", 0],
      ["-5", undefined],
      ["1.5", undefined],
      ["2026", 2026],
      ["soon", undefined],
      ["", undefined],
      [null, undefined],
    ] as const
  ) assert.equal(retryAfter(header, now), seconds, String(header));
});
