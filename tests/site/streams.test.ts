// What stays open for long: WebSockets and event streams through locations with rules, fields, filters and logs; and
// bodies that are files on their way through filters.
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { WebSocketClient } from "../asgi/websocket-client.ts";
import type { Program } from "../support/program.ts";
import { best, eventually } from "../support/wait.ts";
import { ask, get, interfaces, linesOf, startSite } from "./site.ts";

const firstMsMax = 300;

describe("a WebSocket through a location", () => {
  let program: Program;
  before(async () => {
    program = await startSite({
      http: "log_format sizes '$uri $status $body_bytes_sent $bytes_sent $http_upgrade';",
      server: `
        location /ws { app_pass asgi; allow 127.0.0.1; deny all; add_header X-Always yes always; add_header X-Usual no;
          access_log %FOLDER%/ws.log sizes; }
        location /denied { app_pass asgi; allow 127.0.0.2; deny all; }
        location /off { app_pass asgi; ws off; }
        location /rewritten/ { rewrite ^/rewritten(/.*)$ /ws$1 last; }
        location /wsgi { app_pass wsgi; }
        location /named { try_files $uri @ws; }
        location @ws { app_pass asgi; }
        location /failing { app_pass asgi; error_page 403 /sorry.html; app_intercept_errors on; deny all; }
        location = /sorry.html { allow all; }`,
      files: { "sorry.html": "sorry" },
    });
  });
  after(() => program.stop());

  test("has the location's fields and rules, and a line of the log at its end", async () => {
    {
      using socket = await WebSocketClient.open(program.port, { target: "/ws/x" });
      assert.equal(socket.status, 101);
      assert.deepEqual([socket.fields.get("x-always"), socket.fields.get("x-usual")], ["yes", undefined]);
      assert.equal(await socket.hear(), "text asgi /ws/x 127.0.0.1 ws");
      socket.send("hello");
      assert.equal(await socket.hear(), "text hello");
      assert.deepEqual(await linesOf(program, "ws.log"), []);
      socket.close(1000);
    }
    const [line = ""] = await eventually("a line", 5000, async () => {
      const lines = await linesOf(program, "ws.log");
      return lines.length > 0 ? lines : undefined;
    });
    const [uri, status, body, all, upgrade] = line.split(" ");
    assert.deepEqual([uri, status, upgrade], ["/ws/x", "101", "websocket"]);
    assert.ok(Number(body) >= 32 && Number(all) > Number(body) + 100, line);
  });

  test("is refused by rules as any request is", async () => {
    using socket = await WebSocketClient.open(program.port, { target: "/denied" });
    assert.equal(socket.status, 403);
    using failing = await WebSocketClient.open(program.port, { target: "/failing" });
    assert.equal(failing.status, 403);
    assert.equal((await failing.connection.response()).text, "sorry");
  });

  test("is an ordinary request where there is none", async () => {
    for (const target of ["/off", "/wsgi"]) {
      using socket = await WebSocketClient.open(program.port, { target });
      assert.equal(socket.status, 200, target);
    }
  });

  test("is found by rewriting and by try_files", async () => {
    for (const [target, path] of [["/rewritten/x?y=1", "/ws/x"], ["/named/x", "/named/x"]] as const) {
      using socket = await WebSocketClient.open(program.port, { target });
      assert.equal(await socket.hear(), `text asgi ${path} 127.0.0.1 ws`);
    }
  });
});

for (const kind of interfaces) {
  describe(`what the ${kind} application sends, through filters`, () => {
    let program: Program;
    before(async () => {
      program = await startSite({
        http: "types { text/html html; text/plain txt; }",
        server: `
          location /sub { app_pass ${kind}; sub_filter old new; sub_filter_once off; sub_filter_types *;
            add_header X-Filtered yes; }
          location /around { app_pass ${kind}; add_before_body /before.txt; add_after_body /after.txt;
            addition_types *; }
          location /trailed { app_pass ${kind}; add_trailer X-Sum $body_bytes_sent; }
          location /expires { app_pass ${kind}; expires 1h; add_header X-Status $status always; charset utf-8; }
          location /within { app_pass ${kind}; add_after_body /echo/part; addition_types *; }
          location /echo { app_pass ${kind === "wsgi" ? "asgi" : "wsgi"}; }`,
        files: { "before.txt": "<<", "after.txt": ">>" },
      });
    });
    after(() => program.stop());

    test("leaves part by part", async () => {
      const firstMs = await best(3, firstMsMax, async () => {
        const { blocks, text } = await ask(program, "/sub", {
          mode: "stream", headers: [["Content-Type", "text/event-stream"]], pause: 0.4,
          parts: ["data: old 1\n\n", "data: old 2\n\n"],
        });
        assert.equal(text, "data: new 1\n\ndata: new 2\n\n");
        assert.ok(blocks.length >= 2);
        return blocks[0]?.atMs ?? Number.POSITIVE_INFINITY;
      });
      assert.ok(firstMs <= firstMsMax, `the first part came after ${firstMs} ms`);
    });

    test("is changed across parts", async () => {
      const response = await ask(program, "/sub", { mode: "stream", parts: ["an o", "ld text, ol", "d"], pause: 0.02 });
      assert.equal(response.text, "an new text, new");
      assert.equal(response.fields.get("x-filtered"), "yes");
    });

    test("loses its length and its ETag where it is changed", async () => {
      const headers = [["Content-Length", "3"], ["ETag", '"a"'], ["Accept-Ranges", "bytes"]] as const;
      const { fields, text } = await ask(program, "/sub", { headers, parts: ["old"] });
      assert.deepEqual([text, fields.get("content-length")], ["new", "3"]);
      assert.deepEqual([fields.get("etag"), fields.get("accept-ranges")], [undefined, undefined]);
    });

    test("may be a file", async () => {
      const path = join(program.folder, "page.txt");
      await writeFile(path, "an old page. ".repeat(20_000));
      const response = await ask(program, "/sub", { mode: "file", parts: [path] });
      assert.equal(response.text, (await readFile(path, "utf8")).replaceAll("old", "new"));
      const around = await ask(program, "/around", { mode: "file", parts: [path] });
      assert.equal(around.text, `<<${await readFile(path, "utf8")}>>`);
    });

    test("stands between other bodies", async () => {
      for (const mode of ["whole", "stream"] as const) {
        const response = await ask(program, "/around", { mode, parts: ["mid", "dle"] });
        assert.equal(response.text, "<<middle>>");
        assert.equal((await ask(program, "/around", { mode, parts: ["x"] }, { method: "HEAD" })).text, "");
      }
    });

    test("stands before another application's", async () => {
      const { text } = await ask(program, "/within", { parts: ["first "] });
      assert.match(text, /^first \{"name": ".sgi", "method": "GET", "path": "\/echo\/part"/);
    });

    test("has the location's trailers and fields", async () => {
      const { trailers, text } = await ask(program, "/trailed", { mode: "stream", parts: ["abc"] }, {
        fields: { TE: "trailers" },
      });
      assert.equal(text, "abc");
      assert.ok(trailers.has("x-sum"));
      const { fields } = await ask(program, "/expires", { status: 200, headers: [["Content-Type", "text/plain"]] });
      assert.equal(fields.get("cache-control"), "max-age=3600");
      assert.equal(fields.get("content-type"), "text/plain; charset=utf-8");
      const failed = await ask(program, "/expires", { status: 500 });
      assert.deepEqual([failed.fields.get("x-status"), failed.fields.get("cache-control")], ["500", undefined]);
    });

    test("goes on as it is for those who ask only for the head", async () => {
      const { fields, text } = await ask(program, "/sub", { headers: [["Content-Length", "3"]] }, { method: "HEAD" });
      assert.deepEqual([text, fields.get("x-filtered")], ["", "yes"]);
      assert.equal((await get(program, "/echo")).status, 200);
    });
  });
}
