// Bodies of responses on their way to the client: framed truly, as they are produced, and never a part taken for whole.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { requestText } from "../support/connection.ts";
import { Program } from "../support/program.ts";
import { best, eventually } from "../support/wait.ts";

const mebi = 1024 * 1024;
/** What /stream makes a block of 64 KiB of. */
const streamBlock = Buffer.from(Array.from({ length: 65_536 }, (_, n) => n & 255));

for (const kind of ["wsgi", "asgi"] as const) {
  describe(`a response of ${kind === "wsgi" ? "a" : "an"} ${kind.toUpperCase()} application`, () => {
    let program: Program;
    before(async () => {
      program = await Program.start({ app: `${kind}_app:app` });
    });
    after(() => program.stop());

    /** What the application noted since the last time. */
    async function events(): Promise<string[]> {
      using observer = await program.connect();
      return JSON.parse((await observer.get("/events")).text) as string[];
    }

    test("arrives block by block, the first one at once", async () => {
      using connection = await program.connect();
      await connection.get("/");
      const firstMs = await best(3, 50, async () => {
        const { blocks, framing, complete } = await connection.get("/stream?count=4&s=0.15&size=100");
        assert.deepEqual([framing, complete], ["chunked", true]);
        assert.deepEqual(blocks.map(({ size }) => size), [100, 100, 100, 100]);
        for (const [n, { atMs }] of blocks.entries()) assert.ok(atMs > n * 150 - 20, `block ${n} after ${atMs} ms`);
        return blocks[0]?.atMs ?? Number.POSITIVE_INFINITY;
      });
      assert.ok(firstMs <= 50, `the first block came after ${firstMs} ms`);
    });

    test("of known length is not chunked", async () => {
      using connection = await program.connect();
      const response = await connection.get("/stream?count=3&size=100&length=300");
      assert.deepEqual([response.framing, response.body.length, response.complete], ["length", 300, true]);
      assert.equal(response.fields.get("content-length"), "300");
      assert.equal((await connection.get("/?n=1")).text, "hello 1");
    });

    test("that is shorter than its Content-Length is visibly incomplete", async () => {
      using connection = await program.connect();
      const response = await connection.get("/stream?count=3&size=100&length=1000");
      assert.deepEqual([response.status, response.complete], [200, false]);
      assert.ok(response.body.length <= 300);
    });

    test("that is longer than its Content-Length ends there, and the next one is intact", async () => {
      using connection = await program.connect();
      const response = await connection.get("/stream?count=3&size=100&length=250");
      assert.ok(response.body.length <= 250, "nothing lies beyond the declared length");
      if (response.complete) {
        assert.equal((await connection.get("/?n=1")).text, "hello 1");
      } else {
        // The application was told of its mistake before all had been sent.
        assert.equal(kind, "asgi");
      }
    });

    test("is 500 when the application fails before it, and the connection goes on", async () => {
      using connection = await program.connect();
      const response = await connection.get("/fail");
      assert.deepEqual([response.status, response.complete], [500, true]);
      assert.ok(!response.text.includes("before the head"), "the client learns nothing of the reason");
      assert.equal((await connection.get("/?n=1")).text, "hello 1");
      await eventually("a traceback", 1000, () => program.output.includes("RuntimeError: before the head"));
    });

    test("is visibly incomplete when the application fails in the middle", async () => {
      using connection = await program.connect();
      const response = await connection.get("/fail?after=3");
      assert.deepEqual([response.status, response.complete], [200, false]);
      assert.equal(connection.error?.code ?? "ECONNRESET", "ECONNRESET");
      await eventually("a traceback", 1000, () => program.output.includes("RuntimeError: after the head"));
      using http10 = await program.connect();
      const cut = await http10.ask({ version: "1.0", target: "/fail?after=3" }).catch(() => undefined);
      assert.notEqual(cut?.complete, true, "a body that ends with its connection ends in a reset");
    });

    test("is a file by its name, whole and from an offset", async () => {
      const content = randomBytes(3 * mebi + 17);
      await writeFile(join(program.folder, "file"), content);
      using connection = await program.connect();
      const whole = await connection.get("/file?name=file");
      assert.ok(whole.body.equals(content));
      assert.deepEqual([whole.framing, whole.complete], ["length", true]);
      if (kind === "wsgi") {
        const part = await connection.get("/file?name=file&offset=1000000");
        assert.ok(part.body.equals(content.subarray(1_000_000)));
      }
      const head = await connection.ask({ method: "HEAD", target: "/file?name=file&length" });
      assert.equal(head.status, 200);
      assert.equal((await connection.get("/?n=1")).text, "hello 1");
    });

    test("is an empty file by its name", async () => {
      await writeFile(join(program.folder, "empty"), "");
      using connection = await program.connect();
      const { status, body, complete } = await connection.get("/file?name=empty");
      assert.deepEqual([status, body.length, complete], [200, 0, true]);
      assert.equal((await connection.get("/?n=1")).text, "hello 1");
    });

    test("is visibly incomplete when its file becomes shorter meanwhile", async () => {
      const name = join(program.folder, "shrinking");
      await writeFile(name, randomBytes(30 * mebi));
      using connection = await program.connect();
      connection.send(requestText({ target: "/file?name=shrinking" }));
      await connection.read(200);
      await truncate(name, 1000);
      assert.ok((await connection.rest()).length < 30 * mebi);
    });

    test("is 500 when there is no such file", async () => {
      using connection = await program.connect();
      assert.equal((await connection.get("/file?name=nothing")).status, 500);
      assert.equal((await connection.get("/?n=1")).text, "hello 1");
    });

    test("has no body for HEAD, however much the application gives", async () => {
      using connection = await program.connect();
      for (const target of ["/stream?count=3", "/stream?count=3&length=30", "/stream?count=40&size=65536"]) {
        const { status, framing } = await connection.ask({ method: "HEAD", target });
        assert.deepEqual([status, framing], [200, "none"]);
        assert.equal((await connection.get("/?n=1")).text, "hello 1", "the next response begins where it must");
      }
    });

    test("goes to a client that reads slowly without holding anybody else up", async () => {
      using slow = await program.connect();
      const count = 320;
      await events();
      slow.send(requestText({ target: `/stream?count=${count}&size=65536&n=slow` }));
      assert.equal(await slow.read(9), "HTTP/1.1 ");
      const startMs = performance.now();
      using other = await program.connect();
      assert.equal((await other.get("/?n=1")).text, "hello 1");
      assert.ok(performance.now() - startMs < 1000, "the only worker is free, or not waiting");
      await sleep(600);
      if (kind === "wsgi") {
        assert.ok((await events()).includes("closed slow"), "the worker has finished long before its client");
        assert.equal((await program.spooled()).length, 1);
      } else {
        assert.ok(!(await events()).includes("closed slow"), "send() waits for the client");
        assert.equal((await program.spooled()).length, 0);
      }
      const hash = createHash("sha256");
      slow.unread("HTTP/1.1 ");
      assert.ok((await slow.response({ onBody: (bytes) => void hash.update(bytes) })).complete);
      const expected = createHash("sha256");
      for (let n = 0; n < count; n++) expected.update(streamBlock);
      assert.equal(hash.digest("hex"), expected.digest("hex"));
      if (kind === "asgi") {
        await eventually("the application has sent everything", 1000, async () => {
          const sent = (await events()).find((event) => event.startsWith("sent slow"));
          const longest = Number(/longest wait ([\d.]+)/.exec(sent ?? "")?.[1] ?? -1);
          if (longest >= 0) assert.ok(longest > 0.3, `the longest send() took ${longest} s`);
          return longest >= 0;
        });
      }
      await eventually("nothing is left on disk", 1000, async () => (await program.spooled()).length === 0);
    });

    test("that nobody waits for any more is ended, and closed", async () => {
      await Promise.all((["close", "reset"] as const).map(async (leave) => {
        // An application of its own: the events of both must not mix.
        await using own = await Program.start({ app: `${kind}_app:app`, options: ["--threads", "2"] });
        using connection = await own.connect();
        connection.send(requestText({ target: `/stream?count=100000&size=1000&s=0.01&n=gone` }));
        await connection.read(500);
        connection[leave]();
        // ASGI's sends are dropped in silence for ten seconds, for those who listen for http.disconnect instead.
        await eventually("its end is noted", kind === "wsgi" ? 2000 : 14_000, async () => {
          using observer = await own.connect();
          return (await observer.get("/events")).text.includes("closed gone");
        });
      }));
    });
  });
}

describe("WSGI only", () => {
  let program: Program;
  before(async () => {
    program = await Program.start({ app: "wsgi_app:app" });
  });
  after(() => program.stop());

  test("204 and 304 have no body, whatever the application gives", async () => {
    using connection = await program.connect();
    for (const status of [204, 304]) {
      const response = await connection.get(`/status?status=${status}`);
      assert.deepEqual([response.status, response.framing], [status, "none"]);
      assert.equal(response.fields.get("transfer-encoding"), undefined);
      assert.equal((await connection.get("/?n=1")).text, "hello 1");
    }
  });

  test("a response that the disk does not take goes at its client's pace, and the program lives", async () => {
    const within = ["sh", "-c", 'ulimit -f 6144; exec "$@"', "sh"];
    await using small = await Program.start({ app: "wsgi_app:app", within });
    using slow = await small.connect();
    slow.send(requestText({ target: "/stream?count=320&size=65536" }));
    assert.equal(await slow.read(9), "HTTP/1.1 ");
    await eventually("the log says so", 3000, () => small.output.includes("no longer stored"));
    slow.unread("HTTP/1.1 ");
    const { body, complete } = await slow.response();
    assert.deepEqual([body.length, complete], [320 * 65_536, true]);
    for (let at = 0; at < body.length; at += 65_536) {
      assert.ok(body.subarray(at, at + 65_536).equals(streamBlock), `the block at ${at}`);
    }
    assert.equal((await slow.get("/?n=1")).text, "hello 1");
  });

  test("an event stream is never stored for a slow client: its worker waits", async () => {
    using slow = await program.connect();
    slow.send(requestText({ target: "/stream?count=320&size=65536&type=text/event-stream" }));
    assert.equal(await slow.read(9), "HTTP/1.1 ");
    await sleep(300);
    assert.equal((await program.spooled()).length, 0);
    slow.unread("HTTP/1.1 ");
    assert.equal((await slow.response()).body.length, 320 * 65_536);
  });
});

describe("ASGI only", () => {
  let program: Program;
  before(async () => {
    program = await Program.start({ app: "asgi_app:app" });
  });
  after(() => program.stop());

  test("a file by its name may be deleted once it was sent", async () => {
    using connection = await program.connect();
    const content = randomBytes(100_000);
    const begun = performance.now();
    for (let n = 0; n < 20; n++) {
      await writeFile(join(program.folder, "once"), content);
      const { status, body } = await connection.get("/file?name=once&once=1");
      assert.deepEqual([status, body.equals(content)], [200, true]);
      await eventually("the file is deleted", 5000, () => !existsSync(join(program.folder, "once")));
    }
    // The worker is told when the file is open: it does not wait for its time to pass.
    assert.ok(performance.now() - begun < 5000);
  });

  test("trailers follow a chunked body", async () => {
    using connection = await program.connect();
    const { text, trailers } = await connection.get("/trailers", { TE: "trailers" });
    assert.equal(text, "abc");
    assert.deepEqual([...trailers], [["x-sum", "6"]]);
    const unasked = await connection.get("/trailers");
    assert.deepEqual([unasked.text, unasked.complete, [...unasked.trailers]], [text, true, []]);
    assert.equal((await connection.get("/?n=1")).text, "hello 1");
  });

  test("early hints come before the response, but not to HTTP/1.0", async () => {
    using connection = await program.connect();
    const hinted = await connection.get("/early-hint");
    assert.deepEqual([hinted.informational, hinted.text], [[103], "hinted"]);
    using old = await program.connect();
    assert.deepEqual((await old.ask({ version: "1.0", target: "/early-hint" })).informational, []);
  });
});
