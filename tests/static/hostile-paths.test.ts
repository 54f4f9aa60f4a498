// Random trees, random targets: whatever a client writes, no path outside the root is ever looked at, and what is
// answered is what the file system says.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, posix } from "node:path";
import { after, before, describe, test } from "node:test";
import fc from "fast-check";
import { FileCache, FileMemory, StaticHandler } from "../../src/handlers/static/index.ts";
import type { FileMapping } from "../../src/handlers/static/index.ts";
import { normalizePath } from "../../src/route/index.ts";
import { requestOf, settingsOf, statusOf } from "./settings.ts";

const canary = "nobody may see this";
let folder: string;

before(() => {
  folder = mkdtempSync(join(tmpdir(), "tricorn-hostile-"));
  for (const name of ["root/a/b", "root/..b", "root/a/...", "outside", "root-beside", "root/x"]) {
    mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, name, "f"), name.startsWith("root/") ? `inside ${name}` : canary);
  }
  writeFileSync(join(folder, "secret"), canary);
  writeFileSync(join(folder, "root", "f"), "inside root");
  symlinkSync("../secret", join(folder, "root", "link"));
  symlinkSync("../outside", join(folder, "root", "linked"));
});
after(() => rmSync(folder, { recursive: true }));

/** Notes every path that is looked at. */
class WatchedCache extends FileCache {
  readonly paths: string[] = [];

  override find(path: string): ReturnType<FileCache["find"]> {
    this.paths.push(path);
    return super.find(path);
  }

  override kindOf(path: string): ReturnType<FileCache["kindOf"]> {
    this.paths.push(path);
    return super.kindOf(path);
  }
}

function watched(mapping: FileMapping, symlinks: "on" | "off"): { handler: StaticHandler; files: WatchedCache } {
  const files = new WatchedCache({
    openFileCache: undefined, symlinks: { mode: symlinks, from: folder }, memory: new FileMemory(),
    clock: { coarseMs: 0 },
  });
  const settings = settingsOf({
    mapping, index: ["f"], gzipStatic: "on", gzipVary: true,
    autoindex: { format: "html", exactSize: true, localtime: false },
  });
  return { handler: new StaticHandler(settings, files), files };
}

const piece = fc.oneof(
  fc.constantFrom(
    "a", "b", "f", "x", "link", "linked", "outside", "secret", "root", "root-beside", "..b", "...", "..", ".", "",
    "%2e%2e", "%2E.", ".%2e", "%252e%252e", "..%2f", "..%2fsecret", "%2f..%2f", "..\\", "..%5c", "%5c..%5c", "..;",
    "..;/", "%c0%ae%c0%ae", "%e0%80%ae", "%00", "f%00.html", "..%00", "%u002e", "\xc0\xae", "....//", "..%", "%2",
    "%2e%2e%2f%2e%2e%2fsecret", "/etc/passwd", "..f", "f.", "%20..", "..%20", "..%09", "~", "$HOME", "?", "#",
  ),
  fc.string({ maxLength: 4 }).map((text) => text.replace(/[^\x21-\x7e]/g, "")),
);
const target = fc.array(piece, { maxLength: 8 }).chain((parts) =>
  fc.constantFrom("/", "//", "/./", "%2f", "\\").map((slash) => `/${parts.join(slash)}`));

const mappings: readonly (readonly [string, () => FileMapping])[] = [
  ["root", () => ({ kind: "root", directory: join(folder, "root"), prefix: "" })],
  ["alias", () => ({ kind: "alias", directory: `${join(folder, "root")}/`, prefix: "/" })],
  // The classic mistake: what follows "/a" may begin with "..".
  ["alias without its slash", () => ({ kind: "alias", directory: `${join(folder, "root")}/`, prefix: "/a" })],
];

for (const [name, mapping] of mappings) {
  describe(`hostile targets under ${name}`, () => {
    for (const mergeSlashes of [true, false]) {
      test(`stay below the directory, ${mergeSlashes ? "with" : "without"} merge_slashes`, async () => {
        const { handler, files } = watched(mapping(), "on");
        const root = join(folder, "root");
        await fc.assert(fc.asyncProperty(target, async (raw) => {
          const path = normalizePath(raw.replace(/[?#].*/, ""), mergeSlashes);
          if (path === undefined || (mapping().kind === "alias" && !path.startsWith(mapping().prefix))) return;
          files.paths.length = 0;
          const answer = await handler.answer(requestOf(path));
          for (const looked of files.paths) {
            const resolved = posix.resolve(looked);
            assert.ok(resolved === root || resolved.startsWith(`${root}/`), `${raw} looked at ${looked}`);
          }
          if (answer.kind === "ready" && answer.head.fields.some(([field]) => field === "ETag")) {
            const [looked = ""] = files.paths.slice(-1);
            const body = answer.body.latin1Slice();
            assert.notEqual(body, canary);
            // The last path that was looked at is the file, and its bytes are the file's.
            assert.equal(body, readFileSync(looked, "latin1"));
          }
          if (answer.kind === "file") answer.file?.release();
        }), { numRuns: 1500 });
      });
    }
  });
}

test("links lead out only where they may", async () => {
  const { handler } = watched(mappings[0]?.[1]() ?? { kind: "root", directory: folder, prefix: "" }, "off");
  const { handler: strict } = watched(mappings[0]?.[1]() ?? { kind: "root", directory: folder, prefix: "" }, "on");
  for (const path of ["/link", "/linked/f"]) {
    assert.equal(statusOf(await handler.answer(requestOf(path))), 200);
    assert.ok(statusOf(await strict.answer(requestOf(path))) >= 403);
  }
});
