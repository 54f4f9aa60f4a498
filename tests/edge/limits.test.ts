// Every bound of the edge: one below and at the bound all is well, one above has its status, and the program lives.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type Connection, chunk, requestText } from "../support/connection.ts";
import { Program } from "../support/program.ts";
import { eventually } from "../support/wait.ts";

const lineSizeMax = 300;
const fieldSizeMax = 250;
const fieldCountMax = 10;
const headSizeMax = 2048;
const bodySizeMax = 1000;

/** A head without Host, of so many fields that are so many bytes with their CRLF. */
function fieldsOf(...sizes: readonly number[]): string {
  return sizes.map((size, n) => `X-${n}: `.padEnd(size - 2, "x") + "\r\n").join("");
}

const host = "Host: t\r\n";

describe("the limits of a head", () => {
  let program: Program;
  before(async () => {
    program = await Program.start({
      app: "wsgi_app:app",
      options: [
        "--limit-request-line", `${lineSizeMax}`, "--limit-request-field-size", `${fieldSizeMax}`,
        "--limit-request-fields", `${fieldCountMax}`, "--large-client-header-buffers", `${headSizeMax}`,
      ],
    });
  });
  after(() => program.stop());

  /** The status for a head that comes whole and one that comes in pieces: they must be the same. */
  async function statusOf(head: string): Promise<number> {
    const statuses: number[] = [];
    for (const size of [head.length, 97]) {
      using connection = await program.connect();
      for (let at = 0; at < head.length; at += size) {
        connection.send(head.slice(at, at + size));
        if (size < head.length) await sleep(1);
      }
      const { status, fields } = await connection.response();
      statuses.push(status);
      if (status === 200) continue;
      assert.equal(fields.get("connection"), "close");
      assert.equal(await connection.rest(), "");
    }
    const [whole = 0, pieces] = statuses;
    assert.equal(pieces, whole, "whole or in pieces");
    return whole;
  }

  test("request line: 414 above it", async () => {
    const line = (size: number): string => `${"GET /?n=".padEnd(size - 11, "x")} HTTP/1.1\r\n${host}\r\n`;
    assert.equal(line(lineSizeMax).indexOf("\r\n") + 2, lineSizeMax);
    assert.equal(await statusOf(line(lineSizeMax - 1)), 200);
    assert.equal(await statusOf(line(lineSizeMax)), 200);
    assert.equal(await statusOf(line(lineSizeMax + 1)), 414);
    assert.equal(await statusOf(line(lineSizeMax * 5)), 414);
  });

  test("one field: 431 above it", async () => {
    const head = (size: number): string => `GET / HTTP/1.1\r\n${host}${fieldsOf(size)}\r\n`;
    assert.equal(await statusOf(head(fieldSizeMax - 1)), 200);
    assert.equal(await statusOf(head(fieldSizeMax)), 200);
    assert.equal(await statusOf(head(fieldSizeMax + 1)), 431);
    assert.equal(await statusOf(`GET / HTTP/1.1\r\n${host}${"n".repeat(fieldSizeMax)}: x\r\n\r\n`), 431);
  });

  test("number of fields: 431 above it", async () => {
    // Host is one of them.
    const head = (count: number): string =>
      `GET / HTTP/1.1\r\n${host}${fieldsOf(...new Array<number>(count - 1).fill(20))}\r\n`;
    assert.equal(await statusOf(head(fieldCountMax - 1)), 200);
    assert.equal(await statusOf(head(fieldCountMax)), 200);
    assert.equal(await statusOf(head(fieldCountMax + 1)), 431);
  });

  test("whole head: 431 above it", async () => {
    const head = (size: number): string => {
      const start = `GET /?n=${"x".repeat(100)} HTTP/1.1\r\n${host}`;
      const rest = size - start.length - 2 - 7 * fieldSizeMax;
      return `${start}${fieldsOf(...new Array<number>(7).fill(fieldSizeMax), rest)}\r\n`;
    };
    assert.equal(head(headSizeMax).length, headSizeMax);
    assert.equal(await statusOf(head(headSizeMax - 1)), 200);
    assert.equal(await statusOf(head(headSizeMax)), 200);
    assert.equal(await statusOf(head(headSizeMax + 1)), 431);
  });

  test("a head without end is refused, not gathered", async () => {
    using connection = await program.connect();
    connection.send(`GET / HTTP/1.1\r\n${host}`);
    for (let n = 0; n < 40; n++) connection.send(fieldsOf(100));
    assert.equal((await connection.response()).status, 431);
  });
});

for (const kind of ["wsgi", "asgi"] as const) {
  describe(`client-max-body-size before ${kind.toUpperCase()}`, () => {
    let program: Program;
    before(async () => {
      program = await Program.start({
        app: `${kind}_app:app`, options: ["--client-max-body-size", `${bodySizeMax}`],
      });
    });
    after(() => program.stop());

    test("with Content-Length: 413 above it, before any of the body is read", async () => {
      for (const size of [0, bodySizeMax - 1, bodySizeMax]) {
        using connection = await program.connect();
        const response = await connection.ask({ method: "POST", target: "/hash", body: "x".repeat(size) });
        assert.deepEqual([response.status, (JSON.parse(response.text) as { size: number }).size], [200, size]);
      }
      using connection = await program.connect();
      const fields = { "Content-Length": `${bodySizeMax + 1}` };
      connection.send(requestText({ method: "POST", target: "/hash", fields }));
      const response = await connection.response();
      assert.deepEqual([response.status, response.fields.get("connection")], [413, "close"]);
      assert.equal(await connection.rest(), "");
    });

    test("chunked: 413 as soon as it is above", async () => {
      const fields = { "Transfer-Encoding": "chunked" };
      const start = requestText({ method: "POST", target: "/hash", fields });
      for (const size of [bodySizeMax - 1, bodySizeMax]) {
        using connection = await program.connect();
        connection.send(start + chunk("x".repeat(600)) + chunk("x".repeat(size - 600)) + chunk(""));
        const response = await connection.response();
        assert.deepEqual([response.status, (JSON.parse(response.text) as { size: number }).size], [200, size]);
      }
      using connection = await program.connect();
      connection.send(start + chunk("x".repeat(600)));
      await sleep(50);
      connection.send(chunk("x".repeat(bodySizeMax - 600 + 1)));
      const response = await connection.response();
      assert.deepEqual([response.status, response.fields.get("connection")], [413, "close"]);
    });

    test("a client that waits for 100 Continue gets 413 instead", async () => {
      using connection = await program.connect();
      const fields = { "Content-Length": `${bodySizeMax + 1}`, Expect: "100-continue" };
      const response = await connection.ask({ method: "POST", target: "/hash", fields });
      assert.deepEqual([response.status, response.informational], [413, []]);
    });

    test("a client that sends on regardless can still read the 413", async () => {
      using connection = await program.connect();
      const size = 500_000;
      connection.send(requestText({ method: "POST", target: "/hash", fields: { "Content-Length": `${size}` } }));
      connection.send("x".repeat(size));
      await sleep(100);
      assert.equal((await connection.response()).status, 413);
    });
  });
}

test("keepalive-requests: the last one says close and closes", async () => {
  await using program = await Program.start({ app: "wsgi_app:app", options: ["--keepalive-requests", "3"] });
  using connection = await program.connect();
  assert.equal((await connection.get("/")).fields.get("connection"), undefined);
  assert.equal((await connection.get("/")).fields.get("connection"), undefined);
  assert.equal((await connection.get("/")).fields.get("connection"), "close");
  assert.equal(await connection.rest(), "");
  using ahead = await program.connect();
  ahead.send(requestText({}).repeat(4));
  for (let n = 0; n < 3; n++) assert.equal((await ahead.response()).status, 200);
  assert.equal(await ahead.rest(), "", "the fourth is not answered: the client sends it again elsewhere");
});

test("worker-connections: one more is dropped, those who are there go on, a free place is taken", async () => {
  await using program = await Program.start({ app: "wsgi_app:app", options: ["--worker-connections", "4"] });
  const connections: Connection[] = [];
  for (let n = 0; n < 4; n++) connections.push(await program.connect());
  for (const connection of connections) assert.equal((await connection.get("/")).status, 200);
  using fifth = await program.connect();
  assert.equal(await fifth.rest(), "");
  for (const connection of connections) assert.equal((await connection.get("/")).status, 200);
  connections.pop()?.close();
  await eventually("the place is free", 2000, async () => {
    using next = await program.connect();
    next.send(requestText({}));
    return (await next.rest(500).catch(() => "HTTP")) !== "";
  });
  for (const connection of connections) connection.close();
  await eventually("the log says so", 1000, () => program.output.includes("worker_connections are used up"));
});

test("limit-concurrency: one request more gets 503 and Retry-After at once, later ones are served", async () => {
  const options = ["--limit-concurrency", "2", "--threads", "4"];
  await using program = await Program.start({ app: "wsgi_app:app", options });
  const slow = [await program.connect(), await program.connect()];
  for (const connection of slow) connection.send(requestText({ target: "/sleep?s=0.4" }));
  await sleep(100);
  using third = await program.connect();
  const refused = await third.get("/");
  assert.deepEqual([refused.status, refused.fields.get("retry-after")], [503, "1"]);
  assert.ok(refused.headMs < 200, `at once, not after ${refused.headMs} ms`);
  for (const connection of slow) assert.equal((await connection.response()).status, 200);
  using later = await program.connect();
  assert.equal((await later.get("/")).status, 200);
  for (const connection of slow) connection.close();
});

for (const [what, options] of [["sync", []], ["several edge threads", ["--worker-processes", "2"]]] as const) {
  test(`backlog, ${what}: a full queue answers 503 and Retry-After at once, who waits is served`, async () => {
    await using program = await Program.start({ app: "wsgi_app:app", options: ["--backlog", "3", ...options] });
    const connections: Connection[] = [];
    for (let n = 0; n < 12; n++) connections.push(await program.connect());
    for (const connection of connections) connection.send(requestText({ target: "/sleep?s=0.25" }));
    const answers = await Promise.all(connections.map((connection) => connection.response()));
    const served = answers.filter(({ status }) => status === 200);
    const refused = answers.filter(({ status }) => status === 503);
    assert.equal(served.length + refused.length, 12);
    // One runs; each edge thread lets three wait.
    const room = options.length === 0 ? [4, 4] : [4, 7];
    assert.ok(served.length >= (room[0] ?? 0) && served.length <= (room[1] ?? 0), `${served.length} were served`);
    for (const { fields, headMs } of refused) {
      assert.equal(fields.get("retry-after"), "1");
      assert.ok(headMs < 200, `at once, not after ${headMs} ms`);
    }
    for (const connection of connections) connection.close();
  });
}
