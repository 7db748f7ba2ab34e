// The stack that the suites in suites/ share. Each adds tenants of its own, under slugs of its own.
import { after, before } from "node:test";
import { Stack } from "./stack.mjs";

export const stack = new Stack("shared", {
  TENON_LOAD_USER: "1", // may publish to topics that no device has
  TENON_BROKER_DURABLE: "0", // nothing is killed here, and a broker that saves itself at every turn is slow
});

before(() => stack.up());
after(() => stack.down());
