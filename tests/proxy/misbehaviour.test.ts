// Upstreams of every bad kind: what the client hears is an error or visibly not whole, never a shortened answer that
// looks whole; nothing they do is used for the next request, and nothing is left of them.
import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { requestText, type Response } from "../support/connection.ts";
import { openFiles } from "../support/processes.ts";
import type { Program } from "../support/program.ts";
import { type Script, ScriptedUpstream, type Step } from "../support/scripted-upstream.ts";
import { eventually } from "../support/wait.ts";
import { startProxy } from "./support/proxies.ts";

const head = "HTTP/1.1 200 OK\r\n";
const good = `${head}Content-Length: 4\r\n\r\ngood`;
const withLength = `${head}Content-Length: 10\r\nX-A: b\r\n\r\n0123456789`;
const inChunks = `${head}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5;x=y\r\nworld\r\n0\r\nX-T: t\r\n\r\n`;
const untilEnd = `${head}X-A: b\r\n\r\nhello world`;
const bodyOf: Readonly<Record<string, string>> = {
  [withLength]: "0123456789", [inChunks]: "helloworld", [untilEnd]: "hello world",
};
/** Informational answers before an answer, at most. */
const informationalMax = 8;
const places = ["/", "/unbuffered/"] as const;

describe("an upstream that misbehaves", () => {
  let upstream: ScriptedUpstream;
  let proxy: Program;
  let filesBefore = 0;

  before(async () => {
    upstream = await ScriptedUpstream.listen();
    const place = `http://127.0.0.1:${upstream.port}`;
    const patience = "proxy_read_timeout 300ms; proxy_send_timeout 300ms;";
    proxy = await startProxy({
      http: `upstream kept { server 127.0.0.1:${upstream.port} max_fails=0; keepalive 8; } client_max_body_size 0;`,
      server: `location / { proxy_pass http://kept; }
        location /unbuffered/ { proxy_buffering off; proxy_request_buffering off; proxy_pass http://kept; }
        location /hasty/ { ${patience} proxy_pass ${place}; }
        location /hasty/unbuffered/ { ${patience} proxy_buffering off; proxy_request_buffering off;
          proxy_pass ${place}; }
        location /small/ { proxy_buffer_size 1k; proxy_pass ${place}; }`,
    });
    upstream.play([{ steps: [good] }]);
    assert.equal((await ask("/")).text, "good");
    await upstream.settle();
    filesBefore = openFiles(proxy.edgePid).length;
  });
  after(async () => {
    await proxy.stop();
    await upstream.close();
  });
  afterEach(async () => {
    // Whatever happened, the next request is answered, and nothing is left open.
    upstream.play([{ steps: [good] }]);
    const { status, text } = await ask("/");
    assert.deepEqual({ status, text }, { status: 200, text: "good" });
    await upstream.settle();
    await eventually("no descriptor is left", 5000, () => openFiles(proxy.edgePid).length <= filesBefore);
    await eventually("no body is left", 2000, async () => (await proxy.spooled()).length === 0);
    assert.ok(!/AssertionError|TypeError|Unhandled/.test(proxy.output), proxy.output.slice(-3000));
  });

  /** A request on a connection of its own. */
  async function ask(target: string, method: string = "GET", body?: string): Promise<Response> {
    using connection = await proxy.connect();
    return await connection.ask({ method, target, ...(body === undefined ? {} : { body }) });
  }

  /** What a client hears of an answer that is played to it. */
  async function hear(target: string, steps: readonly Step[], at: Script["at"] = "request"): Promise<Response> {
    upstream.play([{ at, steps }]);
    return ask(target);
  }

  for (const [name, answer] of Object.entries({ withLength, inChunks, untilEnd })) {
    for (const end of ["reset", "end"] as const) {
      for (const place of places) {
        test(`that is gone (${end}) after each byte of an answer ${name} at ${place}`, async () => {
          const bodyAt = answer.indexOf("\r\n\r\n") + 4;
          for (let size = 0; size < answer.length; size++) {
            const { status, complete, text } = await hear(place, [answer.slice(0, size), { do: end }]);
            const heard = `${status} ${complete} ${JSON.stringify(text)} after ${size} bytes`;
            // Without a framing only a reset tells that more was to come.
            const isWhole = name === "untilEnd" && end === "end" && size >= bodyAt;
            if (size < bodyAt) assert.equal(status, 502, heard);
            else if (isWhole) assert.equal(text, answer.slice(bodyAt, size), heard);
            else assert.ok(status === 502 || !complete, heard);
            if (!isWhole && status === 200) assert.ok(bodyOf[answer]?.startsWith(text), heard);
          }
        });
      }
    }
    test(`that sends an answer ${name} byte by byte is only slow`, async () => {
      for (const place of places) {
        const { status, text, complete } = await hear(place, [
          { bytewise: answer }, ...(name === "untilEnd" ? [{ do: "end" } as const] : []),
        ]);
        assert.deepEqual({ status, text, complete }, { status: 200, text: bodyOf[answer], complete: true });
      }
    });
  }

  for (const [name, steps] of Object.entries<readonly Step[]>({
    "nothing": [], "half a status line": ["HTTP/1.1 2"], "half a head": [`${head}X: y\r\nX-`],
    "an informational answer only": ["HTTP/1.1 103 Early Hints\r\n\r\n"],
  })) {
    test(`that says ${name} and then nothing is 504`, async () => {
      for (const place of ["/hasty/", "/hasty/unbuffered/"]) {
        const { status, complete } = await hear(place, steps);
        assert.deepEqual({ status, complete }, { status: 504, complete: true });
        await eventually("the connection is closed", 3000, () => upstream.openCount === 0);
      }
    });
  }

  for (const [name, begin] of Object.entries({
    "a length": `${head}Content-Length: 10\r\n\r\n01234`, "chunks": `${head}Transfer-Encoding: chunked\r\n\r\n5\r\nhel`,
    "no framing": `${head}X: y\r\n\r\nhello`,
  })) {
    test(`that stops within a body with ${name} is not whole`, async () => {
      for (const place of ["/hasty/", "/hasty/unbuffered/"]) {
        const { status, complete } = await hear(place, [begin]);
        assert.ok(status === 504 || !complete, `${status} ${complete}`);
        await eventually("the connection is closed", 3000, () => upstream.openCount === 0);
      }
    });
  }

  for (const [name, text] of Object.entries({
    "one byte": "!", "a second answer": good, "line ends": "\r\n", "an interim answer": "HTTP/1.1 103 X\r\n\r\n",
  })) {
    test(`whose answer is followed by ${name}: the connection is not used again`, async () => {
      for (const answer of [withLength, inChunks]) {
        upstream.play([{ steps: [answer + text] }, { steps: [good] }]);
        using connection = await proxy.connect();
        const first = await connection.get("/");
        assert.deepEqual([first.text, first.complete], [bodyOf[answer], true]);
        assert.equal((await connection.get("/")).text, "good");
        assert.equal(upstream.connections.length, 2);
        await upstream.settle();
      }
    });
  }

  test("whose kept connection gets bytes that nobody asked for: they are no answer to the next request", async () => {
    const late = `${head}Content-Length: 4\r\n\r\nevil`;
    upstream.play([{ steps: [good, { pauseMs: 30 }, late] }, { steps: [good] }]);
    using connection = await proxy.connect();
    assert.equal((await connection.get("/")).text, "good");
    await eventually("the connection is closed", 3000, () => upstream.openCount === 0);
    assert.equal((await connection.get("/")).text, "good");
  });

  test("that answers before it is asked is 502", async () => {
    for (const place of places) {
      const { status } = await hear(place, [good], "connect");
      // What came first may be read before the request is written, or after it.
      assert.ok(status === 502 || status === 200, `${status}`);
      await upstream.settle();
    }
  });

  test("whose answer to HEAD has a body: it is not the next answer", async () => {
    upstream.play([{ steps: [withLength] }, { steps: [good] }]);
    using connection = await proxy.connect();
    const { framing, complete } = await connection.ask({ method: "HEAD", target: "/" });
    assert.deepEqual({ framing, complete }, { framing: "none", complete: true });
    assert.equal((await connection.get("/")).text, "good");
  });

  for (const status of [204, 304]) {
    test(`whose ${status} has a body: it is not the next answer`, async () => {
      upstream.play([{ steps: [`HTTP/1.1 ${status} X\r\nContent-Length: 4\r\n\r\nevil`] }, { steps: [good] }]);
      using connection = await proxy.connect();
      assert.equal((await connection.get("/")).status, status);
      assert.equal((await connection.get("/")).text, "good");
    });
  }

  for (const status of [100, 102, 103]) {
    test(`that floods with ${status} is 502 beyond ${informationalMax}`, async () => {
      const hint = `HTTP/1.1 ${status} X\r\nLink: </a>\r\n\r\n`;
      const most = await hear("/", [hint.repeat(informationalMax) + good]);
      assert.deepEqual([most.status, most.text], [200, "good"]);
      await upstream.settle();
      assert.equal((await hear("/", [hint.repeat(informationalMax + 1) + good])).status, 502);
      assert.equal((await hear("/", [hint.repeat(10_000)])).status, 502);
      await eventually("the connection is closed", 3000, () => upstream.openCount === 0);
    });
  }

  test("whose head is larger than proxy_buffer_size is 502", async () => {
    const field = (size: number): string => `${head}X: ${"y".repeat(size)}\r\nContent-Length: 0\r\n\r\n`;
    assert.equal((await hear("/small/", [field(900)])).status, 200);
    await upstream.settle();
    assert.equal((await hear("/small/", [field(1100)])).status, 502);
    assert.equal((await hear("/", [field(15_000)])).status, 200);
    await upstream.settle();
    assert.equal((await hear("/", [field(17_000)])).status, 502);
  });

  const chunks = `${head}Transfer-Encoding: chunked\r\n\r\n`;
  for (const [name, steps] of Object.entries<readonly Step[]>({
    "status line": ["HTTP/1.1 200 ", { many: 3_000_000 }], "field": [`${head}X: `, { many: 3_000_000 }],
    "list of fields": [head, "X: y\r\n".repeat(100_000)], "size of a chunk": [chunks, "0".repeat(1_000_000)],
    "extension of a chunk": [`${chunks}5;`, { many: 3_000_000 }], "trailer": [`${chunks}0\r\nX: `, { many: 3_000_000 }],
    "list of trailers": [`${chunks}0\r\n`, "X: y\r\n".repeat(100_000)],
  })) {
    test(`whose ${name} never ends is cut`, async () => {
      const { status, complete } = await hear("/", steps);
      assert.ok(status === 502 || !complete, `${status} ${complete}`);
      await eventually("the connection is closed", 3000, () => upstream.openCount === 0);
    });
  }

  test("that answers without reading the request's body: the client hears the answer", async () => {
    for (const place of places) {
      upstream.play([{ at: "head", steps: [`HTTP/1.1 413 X\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno`,
        { do: "end" }] }]);
      const { status, text } = await ask(place, "POST", "x".repeat(300_000));
      assert.deepEqual({ status, text }, { status: 413, text: "no" });
    }
  });

  test("that closes while the request's body comes is 502", async () => {
    for (const place of places) {
      upstream.play([{ at: "head", steps: [{ do: "reset" }] }]);
      assert.equal((await ask(place, "POST", "x".repeat(3_000_000))).status, 502);
    }
  });

  test("whose clients leave in the middle of anything", async () => {
    const scripts: readonly Script[] = [
      { steps: [] }, { steps: [head] }, { steps: [withLength.slice(0, -5)] }, { steps: [inChunks.slice(0, 60)] },
      { steps: [`${head}Connection: close\r\nContent-Length: 9000000\r\n\r\n`, { many: 9_000_000 }] }, { at: "head",
        steps: [] },
    ];
    const upload = requestText({ method: "POST", target: "/unbuffered/", fields: { "Content-Length": "900000" } });
    const requests = [requestText({}), requestText({ target: "/unbuffered/" }), upload, upload + "x".repeat(500_000)];
    for (const script of scripts) {
      upstream.play([script]);
      await Promise.all(requests.flatMap((text) => (["close", "reset"] as const).map(async (leave) => {
        const connection = await proxy.connect();
        connection.send(text);
        await eventually("the upstream is asked", 3000, () => upstream.requestCount > 0 || upstream.openCount > 0);
        connection[leave]();
      })));
      await eventually("the upstream's connections are closed", 5000, () => upstream.openCount === 0);
    }
  });

  test("that sends far more than the client reads: what waits is bounded, and all of it arrives", async () => {
    const size = 30_000_000;
    upstream.play([{ steps: [`${head}Content-Length: ${size}\r\n\r\n`, { many: size }] }]);
    for (const place of places) {
      using connection = await proxy.connect();
      connection.send(requestText({ target: place }));
      await eventually("the answer has begun", 3000, () => upstream.requestCount > 0);
      let heard = 0;
      const { complete } = await connection.response({ onBody: (bytes) => (heard += bytes.length) });
      assert.deepEqual({ heard, complete }, { heard: size, complete: true });
      await upstream.settle();
    }
  });
});
