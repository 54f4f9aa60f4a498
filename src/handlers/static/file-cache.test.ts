import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  appendFileSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, unlinkSync, utimesSync, writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { bodyOf, fieldOf, requestOf, settingsOf, statusOf } from "../../../tests/static/settings.ts";
import { FileCache } from "./file-cache.ts";
import type { FileEntry } from "./file-entry.ts";
import { FileMemory } from "./file-memory.ts";
import { StaticHandler } from "./static-handler.ts";
import type { OpenFileCacheSettings, StaticSettings } from "./settings.ts";

const usual: OpenFileCacheSettings = { max: 3, inactiveMs: 20_000, validMs: 60_000, minUses: 1, errors: false };
const clock = { coarseMs: 0 };
let folder: string;

before(() => {
  folder = mkdtempSync(join(tmpdir(), "file-cache-"));
});
beforeEach(() => {
  clock.coarseMs = 1_000_000;
});
after(() => rmSync(folder, { recursive: true }));

/** A file that was left alone for a while. */
function write(name: string, text: string, secondsAgo: number = 100): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  const then = Math.floor(Date.now() / 1000) - secondsAgo;
  utimesSync(path, then, then);
  return path;
}

function cacheOf(openFileCache: OpenFileCacheSettings | undefined, memory: FileMemory = new FileMemory()): FileCache {
  return new FileCache({ openFileCache, symlinks: { mode: "off", from: "" }, memory, clock });
}

const textOf = async (cache: FileCache, path: string): Promise<string | undefined> =>
  (await cache.find(path)).found.bytes?.latin1Slice();
const isKnown = (cache: FileCache, path: string): boolean => !(cache.find(path) instanceof Promise);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("files without open_file_cache", () => {
  test("are in memory, and seen at once when they change, whatever their time says", async () => {
    const cache = cacheOf(undefined);
    const path = write("a", "one");
    assert.equal(await textOf(cache, path), "one");
    assert.ok(isKnown(cache, path));
    await turn();
    writeFileSync(path, "two");
    assert.equal(await textOf(cache, path), "two");
    // Changed a moment ago: not kept, because another change might not show.
    assert.ok(!isKnown(cache, path));
    await turn();
    write("a.new", "new", 50);
    renameSync(join(folder, "a.new"), path);
    assert.equal(await textOf(cache, path), "new");
    await turn();
    unlinkSync(path);
    assert.equal((await cache.find(path)).found.code, "ENOENT");
    assert.equal(cache.count, 0);
  });

  test("are compared once a turn of the event loop", async () => {
    const cache = cacheOf(undefined);
    const path = write("turn", "one");
    await textOf(cache, path);
    await turn();
    assert.ok(isKnown(cache, path));
    unlinkSync(path);
    assert.ok(isKnown(cache, path));
    await turn();
    assert.ok(!isKnown(cache, path));
  });

  test("are loaded once for all who wait", async () => {
    const cache = cacheOf(undefined);
    const path = write("once", "x");
    const [first, second] = [cache.find(path), cache.find(path)];
    assert.ok(first instanceof Promise);
    assert.equal(first, second);
    await first;
  });

  test("are not kept when they are directories, errors, or no regular files", async () => {
    const cache = cacheOf(undefined);
    mkdirSync(join(folder, "directory"));
    execFileSync("mkfifo", [join(folder, "fifo")]);
    const found = async (name: string): Promise<FileEntry["found"]> => (await cache.find(join(folder, name))).found;
    assert.equal((await found("directory")).kind, "directory");
    assert.equal((await found("fifo")).kind, "other");
    assert.equal((await found("missing")).code, "ENOENT");
    assert.equal(cache.count, 0);
    const kinds = ["directory", "fifo", "missing", "missing/x"].map((name) => cache.kindOf(join(folder, name)));
    assert.deepEqual(kinds, ["directory", "other", "none", "none"]);
  });

  test("stay within the memory's budget, and large ones outside it", async () => {
    const memory = new FileMemory({ sizeMax: 3 * 4048, fileSizeMax: 1000, countMax: 10 });
    const cache = cacheOf(undefined, memory);
    for (let n = 0; n < 6; n++) await textOf(cache, write(`budget-${n}`, "x".repeat(1000)));
    assert.equal(cache.count, 3);
    assert.equal(memory.size, 3 * 4048);
    const large = await cache.find(write("large", "x".repeat(1001)));
    assert.equal(large.found.bytes, undefined);
    assert.ok(large.found.file !== undefined);
    cache.clear();
    assert.equal(memory.size, 0);
  });

  test("are counted, too", async () => {
    const memory = new FileMemory({ sizeMax: 1_000_000, fileSizeMax: 1000, countMax: 2 });
    const cache = cacheOf(undefined, memory);
    for (let n = 0; n < 4; n++) await textOf(cache, write(`count-${n}`, "x"));
    assert.equal(cache.count, 2);
  });
});

describe("open_file_cache", () => {
  test("believes what it knows for as long as it says", async () => {
    const cache = cacheOf(usual);
    const path = write("valid", "one");
    await textOf(cache, path);
    write("valid", "other", 50);
    clock.coarseMs += 60_000;
    assert.equal(await textOf(cache, path), "one");
    clock.coarseMs += 1;
    assert.equal(await textOf(cache, path), "other");
  });

  test("keeps so many, and those that are used", async () => {
    const cache = cacheOf(usual);
    const [a = "", ...others] = ["m1", "m2", "m3", "m4"].map((name) => write(name, name));
    await textOf(cache, a);
    for (const path of others) {
      clock.coarseMs++;
      await textOf(cache, path);
      await textOf(cache, a);
    }
    assert.equal(cache.count, 3);
    assert.ok(isKnown(cache, a));
    assert.ok(!isKnown(cache, others[0] ?? ""));
  });

  test("forgets what nobody has used for a while", async () => {
    const cache = cacheOf(usual);
    await textOf(cache, write("idle", "x"));
    clock.coarseMs += 20_001;
    await textOf(cache, write("busy", "x"));
    assert.equal(cache.count, 1);
  });

  test("only counts what is asked for too rarely", async () => {
    const cache = cacheOf({ ...usual, minUses: 3 });
    const path = write("rare", "x");
    for (const known of [false, false, false, true]) {
      assert.equal(isKnown(cache, path), known);
      await cache.find(path);
    }
  });

  test("remembers errors if it shall", async () => {
    for (const errors of [false, true]) {
      const cache = cacheOf({ ...usual, errors });
      const path = join(folder, "nothing");
      await cache.find(path);
      assert.equal(isKnown(cache, path), errors);
      assert.equal(cache.kindOf(path), "none");
    }
  });

  test("holds descriptors of large files, and closes them", async () => {
    const memory = new FileMemory({ sizeMax: 1_000_000, fileSizeMax: 10, countMax: 10 });
    const cache = cacheOf(usual, memory);
    const path = write("held", "x".repeat(100));
    const open = readdirSync("/proc/self/fd").length;
    const { found: { file } } = await cache.find(path);
    await turn();
    assert.equal((await cache.find(path)).found.file, file);
    unlinkSync(path);
    assert.equal(file?.now().size, 100);
    cache.clear();
    while (readdirSync("/proc/self/fd").length > open) await turn();
  });
});

const rootOf = (directory: string): StaticSettings["mapping"] => ({ kind: "root", directory, prefix: "" });

describe("answers", () => {
  const handlerOf = (some: Partial<StaticSettings>): StaticHandler =>
    new StaticHandler(settingsOf({ mapping: rootOf(folder), ...some }), cacheOf(undefined));

  test("come again, the same object, until the file changes", async () => {
    const handler = handlerOf({});
    write("same.txt", "one");
    const first = await handler.answer(requestOf("/same.txt"));
    assert.equal(handler.answer(requestOf("/same.txt")), first);
    assert.equal(handler.answer(requestOf("/same.txt", "", { method: "HEAD" })), first);
    await turn();
    appendFileSync(join(folder, "same.txt"), "!");
    const second = await handler.answer(requestOf("/same.txt"));
    assert.equal(bodyOf(second, () => ""), "one!");
    assert.notEqual(fieldOf(second, "ETag"), fieldOf(first, "ETag"));
  });

  test("prefer the smallest file that was made beforehand", async () => {
    const handler = handlerOf({ gzipStatic: "on", brotliStatic: "on", zstdStatic: "on", gzipVary: true });
    for (const [name, text] of [["p.txt", "p"], ["p.txt.gz", "g"], ["p.txt.br", "b"], ["p.txt.zst", "z"]] as const)
      write(name, text);
    for (const [accepted, body, coding] of [
      ["gzip, br, zstd", "b", "br"], ["gzip, zstd", "z", "zstd"], ["gzip", "g", "gzip"], ["identity", "p", undefined],
    ] as const) {
      const answer = await handler.answer(requestOf("/p.txt", `Accept-Encoding: ${accepted}\r\n`));
      assert.equal(bodyOf(answer, () => ""), body);
      assert.equal(fieldOf(answer, "Content-Encoding"), coding);
      assert.equal(fieldOf(answer, "Vary"), "Accept-Encoding");
      assert.equal(fieldOf(answer, "Content-Type"), "text/plain");
    }
    const forbidden = requestOf("/p.txt", "Accept-Encoding: gzip\r\n", { mayCompress: false });
    assert.equal(fieldOf(await handler.answer(forbidden), "Content-Encoding"), undefined);
  });

  test("under limit_rate are bodies to be sent slowly, from memory, too", async () => {
    write("slow.txt", "0123456789");
    const handler = handlerOf({});
    const rate = { rate: 5, after: 2 };
    const answer = await handler.answer(requestOf("/slow.txt", "Range: bytes=1-2\r\n", { rate }));
    assert.ok(answer.kind === "file" && answer.file === undefined);
    assert.deepEqual(answer.rate, rate);
    assert.equal(bodyOf(answer, () => ""), "12");
    assert.equal((await handler.answer(requestOf("/slow.txt"))).kind, "ready");
    assert.equal((await handler.answer(requestOf("/slow.txt", "", { rate }))).kind, "file");
  });

  test("use the directory of the request where the configuration has variables", async () => {
    mkdirSync(join(folder, "site"));
    write("site/v.txt", "v");
    const handler = handlerOf({});
    assert.equal(statusOf(await handler.answer(requestOf("/v.txt"))), 404);
    const request = requestOf("/v.txt", "", { directory: join(folder, "site") });
    for (let round = 0; round < 2; round++) assert.equal(bodyOf(await handler.answer(request), () => ""), "v");
    assert.equal(statusOf(await handler.answer(requestOf("/v.txt"))), 404);
    assert.deepEqual([handler.kindOf("/site/v.txt"), handler.kindOf("/v.txt"), handler.kindOf("/../x")],
      ["file", "none", "none"]);
  });

  test("are a status for what leaves the root, and say so", async () => {
    const answer = await handlerOf({}).answer(requestOf("/../x"));
    assert.equal(statusOf(answer), 403);
    assert.ok(answer.kind === "status" && answer.notice !== undefined);
  });
});
