// Many clients: nothing grows that does not shrink again.
import { describe, test } from "node:test";
import { burst, idleClients, keptClients } from "./support/many.ts";

describe("descriptors, memory and the time of a request that costs nothing come back to where they were", () => {
  test("after 500 clients over 64 connections", async (context) => {
    await keptClients({ clients: 500, requests: 6000 }, (line) => context.diagnostic(line));
  });

  test("after 500 requests at once", async (context) => {
    await burst({ clients: 500 }, (line) => context.diagnostic(line));
  });

  test("after 1,000 idle clients", async (context) => {
    await idleClients({ clients: 1000, requests: 3000 }, (line) => context.diagnostic(line));
  });
});
