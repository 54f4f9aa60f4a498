// Log files are there from the start, and belong to whom writes them.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Program } from "../support/program.ts";
import { eventually } from "../support/wait.ts";

const isRoot = process.getuid?.() === 0;

describe("the log files of a configuration", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "tricorn-test-"));
    // An edge that is another user must enter it, and may not write there.
    chmodSync(folder, 0o755);
  });
  after(() => rmSync(folder, { recursive: true }));

  const fileOf = (user: string, more = ""): string => `${user}
    daemon off; pid %FOLDER%/tricorn.pid; error_log stderr info;
    events { }
    http { server {
      listen 127.0.0.1:%PORT%; error_log ${folder}/server.log; access_log ${folder}/access.log;
      location /quiet { error_log ${folder}/quiet.log; return 204; }
      location / { root ${folder}/none; } ${more}
    } }`;
  const textOf = (name: string): string => readFileSync(join(folder, name), "utf8");

  test("are made at the start, those of locations, too", async () => {
    await using _ = await Program.start({ file: fileOf("") });
    assert.deepEqual(["server.log", "quiet.log", "access.log"].map(textOf), ["", "", ""]);
  });

  test("belong to the edge's user, also after a rotation", { skip: !isRoot && "needs root" }, async () => {
    await using program = await Program.start({ file: fileOf("user nobody;") });
    const owner = spawnSync("id", ["-u", "nobody"], { encoding: "utf8" }).stdout.trim();
    using connection = await program.connect();
    await connection.get("/missing");
    await eventually("both logs are written", 5000, () => textOf("server.log") !== "" && textOf("access.log") !== "");
    for (const name of ["server.log", "access.log"]) renameSync(join(folder, name), join(folder, `${name}.1`));
    program.signal("SIGUSR1");
    await eventually("there are new files", 5000, () => existsSync(join(folder, "access.log")));
    await eventually("they are written", 5000, async () => {
      await connection.get("/missing");
      return textOf("server.log") !== "" && textOf("access.log") !== "";
    });
    for (const name of ["server.log", "access.log", "quiet.log"]) {
      assert.equal(String(statSync(join(folder, name)).uid), owner, name);
    }
  });

  test("that cannot be made refuse a start, and a reload", async () => {
    const more = `location /x { access_log ${folder}/absent/x.log; }`;
    const words = `open() "${folder}/absent/x.log" failed (2: No such file or directory)`;
    await assert.rejects(Program.start({ file: fileOf("", more) }), (error: Error) => error.message.includes(words));
    await using program = await Program.start({ file: fileOf("") });
    await program.configure(fileOf("", more));
    program.signal("SIGHUP");
    await eventually("the reload is refused", 8000, () => program.output.includes(words));
    mkdirSync(join(folder, "absent"));
    program.signal("SIGHUP");
    await eventually("the reload is taken", 8000, () => program.output.includes("has taken over"));
    assert.ok(existsSync(join(folder, "absent/x.log")));
  });
});
