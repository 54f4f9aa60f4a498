// What waits for a slow client: the worker, or a part of the response in a file.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { requestText } from "../support/connection.ts";
import type { Program } from "../support/program.ts";
import { eventually } from "../support/wait.ts";
import { linesOf, startSite } from "./site.ts";

const mebi = 1024 * 1024;
/** More than sockets and memory take; a response is twice as much. */
const half = 12 * mebi;
/** Long enough for a worker that is free to be done, mostly. */
const patienceMs = 500;

describe("a response of the wsgi application for a slow client", () => {
  let program: Program;
  before(async () => {
    program = await startSite({
      server: `
        location / { app_pass wsgi; }
        location /off { app_pass wsgi; app_buffering off; }
        location /none { app_pass wsgi; app_max_temp_file_size 0; }
        location /little { app_pass wsgi; app_max_temp_file_size 1m; }
        location /ignored { app_pass wsgi; app_ignore_headers X-Accel-Buffering; }`,
    });
  });
  after(() => program.stop());

  /** Asks, and reads when the worker is done, or is known to wait. */
  async function ask(target: string, isFree: boolean, headers: readonly (readonly [string, string])[] = []):
    Promise<void> {
    const before = (await linesOf(program, "events")).length;
    using connection = await program.connect();
    const said = { mode: "stream", parts: ["a", "b"], times: half, headers };
    connection.send(requestText({ target, fields: { "X-Say": JSON.stringify(said) } }));
    const isDone = async (): Promise<boolean> => (await linesOf(program, "events")).slice(before).includes("complete");
    if (isFree) {
      await eventually("the worker is done before the client has read", 10_000, isDone);
    } else {
      await sleep(patienceMs);
      assert.equal(await isDone(), false, "the worker waits");
    }
    // In the end it has all of it, in its order.
    const { body, complete } = await connection.response();
    assert.ok(complete);
    assert.equal(body.length, 2 * half);
    assert.ok(body.subarray(0, half).every((byte) => byte === 97) && body.subarray(half).every((byte) => byte === 98));
    await eventually("the application is done", 5000, isDone);
    await eventually("no file is left", 5000, async () => (await program.spooled()).length === 0);
  }

  const no = [["X-Accel-Buffering", "no"]] as const;
  const yes = [["X-Accel-Buffering", "yes"]] as const;

  test("waits in a file, and the worker is free", async () => {
    await ask("/", true);
  });

  test("keeps the worker where it may not wait", async () => {
    await ask("/off", false);
    await ask("/none", false);
    await ask("/little", false);
  });

  test("waits or not, as X-Accel-Buffering says", async () => {
    await ask("/", false, no);
    await ask("/off", true, yes);
    await ask("/ignored", true, no);
  });
});
