// X-Accel-Redirect and the fields around it: an application leaves the answer to another place of the server.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Program } from "../support/program.ts";
import { eventually } from "../support/wait.ts";
import { ask, echoOf, get, interfaces, linesOf, type Said, startSite } from "./site.ts";

const report = "0123456789".repeat(100);

for (const kind of interfaces) {
  const other = kind === "wsgi" ? "asgi" : "wsgi";

  describe(`X-Accel-Redirect of the ${kind} application`, () => {
    let program: Program;
    before(async () => {
      program = await startSite({
        server: `
          location / { app_pass ${kind}; }
          location /gathered { app_pass ${kind}; app_request_buffering on; }
          location /files/ { internal; alias %FOLDER%/www/secret/; }
          location /echo { app_pass ${other}; }
          location /page { internal; error_page 404 /own.html; root %FOLDER%/www/none; }
          location = /own.html { root %FOLDER%/www; internal; }
          location /again { internal; app_pass ${kind}; }
          location @named { rewrite ^ /echo/named break; add_header X-Named "$uri"; app_pass ${other}; }
          location /obeys-not { app_pass ${kind}; app_ignore_headers X-Accel-Redirect; }
          location /shows { app_pass ${kind}; app_pass_header X-Accel-Expires; app_hide_header X-Secret; }
          location /charset/ { internal; alias %FOLDER%/www/secret/; charset latin1; }`,
        http: "types { text/plain txt; text/html html; }",
        files: { "secret/report.txt": report, "own.html": "own page" },
      });
    });
    after(() => program.stop());

    const modes = ["whole", "stream"] as const;
    const redirect = (to: string, more: Said = {}): Said =>
      ({ ...more, headers: [["X-Accel-Redirect", to], ...(more.headers ?? [])], parts: ["not this"] });

    for (const mode of modes) {
      test(`answers with a file instead of what it sends ${mode}`, async () => {
        const response = await ask(program, "/r", redirect("/files/report.txt", { mode }));
        assert.deepEqual([response.status, response.text], [200, report]);
        assert.equal(response.fields.get("content-type"), "text/plain");
        assert.equal(response.fields.get("x-accel-redirect"), undefined);
      });

      test(`keeps some fields of what it sends ${mode}, and no others`, async () => {
        const { fields } = await ask(program, "/r", redirect("/files/report.txt", {
          mode,
          headers: [
            ["Content-Type", "application/x-report"], ["Content-Disposition", "attachment"], ["Set-Cookie", "a=1"],
            ["Set-Cookie", "b=2"], ["Cache-Control", "private"], ["Expires", "Thu, 01 Jan 1970 00:00:01 GMT"],
            ["X-Other", "1"], ["Content-Length", "8"], ["Last-Modified", "Thu, 01 Jan 1970 00:00:01 GMT"],
          ],
        }));
        assert.equal(fields.get("content-type"), "application/x-report");
        assert.equal(fields.get("content-disposition"), "attachment");
        assert.equal(fields.get("set-cookie"), "a=1, b=2");
        assert.equal(fields.get("cache-control"), "private");
        assert.equal(fields.get("expires"), "Thu, 01 Jan 1970 00:00:01 GMT");
        assert.equal(fields.get("x-other"), undefined);
        assert.equal(fields.get("content-length"), String(report.length));
        assert.notEqual(fields.get("last-modified"), "Thu, 01 Jan 1970 00:00:01 GMT");
      });

      test(`leads to another application from what it sends ${mode}`, async () => {
        const response = await ask(program, "/r?x=1", redirect("/echo/a%20b?y=2", { mode }), { method: "PUT" });
        const { name, path, query, method } = echoOf(response);
        assert.deepEqual([name, path, query, method], [other, "/echo/a b", "y=2", "GET"]);
      });

      test(`leads to a named location, body and all, from what it sends ${mode}`, async () => {
        const said = redirect("@named", { mode });
        for (const size of [5, 300_000]) {
          const more = { method: "POST", body: Buffer.alloc(size, "b") };
          const gathered = await ask(program, "/gathered", said, more);
          assert.equal(echoOf(gathered).size, size);
          const response = await ask(program, "/r?x=1", said, more);
          const { name, method, path, query, size: got } = echoOf(response);
          assert.deepEqual([name, method, path, query], [other, "POST", "/echo/named", "x=1"]);
          assert.equal(response.fields.get("x-named"), "/echo/named");
          assert.equal(got, kind === "wsgi" || size === 5 ? size : 0);
        }
      });
    }

    test("answers ranges and conditions of the client with the file's", async () => {
      const said = redirect("/files/report.txt");
      const range = await ask(program, "/r", said, { fields: { Range: "bytes=5-9" } });
      assert.deepEqual([range.status, range.text], [206, "56789"]);
      assert.equal(range.fields.get("content-range"), "bytes 5-9/1000");
      const etag = (await ask(program, "/r", said)).fields.get("etag") ?? "";
      const same = await ask(program, "/r", said, { fields: { "If-None-Match": etag } });
      assert.deepEqual([same.status, same.text], [304, ""]);
      const head = await ask(program, "/r", said, { method: "HEAD" });
      assert.deepEqual([head.status, head.fields.get("content-length")], [200, "1000"]);
    });

    test("is the answer to a POST as well", async () => {
      const response = await ask(program, "/r", redirect("/files/report.txt"), { method: "POST", body: "form" });
      assert.deepEqual([response.status, response.text], [200, report]);
    });

    test("is 404 where there is no file, or the page that its location names", async () => {
      assert.equal((await ask(program, "/r", redirect("/files/none"))).status, 404);
      const page = await ask(program, "/r", redirect("/page"));
      assert.deepEqual([page.status, page.text], [404, "own page"]);
    });

    test("is 404 for a target that leaves the root", async () => {
      assert.equal((await ask(program, "/r", redirect("/files/../../secret"))).status, 404);
    });

    test("that leads to itself ends with 500", async () => {
      assert.equal((await ask(program, "/r", redirect("/again"))).status, 500);
      await eventually("the log says why", 5000, () => program.output.includes("redirection cycle"));
    });

    test("is only an internal location's way in", async () => {
      assert.equal((await get(program, "/files/report.txt")).status, 404);
    });

    test("is not obeyed where app_ignore_headers says so, and not shown", async () => {
      const response = await ask(program, "/obeys-not", redirect("/files/report.txt"));
      assert.deepEqual([response.status, response.text], [200, "not this"]);
      assert.equal(response.fields.get("x-accel-redirect"), undefined);
    });

    test("of an endless response ends the application's work", async () => {
      const before = (await linesOf(program, "events")).length;
      const response = await ask(program, "/r", { ...redirect("/files/report.txt"), mode: "endless" });
      assert.equal(response.text, report);
      await eventually("it ended", 8000, async () => (await linesOf(program, "events")).length > before);
      assert.equal(echoOf(await get(program, "/after")).path, "/after");
    });

    test("other X-Accel fields never reach the client, unless app_pass_header names them", async () => {
      const headers = [
        ["X-Accel-Expires", "0"], ["X-Accel-Limit-Rate", "1000000"], ["X-Accel-Buffering", "no"],
        ["X-Accel-Charset", "koi8-r"], ["X-Secret", "1"], ["Content-Type", "text/plain"],
      ] as const;
      const { fields, text } = await ask(program, "/", { headers, parts: ["said"] });
      const names = [...fields.keys()].filter((name) => name.startsWith("x-"));
      assert.deepEqual([names, text], [["x-secret"], "said"]);
      assert.equal(fields.get("content-type"), "text/plain; charset=koi8-r");
      const shown = (await ask(program, "/shows", { headers, parts: ["said"] })).fields;
      assert.deepEqual([...shown.keys()].filter((name) => name.startsWith("x-")), ["x-accel-expires"]);
    });
  });
}
