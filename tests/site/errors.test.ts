// What a location's error_page makes of its application's errors, and of the edge's own.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { chunk } from "../support/connection.ts";
import type { Program } from "../support/program.ts";
import { eventually } from "../support/wait.ts";
import { appBlock, ask, echoOf, get, interfaces, linesOf, type Said, startSite } from "./site.ts";

for (const kind of interfaces) {
  const other = kind === "wsgi" ? "asgi" : "wsgi";

  describe(`app_intercept_errors for the ${kind} application`, () => {
    let program: Program;
    before(async () => {
      program = await startSite({
        http: "app_intercept_errors on; types { text/html html; text/plain txt; }",
        server: `
          location / { app_pass ${kind}; error_page 404 410 /page.html; error_page 500 502 503 504 = @named;
            error_page 401 /page.html; error_page 302 =200 /page.html; error_page 409 /echo/conflict; }
          location = /page.html { internal; }
          location /keeps { app_pass ${kind}; error_page 404 =200 /page.html; }
          location /own { app_pass ${kind}; error_page 404 = /page.html; }
          location /off { app_pass ${kind}; error_page 404 500 /page.html; app_intercept_errors off; }
          location /away { app_pass ${kind}; error_page 404 http://elsewhere.test/; }
          location /none { app_pass ${kind}; }
          location /echo { app_pass ${other}; }
          location @named { rewrite ^ /echo/named break; app_pass ${other}; }`,
        files: { "page.html": "a page" },
      });
    });
    after(() => program.stop());

    for (const mode of ["whole", "stream"] as const) {
      test(`puts a page in the place of what it sends ${mode}`, async () => {
        const said: Said = { status: 404, mode, parts: ["secret trace"], headers: [["X-Trace", "1"]] };
        const response = await ask(program, "/x", said);
        assert.deepEqual([response.status, response.text], [404, "a page"]);
        assert.equal(response.fields.get("content-type"), "text/html");
        assert.equal(response.fields.get("x-trace"), undefined);
        const head = await ask(program, "/x", said, { method: "HEAD" });
        assert.deepEqual([head.status, head.fields.get("content-length"), head.text], [404, "6", ""]);
        const post = await ask(program, "/x", said, { method: "POST", body: "abc" });
        assert.deepEqual([post.status, post.text], [404, "a page"]);
      });

      test(`asks a named location instead of what it sends ${mode}`, async () => {
        const said: Said = { status: 503, mode, parts: ["sorry"] };
        const response = await ask(program, "/x?a=b", said, { method: "POST", body: "hello" });
        const { name, method, path, query, size } = echoOf(response);
        assert.deepEqual([response.status, name, method, path, query], [200, other, "POST", "/echo/named", "a=b"]);
        assert.equal(size, 5);
      });
    }

    test("asks another application, which keeps the status", async () => {
      const response = await ask(program, "/x", { status: 409 }, { method: "DELETE" });
      assert.equal(response.status, 409);
      const { name, method, path } = echoOf(response);
      assert.deepEqual([name, method, path], [other, "GET", "/echo/conflict"]);
    });

    test("gives the status that is asked for, or the page's own", async () => {
      assert.equal((await ask(program, "/keeps", { status: 404 })).status, 200);
      assert.equal((await ask(program, "/own", { status: 404 })).status, 200);
      const moved = await ask(program, "/x", { status: 302, headers: [["Location", "/there"]] });
      assert.deepEqual([moved.status, moved.text], [200, "a page"]);
    });

    test("leads the client elsewhere", async () => {
      const response = await ask(program, "/away", { status: 404 });
      assert.deepEqual([response.status, response.fields.get("location")], [302, "http://elsewhere.test/"]);
    });

    test("keeps the challenge of a 401", async () => {
      const response = await ask(program, "/x", { status: 401, headers: [["WWW-Authenticate", 'Basic realm="r"']] });
      assert.deepEqual([response.status, response.text], [401, "a page"]);
      assert.equal(response.fields.get("www-authenticate"), 'Basic realm="r"');
    });

    test("leaves alone what no page is named for, and everything where it is off", async () => {
      const said: Said = { status: 418, parts: ["teapot"], headers: [["X-Kept", "1"]] };
      const teapot = await ask(program, "/x", said);
      assert.deepEqual([teapot.status, teapot.text, teapot.fields.get("x-kept")], [418, "teapot", "1"]);
      assert.equal((await ask(program, "/off", { status: 404, parts: ["own"] })).text, "own");
      assert.equal((await ask(program, "/none", { status: 404, parts: ["own"] })).text, "own");
    });

    test("answers for an application that fails, whatever app_intercept_errors says", async () => {
      const response = await ask(program, "/x", { mode: "fail" });
      assert.deepEqual([response.status, echoOf(response).path], [200, "/echo/named"]);
      const off = await ask(program, "/off", { mode: "fail" });
      assert.deepEqual([off.status, off.text], [500, "a page"]);
    });

    test("ends an endless response that nobody will see, and the worker goes on", async () => {
      const before = (await linesOf(program, "events")).length;
      const response = await ask(program, "/x", { status: 404, mode: "endless", parts: ["x"], times: 100_000 });
      assert.equal(response.text, "a page");
      await eventually("it ended", 8000, async () => (await linesOf(program, "events")).length > before);
      assert.equal((await ask(program, "/x", { parts: ["on"] })).text, "on");
    });

    test("drops a large body that nobody will see", async () => {
      for (let turn = 0; turn < 3; turn++) {
        const response = await ask(program, "/x", { status: 404, mode: "stream", parts: ["x", "y"], times: 2_000_000 });
        assert.equal(response.text, "a page");
      }
      assert.equal((await ask(program, "/x", { parts: ["on"] })).text, "on");
    });
  });

  describe(`error_page for the edge's own errors before the ${kind} application`, () => {
    let program: Program;
    before(async () => {
      program = await startSite({
        server: `
          client_max_body_size 1000; error_page 413 /large.html; error_page 504 /slow.html; error_page 503 /sorry.html;
          error_page 408 /late.html; error_page 502 = /echo/instead;
          location /echo { app_pass ${other}; }
          location / { app_pass ${kind}; client_body_timeout 1s; }
          location ~ html$ { internal; }
          location /more { app_pass ${kind}; client_max_body_size 10k; error_page 413 = @large; }
          location /broken { app_pass broken; }
          location @large { return 413 "too much"; }`,
        app: "timeout 1; graceful_timeout 1;",
        main: appBlock("broken", "nothing:app"),
        files: { "large.html": "large", "slow.html": "slow", "sorry.html": "sorry", "late.html": "late" },
      });
    });
    after(() => program.stop());

    test("413 is a page, announced or chunked", async () => {
      using connection = await program.connect();
      const whole = await connection.ask({ method: "POST", body: "x".repeat(1001) });
      assert.deepEqual([whole.status, whole.text], [413, "large"]);
      using second = await program.connect();
      second.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
      second.send(chunk("x".repeat(900)));
      second.send(chunk("x".repeat(900)));
      second.send(chunk("x".repeat(900)));
      const chunked = await second.response();
      assert.deepEqual([chunked.status, chunked.text], [413, "large"]);
      await get(program, "/more", { method: "POST", body: "x".repeat(10_240) }).then((response) => {
        assert.equal(echoOf(response).size, 10_240);
      });
      const named = await get(program, "/more", { method: "POST", body: "x".repeat(10_241) });
      assert.deepEqual([named.status, named.text], [413, "too much"]);
    });

    test("503 of a broken application is a page", async () => {
      const response = await get(program, "/broken");
      assert.deepEqual([response.status, response.text], [503, "sorry"]);
    });

    test("504 of an application that hangs is a page, and the next worker serves", async () => {
      const response = await ask(program, "/x", { mode: "hang" });
      assert.deepEqual([response.status, response.text], [504, "slow"]);
      assert.equal((await ask(program, "/x", { parts: ["on"] })).text, "on");
    });

    test("502 of an application that dies is answered by another one", async () => {
      const response = await ask(program, "/x", { mode: "die" }, { method: "POST", body: "abc" });
      assert.equal(response.status, 200);
      const { name, method, path, size } = echoOf(response);
      assert.deepEqual([name, method, path, size], [other, "GET", "/echo/instead", 0]);
      assert.equal((await ask(program, "/x", { parts: ["on"] })).text, "on");
    });

    test("408 is a page", async () => {
      using connection = await program.connect();
      connection.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nx");
      const response = await connection.response();
      assert.deepEqual([response.status, response.text], [408, "late"]);
    });
  });
}
