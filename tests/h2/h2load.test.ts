import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe } from "node:test";
import { promisify } from "node:util";
import { findProgram, requireProgram } from "../../tools/needs.ts";
import { testBothWays } from "./both-ways.ts";

const run = promisify(execFile);
const count = 4000;
const timeoutMs = 60_000;

const server = `http2_max_concurrent_streams 1000; keepalive_requests 1000000;
  location = /text { return 200 "hello"; } location /wsgi { app_pass wsgi; } location /asgi { app_pass asgi; }`;

describe("h2load gets every answer of a thousand streams at once, on one connection and on ten,",
  { skip: requireProgram("h2load", "apt-get install nghttp2-client") }, () => {
    testBothWays(server, async (program, isTls) => {
      await writeFile(join(program.folder, "www/file.bin"), Buffer.alloc(30_000, "abc"));
      for (const path of ["/text", "/file.bin", "/wsgi", "/asgi"]) {
        for (const [clients, streams] of [[1, 1000], [10, 100]] as const) {
          const args = ["-n", String(count), "-c", String(clients), "-m", String(streams)];
          const url = `${isTls ? "https" : "http"}://127.0.0.1:${program.port}${path}`;
          const { stdout } = await run(findProgram("h2load") ?? "", [...args, url], { timeout: timeoutMs });
          const expected = `${count} done, ${count} succeeded, 0 failed, 0 errored, 0 timeout`;
          assert.ok(stdout.includes(expected), `${path} ${clients}: ${stdout}`);
          assert.match(stdout, new RegExp(`status codes: ${count} 2xx`), path);
          assert.match(stdout, /Application protocol: h2/, path);
        }
      }
      assert.equal(program.output.includes("HTTP/2 connection closed"), false);
    });
  });
