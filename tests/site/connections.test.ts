// What a location says about the connection that its request came through.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Program } from "../support/program.ts";
import { startSite } from "./site.ts";

describe("whether a connection goes on is said by the location of the request", () => {
  let program: Program;
  before(async () => {
    program = await startSite({
      server: `
        location / { return 200; }
        location /second { keepalive_requests 2; return 200; }
        location /old { keepalive_time 0; return 200; }
        location /never { keepalive_timeout 0; return 200; }`,
    });
  });
  after(() => program.stop());

  for (const target of ["/second", "/old", "/never"]) {
    test(`that is answered: ${target} behind another one`, async () => {
      using connection = await program.connect();
      assert.equal((await connection.get("/")).fields.get("connection"), undefined);
      assert.equal((await connection.get(target)).fields.get("connection"), "close");
      assert.equal(await connection.rest(), "");
    });
  }

  test("not by the one of the request before", async () => {
    using connection = await program.connect();
    assert.equal((await connection.get("/second")).fields.get("connection"), undefined);
    assert.equal((await connection.get("/")).fields.get("connection"), undefined);
    assert.equal((await connection.get("/")).status, 200);
  });
});
