// nginx's escapes: what its 1.22 wrote for each byte, and the same requests to it again, where it is installed.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type Socket, connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { eventually } from "../../tests/support/wait.ts";
import { programVariables, request, text } from "../../tests/route/facts.ts";
import { findProgram, requireProgram } from "../../tools/needs.ts";
import { escapings } from "./escape.ts";
import { compileLine } from "./line.ts";
import { LogTimes } from "./log-times.ts";
import type { LogEscape } from "./settings.ts";

const ways: readonly LogEscape[] = ["default", "json", "none"];
/** What all of them say of a request: decoded bytes, raw ones, and what there is not. */
const format = "$uri|$arg_a|$http_absent|$http_x_empty|$remote_user|\u00e9|$http_x_odd|$request|$status";
const allBytes = Array.from({ length: 255 }, (_, index) => `%${(index + 1).toString(16).padStart(2, "0")}`).join("");

interface Asked {
  readonly target: string;
  readonly fields: Readonly<Record<string, string>>;
}

const requests: readonly Asked[] = [
  { target: `/${allBytes}?a=\x80\xff"\\`, fields: { "x-empty": "", "x-odd": '"\\\x80\xff\t{}' } },
  { target: "/", fields: { authorization: `Basic ${Buffer.from('u"\x01\x7f:p', "latin1").toString("base64")}` } },
  { target: "/?a=", fields: { "x-odd": "\xc3\xa9" } },
];

/** Our line. */
function line(escape: LogEscape, { target, fields }: Asked): string {
  const compiled = compileLine({ name: "x", escape, value: text(format) }, programVariables(), new LogTimes());
  return compiled(request(target, { fields })) ?? "";
}

test("default writes \\xHH for quotes, backslashes and all that is not plain ASCII", () => {
  const { escape, absent } = escapings.default;
  assert.equal(absent, "-");
  for (let byte = 0; byte < 256; byte++) {
    const isPlain = byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c;
    const character = String.fromCharCode(byte);
    const expected = isPlain ? character : `\\x${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    assert.equal(escape(`a${character}`), `a${expected}`);
  }
});

test("json writes what JSON allows in strings, and leaves bytes of other characters alone", () => {
  const { escape, absent } = escapings.json;
  assert.equal(absent, "");
  assert.equal(escape('"\\\n\r\t\b\f/'), '\\"\\\\\\n\\r\\t\\b\\f/');
  assert.equal(escape("\0\x0b\x1f\x7f\x80\xff"), "\\u0000\\u000B\\u001F\x7f\x80\xff");
  for (let byte = 0; byte < 0x80; byte++) {
    const character = String.fromCharCode(byte);
    assert.equal(JSON.parse(`"${escape(character)}"`), character);
  }
});

test("none writes everything as it is", () => {
  assert.equal(escapings.none.escape('"\n\xff'), '"\n\xff');
  assert.equal(escapings.none.absent, "");
});

describe("the lines of nginx", { skip: requireProgram("nginx", "apt-get install nginx") }, () => {
  const directory = mkdtempSync(join(tmpdir(), "tricorn-test-"));
  let nginx: ChildProcess | undefined;
  let port = 0;

  before(async () => {
    port = await freePort();
    const formats = ways.map((way) => `log_format ${way}_ escape=${way} '${format}'; `).join("");
    const logs = ways.map((way) => `access_log ${way}.log ${way}_; `).join("");
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    const paths = temporary.map((name) => `${name}_temp_path ${name}; `).join("");
    writeFileSync(join(directory, "nginx.conf"), `daemon off; master_process off; pid nginx.pid; error_log e.log; ` +
      `events {} http { ${paths} ${formats} server { listen 127.0.0.1:${port}; ${logs} return 200; } }`);
    const args = ["-p", directory, "-e", "e.log", "-c", join(directory, "nginx.conf")];
    nginx = spawn(findProgram("nginx") ?? "nginx", args, { stdio: "ignore" });
    await eventually("nginx listens", 10_000, async () => answers(port));
  });

  after(async () => {
    nginx?.kill("SIGKILL");
    if (nginx !== undefined) await once(nginx, "exit");
    rmSync(directory, { recursive: true });
  });

  test("are ours, byte for byte", async () => {
    for (const asked of requests) await ask(port, asked);
    for (const way of ways) {
      // The first is of the question whether it listens.
      const written = await eventually("all lines are written", 5000, () => {
        const all = readFileSync(join(directory, `${way}.log`), "latin1");
        return all.includes("\xc3\xa9|\xc3\xa9|GET /?a=") || all.includes("\\xC3\\xA9|GET /?a=") ? all : undefined;
      });
      const lines = requests.map((asked) => `${line(way, asked)}\n`).join("");
      assert.equal(written.slice(-lines.length), lines, way);
    }
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function answers(port: number): Promise<boolean> {
  return ask(port, { target: "/", fields: {} }).then(() => true, () => false);
}

async function ask(port: number, { target, fields }: Asked): Promise<void> {
  const socket: Socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  socket.write(`GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${lines}\r\n`, "latin1");
  socket.resume();
  await once(socket, "close");
}
