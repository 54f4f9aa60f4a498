// Upstreams that leave by the hundred, and upstreams without number.
import { describe, test } from "node:test";
import { leavingServers, passingUpstreams, vanishingNames } from "./support/many.ts";

describe("nothing is lost, and nothing stays", () => {
  test("when 90 of 100 servers leave and come back", async (context) => {
    await leavingServers({ servers: 100, leaving: 90, requests: 1000, rounds: 1 }, (line) => context.diagnostic(line));
  });

  test("when 90 of 100 names vanish and come back", async (context) => {
    await vanishingNames({ servers: 100, leaving: 90, requests: 300, rounds: 1 }, (line) => context.diagnostic(line));
  });

  test("of 300 upstreams that requests name", async (context) => {
    await passingUpstreams({ servers: 300 }, (line) => context.diagnostic(line));
  });
});
