// Behaviours that take ten seconds, on Tricorn and on uvicorn side by side and at the same time.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { skipUvicorn, startServer } from "./servers.ts";
import { patientBehaviours } from "./tables/tasks.ts";

describe("a request's task, with patience", { concurrency: 2 }, () => {
  for (const { name, play, expected, uvicorn } of patientBehaviours) {
    for (const server of ["tricorn", "uvicorn"] as const) {
      test(`${name}, on ${server}`, { skip: server === "uvicorn" && skipUvicorn }, async () => {
        await using started = await startServer(server, { app: "http_app:app" });
        assert.deepEqual(await play(started), server === "uvicorn" && uvicorn ? uvicorn.expected : expected);
      });
    }
  }
});
