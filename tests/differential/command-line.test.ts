// What the command line says: the checks and questions that units, certbot and scripts put to nginx.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { findProgram } from "../../tools/needs.ts";
import { root } from "../../tools/venv.ts";
import { differenceOf, type Differences } from "./group.ts";
import { freePorts, requireNginx } from "./servers.ts";

const files: Readonly<Record<string, string>> = {
  "good.conf": "events { }\nhttp { server { listen 127.0.0.1:%PORT%; } include more/*.conf; }\n",
  "more/b.conf": "# second\nmap $uri $b { }\n",
  "more/a.conf": "map $uri $a { default 1; }",
  "bad.conf": "events { }\nhttp { lisen 80; }\n",
  "empty.conf": "",
  "noevents.conf": "http { }\n",
  "warned.conf":
    "events { }\nhttp { server { listen %PORT%; server_name a; } server { listen %PORT%; server_name a; } }\n",
};

/** %DIR% is the folder of the files, where each program has a prefix of its own. */
const commands: readonly string[] = [
  "-t -c %DIR%/good.conf", "-tq -c %DIR%/good.conf", "-t -q -c %DIR%/good.conf", "-T -c %DIR%/good.conf",
  "-t -c %DIR%/bad.conf", "-tq -c %DIR%/bad.conf", "-T -c %DIR%/bad.conf", "-t -c %DIR%/missing.conf",
  "-t -c %DIR%/empty.conf", "-t -c %DIR%/noevents.conf", "-t -c %DIR%/warned.conf", "-qt -c %DIR%/warned.conf",
  "-t -c good.conf", "-t -c %DIR%/good.conf -g daemon_off", "-x", "-c", "-s",
  "-s nothing", "-s stop -c %DIR%/good.conf", "-s reload -c %DIR%/good.conf", "-t -p", "-g", "stray", "-t -e", "--help",
  "-c %DIR%/bad.conf", "-c %DIR%/missing.conf",
];

const differs: Differences = {
  "events-may-be-absent": ["-t -c %DIR%/empty.conf", "-t -c %DIR%/noevents.conf"],
  "warnings-have-a-place": ["-t -c %DIR%/warned.conf", "-qt -c %DIR%/warned.conf"],
};

describe("what the command line says", { skip: requireNginx() }, () => {
  let folder: string;
  let port: string;
  before(async () => {
    [port] = (await freePorts(1)).map(String) as [string];
    folder = mkdtempSync(join(tmpdir(), "tricorn-command-"));
    mkdirSync(join(folder, "more"));
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(join(folder, name), text.replaceAll("%PORT%", port));
    }
  });
  after(() => rmSync(folder, { recursive: true }));

  function said(program: readonly string[], command: string): object {
    const [path = "", ...first] = program;
    const words = command.replaceAll("%DIR%", folder).split(" ").map((word) => word.replace("_", " "));
    const own = command.endsWith("-p") ? [] : ["-p", `${folder}/`];
    const log = command.endsWith("-e") ? [] : ["-e", `${folder}/error.log`];
    const global = /-g/.test(command) ? [] : ["-g", `pid ${folder}/pid;`];
    // Options that lack their argument come last.
    const args = [...first, ...own, ...log, ...global, ...words];
    const { status, stdout, stderr } = spawnSync(path, args, { encoding: "utf8", timeout: 20_000 });
    // nginx's first lines; what Tricorn adds, for people, begins otherwise.
    const lines = stderr.split("\n").filter((line) => line.startsWith("nginx: "));
    const plain = (said: string): string => said.replaceAll(folder, "%DIR%").replaceAll(port, "%PORT%");
    return { status, stdout: plain(stdout), stderr: plain(lines.join("\n")) };
  }

  const named = differenceOf(commands, differs);
  for (const command of commands) {
    const name = named(command);
    test(`nginx ${command}${name === undefined ? "" : ` differs: ${name}`}`, () => {
      const theirs = said([findProgram("nginx") ?? ""], command);
      const ours = said([join(root, "bin/tricorn"), "nginx"], command);
      if (name === undefined) assert.deepEqual(ours, theirs);
      else assert.notDeepEqual(ours, theirs, `"${name}" of docs/differences.md is no difference any more`);
    });
  }
});
