// What documents show as nginx's language is sound: every block of it in README.md and in docs passes a check, the file
// of the demo too, and the README's first one does what the README says.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { formatLanguageDiagnostics } from "../../src/config/nginx/language-diagnostic.ts";
import { readConfiguration } from "../../src/config/nginx/read-configuration.ts";
import type { Files } from "../../src/config/nginx/read-tree.ts";
import { buildConfiguration, siteDirectives, type SiteFacts } from "../../src/site/index.ts";
import { ok } from "../../src/std/result.ts";
import { root } from "../../tools/venv.ts";
import { Program } from "../support/program.ts";

const documents = ["README.md", ...globSync("docs/*.md", { cwd: root }).sort()];
const path = "/srv/shop/tricorn.conf";

/** A machine on which every folder and file is there. */
const facts: SiteFacts = {
  prefix: "/srv/shop", directory: "/srv/shop", errorLog: "-", cpuCount: 4, fileCountMax: 65_536, isRoot: true,
  useColors: undefined, kindOf: (name) => (/\.(?:key|pem)$/.test(name) ? "file" : "directory"),
  tlsFiles: undefined,
};

interface Snippet {
  /** Document and line. */
  readonly place: string;
  readonly text: string;
}

/** The blocks of a document that are marked as nginx's language. */
function snippetsOf(document: string): readonly Snippet[] {
  const markdown = readFileSync(join(root, document), "utf8");
  return [...markdown.matchAll(/^```nginx\n(.*?)^```$/gms)].map(({ 1: text = "", index }) => ({
    place: `${document}:${markdown.slice(0, index).split("\n").length}`, text,
  }));
}

/** What is said about a whole file; applications that it names and does not define are there. */
function mistakesOf(text: string): readonly string[] {
  const defined = new Set([...text.matchAll(/\bapp (\S+) \{/g)].map(([, name]) => name));
  const named = new Set([...text.matchAll(/\bapp_pass +([^\s;]+);/g)].map(([, name]) => name));
  const missing = [...named.difference(defined)].map((name) => `app ${name} { } `).join("");
  const files: Files = { readText: (wanted) => ok(wanted === path ? missing + text : ""), glob: () => [] };
  const read = readConfiguration({ path, parameter: undefined, files }, siteDirectives);
  const { mistakes } = buildConfiguration(read, facts);
  return [...read.mistakes, ...mistakes].map((mistake) => formatLanguageDiagnostics([mistake]));
}

/** Documents show parts of files: they are put where they may stand. */
const surroundings: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => `http { ${text} }`,
  (text) => `http { server { ${text} } }`,
];

/** What is said about a snippet where it fits best. */
function said(text: string): readonly string[] {
  const all = surroundings.map((around) => mistakesOf(around(text)));
  return all.reduce((best, each) => (each.length < best.length ? each : best));
}

describe("what documents show of nginx's language", () => {
  for (const { place, text } of documents.flatMap(snippetsOf)) {
    test(`${place} is sound`, () => {
      assert.deepEqual(said(text), []);
    });
  }

  test("is checked: a snippet with a mistake is not sound", () => {
    assert.match(said("location / { expire 1d; app_pass shop; }").join(""), /did you mean .?expires/);
    assert.match(said("app shop { } server { app_pass shpo; expires soon; }").join(""), /expires/);
  });

  test("is there in the README and in docs/site.md", () => {
    assert.ok(snippetsOf("README.md").length >= 1);
    assert.ok(snippetsOf("docs/site.md").length >= 10);
  });
});

test("the demo's file passes a check with everything it names", () => {
  const file = join(root, "examples/tricorn.conf");
  const run = spawnSync(join(root, "bin/tricorn"), ["-t", "-c", file], {
    stdio: ["ignore", "ignore", "pipe"], encoding: "utf8",
  });
  assert.equal(run.stderr, `tricorn: the configuration file ${file} syntax is ok\n` +
    `tricorn: configuration file ${file} test is successful\n`);
  assert.equal(run.status, 0);
});

const hello = `def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"the application at " + environ["PATH_INFO"].encode()]
`;

test("the README's smallest file serves an application and its static files", async (context) => {
  const [smallest] = snippetsOf("README.md");
  assert.ok(smallest !== undefined);
  const file = smallest.text.replace(/listen [^;]+;/, "listen 127.0.0.1:%PORT%;");
  const modules = await mkdtemp(join(tmpdir(), "tricorn-test-"));
  context.after(() => rm(modules, { recursive: true }));
  await mkdir(join(modules, "shop"));
  await writeFile(join(modules, "shop/wsgi.py"), hello);
  await using program = await Program.start({ file, env: { PYTHONPATH: modules } });
  await mkdir(join(program.folder, "static"));
  await writeFile(join(program.folder, "static/shop.css"), "b { }");
  const get = async (target: string): Promise<readonly unknown[]> => {
    const answer = await fetch(`http://127.0.0.1:${program.port}${target}`);
    return [answer.status, answer.headers.get("content-type"), await answer.text()];
  };
  assert.deepEqual(await get("/hats/"), [200, "text/plain", "the application at /hats/"]);
  assert.deepEqual(await get("/static/shop.css"), [200, "text/css", "b { }"]);
});
