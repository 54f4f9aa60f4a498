// The access log: a line for each response, in gunicorn's words, that no client can forge.
import assert from "node:assert/strict";
import { readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { requestText } from "../support/connection.ts";
import { Program } from "../support/program.ts";
import { eventually } from "../support/wait.ts";

/** Starts the program with a log file whose name it learns from its environment's TEST_FOLDER. */
async function startLogging(app: string, ...options: readonly string[]): Promise<Program> {
  // The folder is made by the start itself, so the name goes through a shell.
  const script = 'bin=$1; shift; exec "$bin" "$@" --access-logfile "$TMPDIR/access.log"';
  return Program.start({ app, options, within: ["sh", "-c", script, "sh"] });
}

async function lines(program: Program, count: number): Promise<readonly string[]> {
  return eventually(`${count} lines in the log`, 3000, async () => {
    const text = await readFile(join(program.folder, "access.log"), "utf8");
    const found = text.split("\n").slice(0, -1);
    assert.ok(found.length <= count, `${found.length} lines instead of ${count}:\n${text}`);
    return found.length === count ? found : undefined;
  });
}

for (const kind of ["wsgi", "asgi"] as const) {
  describe(`the access log before ${kind.toUpperCase()}`, () => {
    test("is Apache's combined format, a line for each response", async () => {
      await using program = await startLogging(`${kind}_app:app`);
      using connection = await program.connect();
      await connection.get("/?n=1", { "User-Agent": "test/1", Referer: "http://a.test/" });
      const fields = { Authorization: "Basic YWw6cHc=" };
      await connection.ask({ method: "POST", target: "/hash", body: "abc", fields });
      await connection.ask({ method: "HEAD", target: "/" });
      await connection.get("/fail");
      await connection.get("/stream?count=3&size=100");
      const [first = "", second = "", third = "", fourth = "", fifth = ""] = await lines(program, 5);
      const time = String.raw`\[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]`;
      assert.match(first, new RegExp(
        `^127\\.0\\.0\\.1 - - ${time} "GET /\\?n=1 HTTP/1\\.1" 200 7 "http://a\\.test/" "test/1"$`));
      assert.match(second, /^127\.0\.0\.1 - al \[.*\] "POST \/hash HTTP\/1\.1" 200 \d+ "-" "-"$/);
      assert.match(third, /"HEAD \/ HTTP\/1\.1" 200 - "-" "-"$/);
      assert.match(fourth, /"GET \/fail HTTP\/1\.1" 500 \d+ "-" "-"$/);
      assert.match(fifth, /"GET \/stream\?count=3&size=100 HTTP\/1\.1" 200 300 "-" "-"$/);
    });

    test("takes gunicorn's atoms", async () => {
      const format = '%(h)s|%(m)s|%(U)s|%(q)s|%(H)s|%(s)s|%(st)s|%(B)s|%(b)s|%({x-id}i)s|%({content-type}o)s|' +
        "%({TEST_ATOM}e)s|%({absent}i)s|%(M)s|%(D)s|%(T)s|%(L)s|%(p)s|%%|%(unknown)s";
      await using program = await startLogging(`${kind}_app:app`, "--access-logformat", format, "--env", "TEST_ATOM=1");
      using connection = await program.connect();
      await connection.get("/sleep?s=0.05", { "X-Id": "42" });
      const [line = ""] = await lines(program, 1);
      const parts = line.split("|");
      assert.deepEqual(parts.slice(0, 13), [
        "127.0.0.1", "GET", "/sleep", "s=0.05", "HTTP/1.1", "200", "OK", "6", "6", "42", "text/plain", parts[11], "-",
      ]);
      const [milliseconds, microseconds, whole, seconds] = parts.slice(13, 17).map(Number);
      assert.ok(milliseconds !== undefined && milliseconds >= 45 && milliseconds < 2000);
      assert.ok(microseconds !== undefined && microseconds >= 45_000);
      assert.equal(whole, 0);
      assert.ok(seconds !== undefined && seconds >= 0.045);
      assert.match(parts[17] ?? "", /^<\d+>$/);
      assert.deepEqual(parts.slice(18), ["%", "-"]);
    });
  });
}

test("what a client sends cannot end a line, close a quote or move a terminal", async () => {
  await using program = await startLogging("wsgi_app:app");
  using connection = await program.connect();
  await connection.get('/"quoted"\\?a="', { "User-Agent": '" 200 1 "-" \x80\xff\\"' });
  const authorization = `Basic ${Buffer.from('a"\n\x1b[2J:pw').toString("base64")}`;
  await connection.get("/", { Authorization: authorization, Referer: "tab\there" });
  const [first = "", second = ""] = await lines(program, 2);
  for (const line of [first, second]) assert.match(line, /^[\x20-\x7e]+$/);
  const agent = String.raw`"\x22 200 1 \x22-\x22 \x80\xFF\x5C\x22"`;
  assert.ok(first.includes(String.raw`"GET /\x22quoted\x22\x5C?a=\x22 HTTP/1.1" 200 `), first);
  assert.ok(first.endsWith(` "-" ${agent}`), first);
  assert.match(second, /^127\.0\.0\.1 - a\\x22\\x0A\\x1B\[2J /);
  assert.match(second, /"tab\\x09here"/);
});

test("the log has a line for a client that left in the middle of its response", async () => {
  await using program = await startLogging("wsgi_app:app");
  const connection = await program.connect();
  connection.send(requestText({ target: "/stream?count=100000&size=1000&s=0.01" }));
  await connection.read(1500);
  connection.close();
  const [line = ""] = await lines(program, 1);
  assert.match(line, /"GET \/stream\S* HTTP\/1\.1" 200 \d+ /);
});

test("trusted forwarding shows in the log", async () => {
  await using program = await startLogging("wsgi_app:app");
  using connection = await program.connect();
  await connection.get("/", { "X-Forwarded-For": "192.0.2.7" });
  assert.match((await lines(program, 1))[0] ?? "", /^192\.0\.2\.7 - - /);
});

test("several edge threads write whole lines into one file", async () => {
  await using program = await startLogging("wsgi_app:app", "--worker-processes", "2", "--workers", "2");
  await Promise.all(Array.from({ length: 8 }, async (_, client) => {
    using connection = await program.connect();
    for (let n = 0; n < 100; n++) await connection.get(`/?n=${client}-${n}`);
  }));
  const pattern = /"GET \/\?n=(\S+) HTTP\/1\.1" 200 \d+ "-" "-"$/;
  const found = (await lines(program, 800)).map((line) => pattern.exec(line)?.[1]);
  assert.equal(new Set(found).size, 800);
  assert.ok(!found.includes(undefined));
});

test("USR1 opens the file again under its name", async () => {
  await using program = await startLogging("wsgi_app:app");
  using connection = await program.connect();
  await connection.get("/?n=1");
  await lines(program, 1);
  await rename(join(program.folder, "access.log"), join(program.folder, "access.log.1"));
  program.signal("SIGUSR1");
  await eventually("there is a new file", 3000, () =>
    readFile(join(program.folder, "access.log")).then(() => true, () => false));
  await connection.get("/?n=2");
  assert.match((await lines(program, 1))[0] ?? "", /n=2/);
  assert.match(await readFile(join(program.folder, "access.log.1"), "utf8"), /n=1/);
});

test("--access-log writes to standard output, nothing does by default", async () => {
  await using silent = await Program.start({ app: "wsgi_app:app" });
  await using loud = await Program.start({ app: "wsgi_app:app", options: ["--access-log"] });
  for (const program of [silent, loud]) {
    using connection = await program.connect();
    await connection.get("/?n=line");
  }
  await eventually("the line is printed", 2000, () => loud.output.includes('"GET /?n=line HTTP/1.1" 200 10 '));
  await sleep(100);
  assert.ok(!silent.output.includes("n=line"));
});
