// Bodies of requests on their way to the application: whole, in order, without filling memory, and never in part.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Connection, chunk, requestText } from "../support/connection.ts";
import { residentSize } from "../support/processes.ts";
import { Program } from "../support/program.ts";
import { eventually } from "../support/wait.ts";

const kibi = 1024, mebi = 1024 * 1024;
const sizes = [0, 1, 64 * kibi - 1, 64 * kibi, 64 * kibi + 1, 20 * mebi];
const randomBlock = randomBytes(20 * mebi);

/** What /hash answers. */
interface Hashed {
  readonly size: number;
  readonly sha256: string;
  readonly length?: string;
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

async function uploadWithLength(connection: Connection, body: Uint8Array): Promise<Hashed> {
  connection.send(requestText({ method: "POST", target: "/hash", fields: { "Content-Length": `${body.length}` } }));
  const sent = connection.sendAll(body);
  const { status, text } = await connection.response();
  await sent;
  assert.equal(status, 200);
  return JSON.parse(text) as Hashed;
}

async function uploadChunked(connection: Connection, body: Uint8Array): Promise<Hashed> {
  connection.send(requestText({ method: "POST", target: "/hash", fields: { "Transfer-Encoding": "chunked" } }));
  for (let at = 0; at < body.length; at += 100_000) connection.send(chunk(body.subarray(at, at + 100_000)));
  connection.send(chunk(""));
  const { status, text } = await connection.response();
  assert.equal(status, 200);
  return JSON.parse(text) as Hashed;
}

for (const kind of ["wsgi", "asgi"] as const) {
  describe(`an upload over ${kind.toUpperCase()}`, () => {
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

    for (const size of sizes) {
      test(`of ${size} bytes arrives as it was sent, with Content-Length and chunked`, async () => {
        const body = randomBlock.subarray(0, size);
        using connection = await program.connect();
        for (const upload of [uploadWithLength, uploadChunked]) {
          const { size: arrived, sha256: hash, length } = await upload(connection, body);
          assert.deepEqual([arrived, hash], [size, sha256(body)]);
          if (kind === "wsgi") assert.equal(length, `${size}`, "CONTENT_LENGTH is known, chunked or not");
        }
        assert.equal((await connection.get("/?n=1")).text, "hello 1");
        await eventually("nothing is left on disk", 1000, async () => (await program.spooled()).length === 0);
      });
    }

    test("that drips byte by byte arrives as it was sent", async () => {
      using connection = await program.connect();
      const text = requestText({ method: "POST", target: "/hash", fields: { "Transfer-Encoding": "chunked" } }) +
        chunk("hello ") + "5;name=value\r\nworld\r\n0\r\nX-Trailer: 1\r\n\r\n";
      for (const byte of text) {
        connection.send(byte);
        await sleep(1);
      }
      const { size, sha256: hash } = JSON.parse((await connection.response()).text) as Hashed;
      assert.deepEqual([size, hash], [11, sha256(Buffer.from("hello world"))]);
    });

    for (const size of [1000, 5 * mebi]) {
      test(`of ${size} bytes that is broken off is never taken for whole, and leaves no file`, async () => {
        await events();
        for (const fields of [{ "Content-Length": `${size}` }, { "Transfer-Encoding": "chunked" }]) {
          for (const leave of ["close", "reset", "end"] as const) {
            using connection = await program.connect();
            connection.send(requestText({ method: "POST", target: "/hash", fields }));
            const part = randomBlock.subarray(0, Math.ceil(size * 0.8));
            connection.send("Content-Length" in fields ? part : chunk(part));
            // Long enough to be in the application, if it ever got there.
            await sleep(150);
            const stored = kind === "wsgi" && size > 64 * kibi;
            assert.equal((await program.spooled()).length > 0, stored, "only what no worker may wait for is stored");
            connection[leave]();
            if (leave === "end") assert.match(await connection.rest(), /^HTTP\/1\.1 400 /);
          }
        }
        const seen: string[] = [];
        if (kind === "wsgi") {
          await sleep(200);
          seen.push(...await events());
          assert.deepEqual(seen, [], "the application never heard of it");
        } else {
          await eventually("each is told to the application", 2000, async () => {
            seen.push(...await events());
            return seen.filter((event) => event === "disconnect").length === 6;
          });
          assert.ok(!seen.includes("read"));
        }
        await eventually("no file is left", 1000, async () => (await program.spooled()).length === 0);
      });
    }

    test("whose chunks are malformed in the middle is refused with 400, and never taken for whole", async () => {
      await events();
      using connection = await program.connect();
      connection.send(requestText({ method: "POST", target: "/hash", fields: { "Transfer-Encoding": "chunked" } }));
      connection.send(`${chunk("abc")}zz\r\n`);
      assert.equal((await connection.response()).status, 400);
      await sleep(100);
      assert.ok(!(await events()).includes("read"));
    });

    test("that nobody reads keeps its sender waiting, and memory flat", async () => {
      // The kernel's own buffers take some megabytes of it.
      const body = Buffer.concat([randomBlock, randomBlock, randomBlock, randomBlock]);
      const waits = kind === "asgi";
      using connection = await program.connect();
      await connection.get("/?n=1");
      const before = residentSize([program.edgePid]);
      const fields = { "Content-Length": `${body.length}` };
      connection.send(requestText({ method: "POST", target: "/hash?first=1", fields }));
      let largest = 0;
      const sent = connection.sendAll(body);
      const response = connection.response();
      let arrived = false;
      void response.finally(() => (arrived = true));
      const startMs = performance.now();
      let heldBack = false;
      while (!arrived) {
        await Promise.race([response, sleep(50)]);
        largest = Math.max(largest, residentSize([program.edgePid]));
        heldBack ||= performance.now() - startMs > 600 && connection.unsentSize > 0;
      }
      const { size, sha256: hash } = JSON.parse((await response).text) as Hashed;
      await sent;
      assert.deepEqual([size, hash], [body.length, sha256(body)]);
      assert.equal(heldBack || !waits, true, "the sender waits while the application does not read");
      assert.ok(largest - before < 40 * mebi, `the edge grew by ${(largest - before) / mebi} MiB`);
    });
  });
}

test("a slow upload occupies no WSGI worker", async () => {
  await using program = await Program.start({ app: "wsgi_app:app" });
  using slow = await program.connect();
  slow.send(requestText({ method: "POST", target: "/hash", fields: { "Content-Length": "200000" } }));
  slow.send("x".repeat(150_000));
  await sleep(100);
  using other = await program.connect();
  assert.equal((await other.get("/?n=1")).text, "hello 1");
  slow.send("x".repeat(50_000));
  assert.equal((JSON.parse((await slow.response()).text) as Hashed).size, 200_000);
});

describe("a disk that takes nothing more", () => {
  // A file system of 4 MiB, where this user may make one; else a limit for each file. Both fail in the middle.
  const mount = 'mkdir "$TMPDIR/small" && mount -t tmpfs -o size=4m none "$TMPDIR/small" && ' +
    'TMPDIR=$TMPDIR/small exec "$@"';
  const mayMount = spawnSync("unshare", ["-m", "mount", "-t", "tmpfs", "none", "/mnt"]).status === 0;
  const within = mayMount
    ? ["unshare", "-m", "sh", "-c", mount, "sh"]
    : ["sh", "-c", 'ulimit -f 6144; exec "$@"', "sh"];

  test("is a 507 for the upload that does not fit, and the program lives", async () => {
    await using program = await Program.start({ app: "wsgi_app:app", within });
    for (let n = 0; n < 2; n++) {
      using connection = await program.connect();
      connection.send(requestText({ method: "POST", target: "/hash", fields: { "Content-Length": `${8 * mebi}` } }));
      connection.send(randomBlock.subarray(0, 8 * mebi));
      assert.equal((await connection.response()).status, 507);
    }
    await eventually("the log says what to do", 1000, () => /could not be stored.*free space/.test(program.output));
    // The file is removed a moment after the answer.
    await eventually("there is room again", 2000, async () => {
      using connection = await program.connect();
      const body = randomBlock.subarray(0, 2 * mebi);
      const arrived = await uploadWithLength(connection, body).catch(() => undefined);
      return arrived?.sha256 === sha256(body);
    });
  });
});

describe("an upload that is answered before it is there", () => {
  const post = (length: number): string =>
    requestText({ method: "POST", target: "/?n=1", fields: { "Content-Length": `${length}` } });

  test("keeps its connection when little of it is left, and is told that the connection ends otherwise", async () => {
    await using program = await Program.start({ app: "asgi_app:app" });
    using connection = await program.connect();
    for (let n = 0; n < 3; n++) {
      connection.send(post(256 * kibi));
      const answer = await connection.response();
      assert.deepEqual([answer.text, answer.fields.get("connection")], ["hello 1", undefined]);
      await connection.sendAll(randomBlock.subarray(0, 256 * kibi));
    }
    connection.send(post(256 * kibi + 1));
    assert.equal((await connection.response()).fields.get("connection"), "close");
    using other = await program.connect();
    other.send(requestText({ method: "POST", target: "/?n=1", fields: { "Transfer-Encoding": "chunked" } }));
    assert.equal((await other.response()).fields.get("connection"), "close");
  });
});
