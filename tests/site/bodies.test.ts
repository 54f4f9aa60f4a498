// Bodies of requests on their way through a location to its application.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { chunk, type Connection } from "../support/connection.ts";
import type { Program } from "../support/program.ts";
import { eventually } from "../support/wait.ts";
import { ask, type Echo, echoOf, get, interfaces, startSite } from "./site.ts";

const large = randomBytes(5 * 1024 * 1024);
const small = randomBytes(100_000);
const shaOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

for (const kind of interfaces) {
  describe(`a request's body for the ${kind} application`, () => {
    let program: Program;
    before(async () => {
      program = await startSite({
        http: "client_max_body_size 100k;",
        server: `
          location / { app_pass ${kind}; }
          location /tried { client_max_body_size 10m; try_files $uri @large; }
          location /limited { try_files $uri @large; }
          location /checked { if (-f $request_filename) { return 200 file; } client_max_body_size 10m;
            app_pass ${kind}; }
          location @large { client_max_body_size 10m; app_pass ${kind}; }
          location /gathered { app_request_buffering on; client_max_body_size 10m; app_pass ${kind}; }
          location /memory { app_request_buffering on; client_body_buffer_size 10m; client_max_body_size 10m;
            app_pass ${kind}; }
          location /streamed { app_request_buffering off; client_max_body_size 10m; app_pass ${kind}; }
          location /tiny { client_body_buffer_size 1; app_pass ${kind}; app_request_buffering on; }`,
      });
    });
    after(() => program.stop());

    const arrived = ({ size, sha }: Echo, bytes: Uint8Array): void =>
      assert.deepEqual([size, sha], [bytes.length, shaOf(bytes)]);

    async function upload(target: string, bytes: Uint8Array, send: (one: Connection) => Promise<void>): Promise<Echo> {
      using connection = await program.connect();
      connection.send(`POST ${target} HTTP/1.1\r\nHost: a\r\n`);
      await send(connection);
      const response = await connection.response();
      assert.equal(response.status, 200, response.text);
      const echo = echoOf(response);
      arrived(echo, bytes);
      // The connection goes on.
      assert.equal(echoOf(await connection.get("/next")).path, "/next");
      return echo;
    }

    for (const target of ["/tried", "/checked", "/gathered", "/memory", "/streamed"]) {
      test(`of 5 MB comes whole through ${target}`, async () => {
        await upload(target, large, async (connection) => {
          connection.send(`Content-Length: ${large.length}\r\n\r\n`);
          await connection.sendAll(large);
        });
      });

      test(`of 5 MB waits for 100 Continue at ${target}`, async () => {
        await upload(target, large, async (connection) => {
          connection.send(`Content-Length: ${large.length}\r\nExpect: 100-continue\r\n\r\n`);
          assert.equal(await connection.informational(), 100);
          await connection.sendAll(large);
        });
      });

      test(`of 5 MB comes whole in chunks through ${target}`, async () => {
        await upload(target, large, async (connection) => {
          connection.send("Transfer-Encoding: chunked\r\n\r\n");
          for (let at = 0; at < large.length; at += 50_000) connection.send(chunk(large.subarray(at, at + 50_000)));
          connection.send(chunk(""));
          await Promise.resolve();
        });
      });

      test(`comes slowly through ${target}`, async () => {
        await upload(target, small, async (connection) => {
          connection.send(`Content-Length: ${small.length}\r\n\r\n`);
          for (let at = 0; at < small.length; at += 20_000) {
            connection.send(small.subarray(at, at + 20_000));
            await sleep(20);
          }
        });
      });
    }

    test("is in a file when it is larger than client_body_buffer_size, and nothing is left of it", async () => {
      const response = await get(program, "/tiny", { method: "POST", body: small });
      arrived(echoOf(response), small);
      // An application that does not look at it.
      assert.equal((await ask(program, "/tiny", { parts: ["x"] }, { method: "POST", body: small })).text, "x");
      await eventually("no file is left", 5000, async () => (await program.spooled()).length === 0);
    });

    test("has the size that its own location allows", async () => {
      const statusOf = async (target: string, size: number): Promise<number> =>
        (await get(program, target, { method: "POST", body: Buffer.alloc(size) })).status;
      assert.equal(await statusOf("/", 100 * 1024), 200);
      assert.equal(await statusOf("/", 100 * 1024 + 1), 413);
      assert.equal(await statusOf("/limited", 100 * 1024 + 1), 413, "its own limit is that of http");
    });

    test("that is refused ends what the application has of it", async () => {
      using connection = await program.connect();
      connection.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
      for (let sent = 0; sent < 4; sent++) {
        connection.send(chunk(Buffer.alloc(30_000)));
        await sleep(5);
      }
      assert.equal((await connection.response()).status, 413);
      assert.equal(echoOf(await get(program, "/after")).path, "/after");
    });

    test("reaches the application as it comes, or when it is complete", async () => {
      const readsEarly = async (target: string): Promise<boolean> => {
        using connection = await program.connect();
        const said = JSON.stringify({ parts: ["early"] });
        connection.send(`POST ${target} HTTP/1.1\r\nHost: a\r\nX-Say: ${said}\r\nContent-Length: 5\r\n\r\nab`);
        const early = connection.response().then(({ text }) => text === "early", () => false);
        const result = await Promise.race([early, sleep(500).then(() => false)]);
        connection.send("cde");
        await early;
        return result;
      };
      assert.equal(await readsEarly("/streamed"), true);
      assert.equal(await readsEarly("/gathered"), false);
      assert.equal(await readsEarly("/"), kind === "asgi");
    });
  });
}
