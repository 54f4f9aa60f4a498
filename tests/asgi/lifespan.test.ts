// The lifespan of an ASGI application, on Tricorn and on uvicorn side by side: a whole life of the server for each row.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Program } from "../support/program.ts";
import { appsDirectory, skipUvicorn } from "./servers.ts";
import { live, lives } from "./tables/lifespan.ts";

for (const name of ["tricorn", "uvicorn"] as const) {
  describe(`the lifespan, on ${name}`, { concurrency: 2, skip: name === "uvicorn" && skipUvicorn }, () => {
    for (const life of lives) {
      test(life.name, async () => {
        const differs = name === "uvicorn" && life.uvicorn !== undefined;
        const seen = await live(name, life);
        assert.deepEqual(seen, differs ? life.uvicorn?.expected : life.expected);
      });
    }
  });
}

test("a lifespan whose startup was under way at TERM is completed and shut down", async () => {
  const starting = Program.start({
    app: "lifespan_app:app", cwd: appsDirectory, options: ["--workers", "1"],
    env: { LIFESPAN_CASE: "starts slowly" },
    // Startup takes four seconds: nobody else could send the signal before the program serves.
    within: ["timeout", "--foreground", "--signal=TERM", "3"],
  });
  await assert.rejects(starting, ({ message }: Error) => {
    assert.match(message, /lifespan\.startup\b.*received SIGTERM.*lifespan\.shutdown.*end of lifespan/s);
    return true;
  });
});
