// fastcgi_pass to a peer that says what it is told: its error stream, answers that are none, bodies as they come.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { describeFastCgi, fastCgiAnswer, fastCgiSize } from "../support/cgi-peer.ts";
import type { Program } from "../support/program.ts";
import { ScriptedUpstream } from "../support/scripted-upstream.ts";
import { eventually } from "../support/wait.ts";
import { startProxy } from "./support/proxies.ts";

const ok = fastCgiAnswer("Content-Type: text/plain\r\n\r\nok");

describe("fastcgi_pass", () => {
  let upstream: ScriptedUpstream;
  let second: ScriptedUpstream;
  let proxy: Program;
  before(async () => {
    upstream = await ScriptedUpstream.listen(0, fastCgiSize);
    second = await ScriptedUpstream.listen(0, fastCgiSize);
    proxy = await startProxy({
      http: `upstream pair { server 127.0.0.1:${upstream.port} max_fails=0; server 127.0.0.1:${second.port} backup; }`,
      server: `location / { fastcgi_pass 127.0.0.1:${upstream.port}; }
        location /next { fastcgi_next_upstream invalid_header; fastcgi_catch_stderr "Fatal error"; fastcgi_pass pair; }
        location /error { fastcgi_next_upstream error; fastcgi_pass pair; }
        location /unbuffered { fastcgi_param CONTENT_LENGTH $content_length; fastcgi_request_buffering off;
          fastcgi_pass 127.0.0.1:${upstream.port}; }`,
    });
  });
  after(async () => {
    await proxy.stop();
    await upstream.close();
    await second.close();
  });

  test("tells in the log of errors what scripts write to their error stream, in a line", async () => {
    using connection = await proxy.connect();
    upstream.play([{ steps: [fastCgiAnswer("X: y\r\n\r\nbody", { stderr: "PHP message: a\nb\r\n\x1bc\n" })] }]);
    assert.equal((await connection.get("/")).text, "body");
    const line = `FastCGI sent in stderr: "PHP message: a b c" while reading response header from upstream, client: `;
    await eventually("it is told", 3000, () => proxy.output.includes(line));
  });

  test("asks another one where fastcgi_catch_stderr catches a word, or the output ends within the head", async () => {
    using connection = await proxy.connect();
    for (const answer of [fastCgiAnswer("X: y\r\n\r\nbody", { stderr: "PHP Fatal error: x" }), fastCgiAnswer("BAD"),
      fastCgiAnswer(""), fastCgiAnswer("X: y\r\n")]) {
      upstream.play([{ steps: [answer, { do: "end" }] }]);
      second.play([{ steps: [ok, { do: "end" }] }]);
      assert.equal((await connection.get("/next")).text, "ok");
      assert.equal(second.requestCount, 1);
    }
    assert.match(proxy.output, /upstream prematurely closed FastCGI stdout while reading response header from/);
    upstream.play([{ steps: [fastCgiAnswer("BAD"), { do: "end" }] }]);
    assert.equal((await connection.get("/error")).status, 502, "that is no error of the connection");
  });

  test("sends chunks as they come where they are not gathered, and an end behind them", async () => {
    using connection = await proxy.connect();
    upstream.play([{ at: "head", steps: [{ until: /56789\0*\x01\x05\0\x01\0\0\0\0$/ }, ok, { do: "end" }] }]);
    connection.send("POST /unbuffered HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n");
    await eventually("the first part is there", 3000, () => upstream.text.includes("01234"));
    connection.send("5\r\n56789\r\n0\r\n\r\n");
    assert.equal((await connection.response()).text, "ok");
    const heard = describeFastCgi(upstream.text).split("\n");
    assert.ok(heard.includes("CONTENT_LENGTH="), heard.join("|"));
    assert.equal(heard.at(-1), "0123456789");
  });
});
