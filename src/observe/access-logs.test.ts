import assert from "node:assert/strict";
import { type Socket, createSocket } from "node:dgram";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { type Said, programVariables, request, text } from "../../tests/route/facts.ts";
import { eventually } from "../../tests/support/wait.ts";
import { AccessLogs } from "./access-logs.ts";
import { combinedFormat } from "./access-log-rows.ts";
import type { AccessLogSettings, AccessLogTarget, LogFormat, OpenLogFileCache } from "./settings.ts";

const directory = mkdtempSync(join(tmpdir(), "tricorn-test-"));
after(() => rmSync(directory, { recursive: true }));

const formats: readonly LogFormat[] = [
  combinedFormat(),
  { name: "n", escape: "default", value: text("$arg_n") },
  { name: "gunicorn", escape: "atoms", value: "combined" },
];

function settingsOf(...logs: readonly (Partial<AccessLogTarget> & Pick<AccessLogTarget, "path">)[]): AccessLogSettings {
  const base = { format: "n", bufferSize: 0, flushMs: undefined, gzip: undefined, condition: undefined };
  return { logs: logs.map((log) => ({ ...base, ...log })), openFileCache: undefined, logSubrequests: false };
}

/** The logs of a thread, what they report, and a way to log a request. */
class Thread implements AsyncDisposable {
  readonly reports: string[] = [];
  readonly logs: AccessLogs;

  constructor(more: readonly LogFormat[] = []) {
    const report = (level: string, said: string): void => void this.reports.push(`${level} ${said}`);
    this.logs = new AccessLogs([...formats, ...more], programVariables(), report);
  }

  log(settings: AccessLogSettings, target: string, said: Said = {}): void {
    this.logs.writer(settings).record(request(target, said));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.logs.close();
  }
}

function fresh(name: string): string {
  return join(mkdtempSync(join(directory, "case-")), name);
}

function content(path: string): string {
  return existsSync(path) ? readFileSync(path, "latin1") : "";
}

async function written(path: string, expected: string): Promise<void> {
  await eventually(`${path} holds ${JSON.stringify(expected)}`, 5000, () => content(path) === expected)
    .catch(() => assert.equal(content(path), expected));
}

describe("an access log", () => {
  test("has a line for each request, soon after it, in nginx's combined format", async () => {
    const path = fresh("a.log");
    await using thread = new Thread();
    const fields = { referer: "http://a.test/", "user-agent": "test/1\x80", authorization: "Basic YWw6cHc=" };
    thread.log(settingsOf({ path, format: "combined" }), "/?n=1", { fields });
    thread.log(settingsOf({ path, format: "combined" }), "/?n=2");
    await eventually("both lines are there", 5000, () => content(path).split("\n").length === 3);
    const time = String.raw`\[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\]`;
    assert.match(content(path), new RegExp(
      `^192\\.0\\.2\\.7 - al ${time} "GET /\\?n=1 HTTP/1\\.1" 200 100 "http://a\\.test/" "test/1\\\\x80"\n` +
      `192\\.0\\.2\\.7 - - ${time} "GET /\\?n=2 HTTP/1\\.1" 200 100 "-" "-"\n$`));
    assert.equal(statSync(path).mode & 0o777, 0o644 & ~process.umask());
  });

  test("is one of several, and one file for all that name it", async () => {
    const [first, second] = [fresh("a.log"), fresh("b.log")];
    await using thread = new Thread();
    const both = settingsOf({ path: first }, { path: second });
    assert.equal(thread.logs.writer(both), thread.logs.writer(both));
    thread.log(both, "/?n=1");
    thread.log(settingsOf({ path: first }), "/?n=2");
    thread.log(settingsOf(), "/?n=3");
    await thread.logs.close();
    assert.equal(content(first), "1\n2\n");
    assert.equal(content(second), "1\n");
  });

  test("leaves out a line whose condition is empty or 0", async () => {
    const path = fresh("a.log");
    const thread = new Thread();
    const settings = settingsOf({ path, condition: text("$arg_log") });
    for (const args of ["n=1", "n=2&log=", "n=3&log=0", "n=4&log=00", "n=5&log=no"]) thread.log(settings, `/?${args}`);
    await thread.logs.close();
    assert.equal(content(path), "4\n5\n");
  });

  test("says of a location's own variables what was set", async () => {
    const path = fresh("a.log");
    const variables = programVariables();
    const [set, http] = [variables.declare("mine"), variables.declare("http_own")];
    assert.ok(set.ok && http.ok);
    const format = { name: "x", escape: "none", value: text("$mine $http_own $http_other $1") } as const;
    const logs = new AccessLogs([format], variables, assert.fail);
    const evaluation = request("/", { fields: { own: "field", other: "field" } });
    evaluation.assign(set.value, "set");
    evaluation.assign(http.value, "set");
    evaluation.groups = ["group"];
    logs.writer(settingsOf({ path, format: "x" })).record(evaluation);
    await logs.close();
    assert.equal(content(path), "set set field group\n");
  });

  test("waits for a full buffer, or until a line is old", async () => {
    const [full, old] = [fresh("a.log"), fresh("b.log")];
    await using thread = new Thread();
    for (let n = 0; n < 10; n++) thread.log(settingsOf({ path: full, bufferSize: 10 }), `/?n=${n}${n}`);
    thread.log(settingsOf({ path: full, bufferSize: 10 }), `/?n=${"longer-than-the-buffer"}`);
    thread.log(settingsOf({ path: full, bufferSize: 10 }), "/?n=last");
    thread.log(settingsOf({ path: old, bufferSize: 65_536, flushMs: 20 }), "/?n=1");
    await written(old, "1\n");
    const all = "00\n11\n22\n33\n44\n55\n66\n77\n88\n99\nlonger-than-the-buffer\n";
    await written(full, all);
    thread.logs.reopen();
    await written(full, `${all}last\n`);
  });

  test("is compressed, each buffer by itself, so that all of them together are one file for gunzip", async () => {
    const path = fresh("a.log.gz");
    const thread = new Thread();
    const settings = settingsOf({ path, bufferSize: 100, gzip: 6 });
    for (let n = 0; n < 100; n++) thread.log(settings, `/?n=${n}`);
    await thread.logs.close();
    const lines = gunzipSync(readFileSync(path)).toString();
    assert.equal(lines, Array.from({ length: 100 }, (_, n) => `${n}\n`).join(""));
  });

  test("is opened again under its name after a rotation", async () => {
    const path = fresh("a.log");
    await using thread = new Thread();
    thread.log(settingsOf({ path }), "/?n=1");
    await written(path, "1\n");
    renameSync(path, `${path}.1`);
    thread.log(settingsOf({ path }), "/?n=2");
    thread.logs.reopen();
    thread.log(settingsOf({ path }), "/?n=3");
    await written(path, "3\n");
    await written(`${path}.1`, "1\n2\n");
  });

  test("that cannot be written says so once, and the requests go on", async (context) => {
    if (!existsSync("/dev/full")) return context.skip("no /dev/full here");
    const thread = new Thread();
    for (const path of ["/dev/full", join(directory, "nowhere", "a.log")]) {
      for (let n = 0; n < 3; n++) {
        thread.log(settingsOf({ path, bufferSize: 2 }), `/?n=${n}`);
        await new Promise(setImmediate);
      }
    }
    await thread.logs.close();
    const [full = "", nowhere = "", ...others] = thread.reports.toSorted();
    assert.match(full, /^error the access log \/dev\/full cannot be written: ENOSPC/);
    assert.match(nowhere, /^error the access log .*\/nowhere\/a\.log cannot be opened: ENOENT/);
    assert.deepEqual(others, []);
  });

  test("whose directory comes later is opened then", async () => {
    const folder = fresh("later");
    const path = join(folder, "a.log");
    await using thread = new Thread();
    thread.log(settingsOf({ path }), "/?n=1");
    mkdirSync(folder);
    thread.logs.reopen();
    thread.log(settingsOf({ path }), "/?n=2");
    await eventually("the second line is there", 5000, () => content(path).includes("2\n"));
  });
});

describe("gunicorn's atoms", () => {
  const line = async (format: string, target: string, said: Said = {}): Promise<string> => {
    const path = fresh("a.log");
    const thread = new Thread([{ name: "atoms", escape: "atoms", value: format }]);
    thread.log(settingsOf({ path, format: "atoms" }), target, said);
    await thread.logs.close();
    return content(path);
  };

  test("say what the options' log has always said", async () => {
    process.env["TRICORN_TEST_ATOM"] = "1";
    const format = '%(h)s|%(l)s|%(m)s|%(U)s|%(q)s|%(H)s|%(s)s|%(st)s|%(B)s|%(b)s|%({x-id}i)s|%({content-type}o)s|' +
      "%({TRICORN_TEST_ATOM}e)s|%({absent}i)s|%(M)s|%(D)s|%(T)s|%(L)s|%(p)s|%%|%(unknown)s|%(toString)s|\u00e9";
    const said: Said = {
      fields: { "x-id": "4\x802" }, bodyBytesSent: () => 0, startMs: 1000.25, nowMs: () => 3499.75,
      responseField: (name) => (name === "content-type" ? "text/plain" : undefined),
    };
    assert.equal(await line(format, "/sleep?s=0.05?", said),
      "192.0.2.7|-|GET|/sleep|s=0.05?|HTTP/1.1|200|OK|0|-|4\\x802|text/plain|" +
      "1|-|2500|2499500|2|2.499500|<77>|%|-|-|\xc3\xa9\n");
  });

  test("are combined by the word, which differs from nginx's", async () => {
    const authorization = `Basic ${Buffer.from("al").toString("base64")}`;
    const remote = { address: "unix:", port: undefined };
    const said = { remote, fields: { authorization, referer: "a\tb" }, bodyBytesSent: () => 0 };
    assert.match(await line("combined", "/a?b", said),
      /^- - al \[\d\d\/\w{3}\/\d{4}:[\d:]{8} [+-]\d{4}\] "GET \/a\?b HTTP\/1\.1" 200 - "a\\x09b" "-"\n$/);
  });

  test("have no line for a request that was never answered", async () => {
    assert.equal(await line("combined", "/", { status: () => 0 }), "");
  });
});

describe("a path with variables", () => {
  const cache: OpenLogFileCache = { max: 2, inactiveMs: 60_000, minUses: 1, validMs: 60_000 };

  function settings(folder: string, openFileCache?: OpenLogFileCache): AccessLogSettings {
    return { ...settingsOf({ path: text(`${folder}/$arg_f.log`) }), openFileCache };
  }

  const said = { documentRoot: () => directory };

  test("is a file for each of its values", async () => {
    const folder = mkdtempSync(join(directory, "case-"));
    await using thread = new Thread();
    for (const target of ["/?f=a&n=1", "/?f=b&n=2", "/?f=a&n=3", "/?n=4"]) thread.log(settings(folder), target, said);
    await written(join(folder, "a.log"), "1\n3\n");
    await written(join(folder, "b.log"), "2\n");
    await written(join(folder, ".log"), "4\n");
  });

  test("is not made where the request's root is missing, and a file that cannot be made is said once", async () => {
    const folder = mkdtempSync(join(directory, "case-"));
    const thread = new Thread();
    thread.log(settings(folder), "/?f=a&n=1", { documentRoot: () => join(folder, "nowhere") });
    for (const name of ["../x/y", "z/z"]) thread.log(settings(folder), `/?f=${name}&n=2`, said);
    await thread.logs.close();
    assert.deepEqual(readdirSync(folder), []);
    assert.equal(thread.reports.length, 1, thread.reports.join("\n"));
  });

  test("stays open in a cache with bounds, and is closed for a rotation", async () => {
    const folder = mkdtempSync(join(directory, "case-"));
    await using thread = new Thread();
    const open = (): number => readdirSync("/proc/self/fd").length;
    const before = open();
    for (const name of ["a", "b", "c", "d"]) thread.log(settings(folder, cache), `/?f=${name}&n=1`, said);
    await written(join(folder, "d.log"), "1\n");
    await eventually("two are open", 5000, () => open() - before <= 2);
    renameSync(join(folder, "d.log"), join(folder, "old"));
    thread.log(settings(folder, cache), "/?f=d&n=2", said);
    await written(join(folder, "old"), "1\n2\n");
    thread.logs.reopen();
    thread.log(settings(folder, cache), "/?f=d&n=3", said);
    await written(join(folder, "d.log"), "3\n");
  });

  test("is looked at again when its descriptor is no longer valid, and opened each time without a cache", async () => {
    const caches = [{ ...cache, validMs: 0 }, { ...cache, minUses: 9 }, { ...cache, inactiveMs: 0 }, undefined];
    for (const openFileCache of caches) {
      const folder = mkdtempSync(join(directory, "case-"));
      await using thread = new Thread();
      thread.log(settings(folder, openFileCache), "/?f=a&n=1", said);
      await written(join(folder, "a.log"), "1\n");
      renameSync(join(folder, "a.log"), join(folder, "old"));
      thread.log(settings(folder, openFileCache), "/?f=a&n=2", said);
      await written(join(folder, "a.log"), "2\n");
    }
  });
});

/** A syslog server, and what it was told. */
class Server implements AsyncDisposable {
  readonly messages: string[] = [];
  readonly #socket: Socket = createSocket("udp4");

  static async start(): Promise<Server> {
    const server = new Server();
    server.#socket.on("message", (bytes) => server.messages.push(bytes.toString("latin1")));
    server.#socket.bind(0, "127.0.0.1");
    await once(server.#socket, "listening");
    return server;
  }

  get port(): number {
    return this.#socket.address().port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await once(this.#socket, "close");
  }
}

test("a syslog server is sent each line by itself, framed as nginx frames it", async () => {
  await using server = await Server.start();
  const thread = new Thread();
  const address = `syslog:server=127.0.0.1:${server.port}`;
  const parameters = "tag=t_1,facility=kern,severity=emerg,nohostname";
  const settings = settingsOf({ path: address }, { path: `${address},${parameters}` });
  thread.log(settings, "/?n=1\xff");
  thread.log(settings, "/?n=2");
  await thread.logs.close();
  await eventually("four messages came", 5000, () => server.messages.length === 4);
  const time = "[A-Z][a-z]{2} [ 123]\\d \\d\\d:\\d\\d:\\d\\d";
  const withoutTimes = server.messages.map((message) => message.replace(new RegExp(`>${time} `), ">"));
  const host = hostname();
  assert.deepEqual(withoutTimes.toSorted(), [
    "<0>t_1: 1\\xFF", "<0>t_1: 2", `<190>${host} nginx: 1\\xFF`, `<190>${host} nginx: 2`,
  ]);
});

test("a syslog server that is not there is said once, and nobody waits for it", async () => {
  const server = await Server.start();
  const { port } = server;
  await server[Symbol.asyncDispose]();
  const thread = new Thread();
  const settings = settingsOf({ path: `syslog:server=127.0.0.1:${port}` }, { path: "syslog:server=nobody.invalid" });
  for (let n = 0; n < 3; n++) {
    thread.log(settings, `/?n=${n}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await thread.logs.close();
  assert.ok(thread.reports.length <= 2, thread.reports.join("\n"));
  const reason = /error the syslog server nobody\.invalid:514 cannot be reached: .*(?:ENOTFOUND|EAI_AGAIN)/;
  assert.match(thread.reports.join("\n"), reason);
});
