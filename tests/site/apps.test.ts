// Several applications with interpreters of their own in one file, and every place where app_pass may stand.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { root, venvPython } from "../../tools/venv.ts";
import { eventually } from "../support/wait.ts";
import { appBlock, echoOf, get, startSite } from "./site.ts";

const repairTimeoutMs = 20_000;

describe("applications in one file", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "tricorn-test-"));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  test("have interpreters, directories and environments of their own", async () => {
    const second = join(folder, "venv");
    const made = spawnSync(venvPython, ["-m", "venv", "--without-pip", second]);
    assert.equal(made.status, 0, String(made.stderr));
    await writeFile(join(folder, "tell.py"), `
import os, sys
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [(sys.prefix + " " + os.getcwd() + " " + os.environ.get("WHO", "-")).encode()]
`);
    const block = (name: string, python: string): string =>
      `app ${name} { module tell:app; chdir ${folder}; python ${python}; env WHO=${name}; }`;
    await using program = await startSite({
      apps: `${block("first", venvPython)} ${block("second", second)} ${block("third", join(second, "bin/python3"))}`,
      server: "location /1 { app_pass first; } location /2 { app_pass second; } location /3 { app_pass third; }",
    });
    const [prefix = ""] = (await get(program, "/1")).text.split(" ");
    assert.notEqual(prefix, second);
    assert.equal((await get(program, "/1")).text, `${prefix} ${folder} first`);
    assert.equal((await get(program, "/2")).text, `${second} ${folder} second`);
    assert.equal((await get(program, "/3")).text, `${second} ${folder} third`);
  });

  test("are found in every kind of location", async () => {
    await using program = await startSite({
      server: `
        app_pass outer;
        location /static/ { }
        location /tried/ { try_files $uri @named; }
        location = /exact { app_pass exact; }
        location /nested/ { app_pass outer; location /nested/inner/ { app_pass inner; } }
        location ~ ^/number/([0-9]+)$ { app_pass inner; }
        location ^~ /mount/ { app_pass inner; }
        location @named { app_pass named; }
        location /either { if ($arg_who = inner) { app_pass inner; } app_pass exact; }
        location /limited { limit_except GET { app_pass inner; } app_pass exact; }`,
      apps: ["outer", "inner", "exact", "named"].map((name, index) =>
        appBlock(name, `saying:${index % 2 === 0 ? "wsgi" : "asgi"}`, "lifespan off;")).join("\n"),
      files: { "static/a.txt": "a file", "tried/a.txt": "tried" },
    });
    const whoAnswers = async (target: string, method: string = "GET"): Promise<string> =>
      echoOf(await get(program, target, { method })).name;
    assert.equal(await whoAnswers("/"), "outer");
    assert.equal(await whoAnswers("/anything"), "outer");
    assert.equal((await get(program, "/static/a.txt")).text, "a file");
    assert.equal((await get(program, "/static/b.txt")).status, 404);
    assert.equal((await get(program, "/tried/a.txt")).text, "tried");
    assert.equal(await whoAnswers("/tried/b.txt"), "named");
    assert.equal(await whoAnswers("/exact"), "exact");
    assert.equal(await whoAnswers("/exact/"), "outer");
    assert.equal(await whoAnswers("/nested/x"), "outer");
    assert.equal(await whoAnswers("/nested/inner/x"), "inner");
    assert.equal(await whoAnswers("/number/12"), "inner");
    assert.equal(await whoAnswers("/number/x"), "outer");
    assert.equal(await whoAnswers("/mount/12"), "inner");
    assert.equal(await whoAnswers("/either"), "exact");
    assert.equal(await whoAnswers("/either?who=inner"), "inner");
    assert.equal(await whoAnswers("/limited"), "exact");
    assert.equal(await whoAnswers("/limited", "POST"), "inner");
    // As nginx has it for locations that pass requests on.
    const moved = await get(program, "/mount?a=b");
    assert.equal(moved.status, 301);
    assert.equal(moved.fields.get("location"), `http://tricorn.test:${program.port}/mount/?a=b`);
    assert.equal((await get(program, "/nested/inner")).status, 301);
  });

  test("that are not there are a mistake with a place and a hint", () => {
    const file = join(folder, "unknown.conf");
    const text = `events { }
app shop { module shop:app; }
http { server { listen 127.0.0.1:0; location / { app_pass shpo; } } }
`;
    return writeFile(file, text).then(() => {
      const { status, stderr } = spawnSync(join(root, "bin/tricorn"), ["-t", "-c", file], { encoding: "utf8" });
      assert.equal(status, 1);
      assert.match(stderr, /shpo/);
      assert.match(stderr, /unknown\.conf:3/);
      assert.match(stderr, /hint: .*shop/);
    });
  });

  test("that are not there are a mistake in an upstream, too", async () => {
    const file = join(folder, "unknown-member.conf");
    await writeFile(file, `events { }
app shop { module shop:app; }
http { upstream u { server app:shop; server 127.0.0.1:1; server app:shpo backup; }
  server { listen 127.0.0.1:0; location / { proxy_pass http://u; } } }
`);
    const { status, stderr } = spawnSync(join(root, "bin/tricorn"), ["-t", "-c", file], { encoding: "utf8" });
    assert.equal(status, 1);
    assert.match(stderr, /app "shpo" is not defined/);
    assert.match(stderr, /unknown-member\.conf:3:65/);
    assert.match(stderr, /hint: did you mean app:shop\?/);
  });

  test("serve while another one is broken, which comes back when it is repaired", async () => {
    const broken = join(folder, "sick.py");
    await writeFile(broken, "raise RuntimeError('sick')\n");
    await using program = await startSite({
      apps: `${appBlock("wsgi", "saying:wsgi")} app sick { module sick:app; chdir ${folder}; python ${venvPython}; }`,
      server: "location / { app_pass wsgi; } location /sick { app_pass sick; }",
    });
    assert.equal(echoOf(await get(program, "/x")).name, "wsgi");
    assert.equal((await get(program, "/sick")).status, 503);
    assert.match(program.output, /RuntimeError: sick/);
    await writeFile(broken, `
def app(environ, start_response):
    start_response("200 OK", [("Content-Length", "4")])
    return [b"well"]
`);
    await eventually("it is well again", repairTimeoutMs, async () => (await get(program, "/sick")).text === "well");
    assert.equal(echoOf(await get(program, "/x")).name, "wsgi");
  });
});
