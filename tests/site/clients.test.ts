// Clients that leave, at every moment of a request: nothing of them stays open.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocketClient } from "../asgi/websocket-client.ts";
import { type Connection, requestText } from "../support/connection.ts";
import type { Program } from "../support/program.ts";
import { eventually } from "../support/wait.ts";
import { echoOf, get, interfaces, type Said, startSite } from "./site.ts";

const rounds = 5;

for (const kind of interfaces) {
  describe(`a client of the ${kind} application that leaves`, () => {
    let program: Program;
    before(async () => {
      program = await startSite({
        http: "client_max_body_size 100m;",
        server: `
          location / { app_pass ${kind}; }
          location = /wsgi { app_pass wsgi; }
          location = /asgi { app_pass asgi; }
          location /gathered { app_pass ${kind}; app_request_buffering on; client_body_buffer_size 1k;
            try_files /no @app; }
          location @app { app_pass ${kind}; app_request_buffering on; client_body_buffer_size 1k; }
          location /limited { app_pass ${kind}; limit_rate 20k; }
          location /files/ { internal; alias %FOLDER%/; limit_rate 20k; }
          location /around { alias %FOLDER%/big.bin; add_before_body /slow; addition_types *; }
          location /slow { internal; app_pass ${kind}; }
          location /intercepted { app_pass ${kind}; app_intercept_errors on; error_page 404 /files/big.bin; }`,
      });
      await writeFile(join(program.folder, "big.bin"), Buffer.alloc(8_000_000));
      // A worker may be slow to accept the edge's connections, which would count as descriptors that stay open.
      for (const each of interfaces) assert.equal(echoOf(await get(program, `/${each}`)).path, `/${each}`);
    });
    after(() => program.stop());

    const count = (): number =>
      [program.edgePid, ...program.workerPids].reduce((sum, pid) => sum + readdirSync(`/proc/${pid}/fd`).length, 0);
    const say = (target: string, said: Said): string =>
      requestText({ target, fields: { "X-Say": JSON.stringify(said) } });
    const readSome = async (connection: Connection): Promise<void> => void (await connection.read(200));
    const pause = (): Promise<void> => sleep(20);
    const large = { parts: ["x"], times: 4_000_000 };
    const upload = (target: string): string =>
      `POST ${target} HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n${"x".repeat(300_000)}`;

    const big = { parts: ["%FOLDER%/big.bin"], mode: "file" } as const;
    const phases: readonly (readonly [name: string, text: string, wait: (one: Connection) => Promise<void>])[] = [
      ["before it has sent anything", "", pause],
      ["in the request's head", "GET / HT", pause],
      ["in the body", upload("/"), pause],
      ["in a body that is gathered in a file", upload("/gathered"), pause],
      ["while the application works", say("/", { parts: ["x"], mode: "stream", pause: 0.1 }), () => Promise.resolve()],
      ["in a streamed response", say("/", { parts: ["x"], mode: "endless" }), readSome],
      ["in a large response", say("/", { ...large, mode: "stream" }), readSome],
      ["in a response that waits in a file", say("/limited", { ...large, mode: "stream" }), readSome],
      ["in a whole response that is limited", say("/limited", large), readSome],
      ["in a file of the application", say("/", big), readSome],
      ["in a limited file of the application", say("/limited", big), readSome],
      ["in a file that X-Accel-Redirect names",
        say("/", { headers: [["X-Accel-Redirect", "/files/big.bin"]], mode: "endless", parts: ["x"] }), readSome],
      ["in an error's page", say("/intercepted", { status: 404, mode: "stream", parts: ["x"] }), readSome],
      ["while another body is fetched", say("/around", { parts: ["x"], mode: "endless" }), readSome],
    ];

    for (const [name, text, wait] of phases) {
      for (const how of ["close", "reset"] as const) {
        test(`${name} (${how})`, async () => {
          assert.equal(echoOf(await get(program, "/first")).path, "/first");
          await eventually("what was before is gone", 5000, async () => (await program.spooled()).length === 0);
          const before = count();
          for (let round = 0; round < rounds; round++) {
            const connection = await program.connect();
            connection.send(text.replaceAll("%FOLDER%", program.folder));
            await wait(connection);
            connection[how]();
          }
          await eventually(`as many descriptors as before, ${before}`, 10_000, () => count() <= before);
          await eventually("no file is left", 5000, async () => (await program.spooled()).length === 0);
          assert.equal(echoOf(await get(program, "/last")).path, "/last");
        });
      }
    }

    if (kind === "asgi") {
      test("in a WebSocket", async () => {
        const before = count();
        for (let round = 0; round < rounds; round++) {
          using socket = await WebSocketClient.open(program.port, { target: "/ws" });
          await socket.hear();
        }
        await eventually("as many descriptors as before", 5000, () => count() <= before);
      });
    }
  });
}
