// Applications that run as somebody else than the edge. Only root can do that.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { venvPython } from "../../tools/venv.ts";
import { descendants } from "../support/processes.ts";
import { Program } from "../support/program.ts";
import { eventually } from "../support/wait.ts";
import { lifeApps } from "./command.ts";

const isRoot = process.getuid?.() === 0;

/** uid and gid of an account, from /etc/passwd. */
function accountOf(name: string): { readonly uid: number; readonly gid: number } | undefined {
  const line = readFileSync("/etc/passwd", "utf8").split("\n").find((one) => one.startsWith(`${name}:`))?.split(":");
  return line === undefined ? undefined : { uid: Number(line[2]), gid: Number(line[3]) };
}

const [edge, guest] = [accountOf("daemon"), accountOf("nobody")];
// The tests' own interpreter may lie where only root can read.
const python = [venvPython, "/usr/bin/python3"].find((path) =>
  isRoot && spawnSync(path, ["-c", "import urllib.parse"], { ...guest }).status === 0);
const isPossible = edge !== undefined && guest !== undefined && python !== undefined;
const skip = isPossible ? false : "needs root, the users daemon and nobody, and a Python for everybody";

function fileOf(user: string, preload: string): string {
  const common = `chdir ${lifeApps}; python ${python}; preload ${preload};`;
  return `daemon off; ${user} pid %FOLDER%/tricorn.pid; error_log stderr debug; events { }
    app own { module life:app; ${common} }
    app guest { module life:app; user nobody; ${common} }
    http { server {
      listen 127.0.0.1:%PORT%; client_body_buffer_size 1k;
      location / { app_pass own; }
      location /guest/ { rewrite ^/guest(/.*)$ $1 break; app_pass guest; }
    } }`;
}

/** TMPDIR of the program, which others may enter: the test's own folder is root's alone. */
function openFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "tricorn-test-"));
  chmodSync(folder, 0o755);
  return folder;
}

describe("an application of another user", () => {
  for (const [user, preload] of [["user daemon;", "off"], ["user daemon;", "on"], ["", "off"]] as const) {
    test(`is served beside one of the edge's own: ${user} preload ${preload}`, { skip }, async () => {
      const folder = openFolder();
      try {
        await using one = await Program.start({ file: fileOf(user, preload), env: { TMPDIR: folder } });
        using connection = await one.connect();
        const own = user === "" ? 0 : edge?.uid;
        const small = await connection.get("/guest/length");
        assert.equal(small.text, `0 bytes for user ${guest?.uid}`);
        for (const [target, uid] of [["/guest/length", guest?.uid], ["/length", own]] as const) {
          const { text } = await connection.ask({ method: "POST", target, body: "x".repeat(100_000) });
          assert.equal(text, `100000 bytes for user ${uid}`);
        }
        assert.deepEqual(await one.spooled(), []);
        one.signal("SIGHUP");
        await eventually("workers are replaced", 8000, () => one.output.match(/ready after/g)?.length === 4);
        assert.equal((await connection.get("/guest/length")).text, `0 bytes for user ${guest?.uid}`);
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    });
  }

  test("has a directory that nobody else may enter", { skip }, async () => {
    const folder = openFolder();
    try {
      await using one = await Program.start({ file: fileOf("user daemon;", "off"), env: { TMPDIR: folder } });
      const commands = descendants(one.pid).map(({ command }) => command).join("\n");
      const [socket] = /\/\S+\/1\/control\.sock/.exec(commands) ?? [""];
      const { uid, gid, mode } = statSync(join(socket, ".."));
      assert.deepEqual([uid, gid, mode & 0o7777], [edge?.uid, guest?.gid, 0o2770]);
      assert.equal(statSync(join(socket, "../..")).mode & 0o777, 0o711);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
