// What logs tell of applications' responses.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { chunk, requestText } from "../support/connection.ts";
import type { Program } from "../support/program.ts";
import { eventually } from "../support/wait.ts";
import { ask, get, interfaces, linesOf, startSite } from "./site.ts";

for (const kind of interfaces) {
  describe(`the access log of the ${kind} application's responses`, () => {
    let program: Program;
    before(async () => {
      program = await startSite({
        http: `log_format sizes '$uri $status $body_bytes_sent $bytes_sent $request_length';
          log_format fields
            '$upstream_http_x $sent_http_x $sent_http_content_type $cookie_c [$request_body] $request_time';
          log_format upstream '$upstream_addr|$upstream_status|$upstream_response_length|$upstream_response_time|'
            '$upstream_header_time|$upstream_http_content_type';
          app_hide_header X;`,
        server: `
          location / { app_pass ${kind}; access_log %FOLDER%/sizes.log sizes; }
          location /fields { app_pass ${kind}; access_log %FOLDER%/fields.log fields; app_request_buffering on;
            error_log %FOLDER%/error.log; }
          location /upstream { app_pass ${kind}; app_intercept_errors on; error_page 404 = @other;
            access_log %FOLDER%/upstream.log upstream; }
          location @other { rewrite ^ /echo break; app_pass ${kind === "wsgi" ? "asgi" : "wsgi"};
            access_log %FOLDER%/upstream.log upstream; }
          location /off { app_pass ${kind}; access_log off; }
          location /picky { app_pass ${kind}; if ($arg_log) { access_log %FOLDER%/sizes.log sizes; } }`,
      });
    });
    after(() => program.stop());

    const lines = async (name: string, count: number): Promise<readonly string[]> =>
      eventually(`${count} lines`, 5000, async () => {
        const all = await linesOf(program, name);
        return all.length >= count ? all : undefined;
      });

    test("counts every byte, of chunks, too", async () => {
      const requests = [
        { target: "/whole", said: { parts: ["hello"], headers: [["Content-Length", "5"]] } },
        { target: "/stream", said: { parts: ["hello", "world"], times: 1000, mode: "stream", pause: 0.05 } },
        { target: "/none", said: { status: 304 } },
      ];
      const expected: string[] = [];
      for (const { target, said } of requests) {
        const text = requestText({ target, fields: { "X-Say": JSON.stringify(said), Connection: "close" } });
        using connection = await program.connect();
        connection.send(text);
        const received = await connection.rest();
        const bodySize = received.length - received.indexOf("\r\n\r\n") - 4;
        expected.push(`${target} ${said.status ?? 200} ${bodySize} ${received.length} ${text.length}`);
      }
      {
        using connection = await program.connect();
        const fields = { Connection: "close" };
        const upload = requestText({ method: "POST", target: "/up", fields, body: "x".repeat(70_000) });
        connection.send(upload);
        const received = await connection.rest();
        const bodySize = received.length - received.indexOf("\r\n\r\n") - 4;
        expected.push(`/up 200 ${bodySize} ${received.length} ${upload.length}`);
      }
      assert.deepEqual(await lines("sizes.log", 4), expected);
    });

    test("tells what the application said, and what was sent", async () => {
      const headers = [["X", "1"], ["Content-Type", "text/x"]] as const;
      const said = { parts: ["x"], headers, mode: "stream", pause: 0.1 } as const;
      const response = await ask(program, "/fields", said, { method: "POST", body: "a=1", fields: { Cookie: "c=2" } });
      assert.equal(response.fields.get("x"), undefined);
      const [line = ""] = await lines("fields.log", 1);
      const [seconds = ""] = line.split(" ").slice(-1);
      assert.equal(line, `1 - text/x 2 [a=1] ${seconds}`);
      assert.ok(Number(seconds) >= 0.1 && Number(seconds) < 5, seconds);
    });

    test("names the applications that were asked, and how it went", async () => {
      await ask(program, "/upstream", { parts: ["four"], mode: "stream", pause: 0.1 });
      const second = await ask(program, "/upstream", { status: 404, parts: ["gone"] });
      await ask(program, "/upstream", { mode: "fail" });
      const [one = "", two = "", three = ""] = await lines("upstream.log", 3);
      assert.match(one, new RegExp(`^app:${kind}\\|200\\|4\\|(0\\.[1-9]|[1-9]\\.)\\d+\\|\\d\\.\\d+\\|-$`));
      const names = kind === "wsgi" ? "app:wsgi : app:asgi" : "app:asgi : app:wsgi";
      assert.ok(two.startsWith(`${names}|404 : 200|4 : ${second.body.length}|`), two);
      assert.ok(two.endsWith("|application/json"), two);
      assert.match(three, new RegExp(`^app:${kind}\\|500\\|0\\|`));
    });

    test("is written where the location says, or nowhere", async () => {
      const before = (await linesOf(program, "sizes.log")).length;
      await get(program, "/off");
      await get(program, "/picky");
      await get(program, "/picky?log=1");
      await get(program, "/last");
      const added = (await lines("sizes.log", before + 2)).slice(before).map((line) => line.split(" ")[0]);
      assert.deepEqual(added, ["/picky", "/last"]);
    });

    test("has the line of a request whose client left", async () => {
      const before = (await linesOf(program, "sizes.log")).length;
      using connection = await program.connect();
      connection.send(requestText({
        target: "/left", fields: { "X-Say": JSON.stringify({ parts: ["x"], times: 100, mode: "endless" }) },
      }));
      await connection.read(300);
      connection.reset();
      const line = (await lines("sizes.log", before + 1)).at(-1) ?? "";
      assert.match(line, /^\/left 200 \d+ \d+ \d+$/);
    });

    test("of errors is the location's own", async () => {
      using connection = await program.connect();
      connection.send("POST /fields HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
      for (let sent = 0; sent < 3; sent++) connection.send(chunk("x".repeat(500_000)));
      assert.equal((await connection.response()).status, 413);
      const all = await lines("error.log", 1);
      assert.match(all.join("\n"), /client intended to send too large chunked body: \d+ bytes/);
      assert.match(all.join("\n"), /client: 127\.0\.0\.1, server: , request: "POST \/fields HTTP\/1\.1", host: "a"/);
    });
  });
}
