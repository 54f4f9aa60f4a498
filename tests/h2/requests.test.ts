import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Program } from "../support/program.ts";
import { Client, startH2Site } from "./client.ts";

describe("a request of HTTP/2", () => {
  let program: Program;
  before(async () => {
    program = await startH2Site({
      server: `max_headers 5; location = /text { return 200 "hello"; }`,
    });
  });
  after(() => program.stop());

  test("may have as many fields as max_headers says, besides its pseudo-header fields", async () => {
    using client = await Client.connect(program);
    const fields = (count: number): Record<string, string> =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`x-${index}`, "1"]));
    assert.equal((await client.ask("/text", { headers: fields(5) })).status, 200);
    assert.equal((await client.ask("/text", { headers: fields(6) })).status, 431);
    const cookie = Array.from({ length: 50 }, (_, index) => `c${index}=1`);
    assert.equal((await client.ask("/text", { headers: { ...fields(4), cookie } })).status, 200);
    assert.equal((await client.ask("/text", { headers: { ...fields(5), cookie } })).status, 431);
  });
});
