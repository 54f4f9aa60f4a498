// The same files, settings and requests to nginx and to our handler: status, fields in their order, and body agree.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  mkdirSync, mkdtempSync, readSync, rmSync, symlinkSync, truncateSync, utimesSync, writeFileSync,
} from "node:fs";
import { type IncomingMessage, request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { FileCache, FileMemory, StaticHandler } from "../../src/handlers/static/index.ts";
import type { StaticSettings, SymlinkSettings } from "../../src/handlers/static/index.ts";
import { parseRequestUri } from "../../src/route/index.ts";
import { findProgram, requireProgram } from "../../tools/needs.ts";
import { freePort } from "../support/program.ts";
import { bodyOf, requestOf, settingsOf, statusOf } from "./settings.ts";

/** One location: what nginx is told, and what we are. All of them show the same tree. */
interface Location {
  readonly prefix: string;
  readonly directives: string;
  readonly settings: Partial<StaticSettings>;
  readonly symlinks?: SymlinkSettings["mode"];
}

const html = { format: "html", exactSize: true, localtime: false } as const;
const locations: readonly Location[] = [
  { prefix: "/plain/", directives: "", settings: {} },
  { prefix: "/before/", directives: "if_modified_since before; etag off; max_ranges 1;",
    settings: { ifModifiedSince: "before", etag: false, maxRanges: 1 } },
  { prefix: "/none/", directives: "max_ranges 0; if_modified_since off;",
    settings: { maxRanges: 0, ifModifiedSince: "off" } },
  { prefix: "/list/", directives: "autoindex on; charset utf-8; absolute_redirect off;",
    settings: { autoindex: html, isUtf8: true, absoluteRedirect: false } },
  { prefix: "/rough/", directives: "autoindex on; autoindex_exact_size off; port_in_redirect off;",
    settings: { autoindex: { ...html, exactSize: false }, portInRedirect: false } },
  { prefix: "/xml/", directives: "autoindex on; autoindex_format xml;",
    settings: { autoindex: { ...html, format: "xml" } } },
  { prefix: "/json/", directives: "autoindex on; autoindex_format json;",
    settings: { autoindex: { ...html, format: "json" } } },
  { prefix: "/jsonp/", directives: "autoindex on; autoindex_format jsonp;",
    settings: { autoindex: { ...html, format: "jsonp" } } },
  { prefix: "/gzip/", directives: "gzip_static on; gzip_vary on;", settings: { gzipStatic: "on", gzipVary: true } },
  { prefix: "/always/", directives: "gzip_static always;", settings: { gzipStatic: "always" } },
  { prefix: "/nolinks/", directives: "disable_symlinks on;", settings: {}, symlinks: "on" },
  { prefix: "/owner/", directives: "disable_symlinks if_not_owner;", settings: {}, symlinks: "if_not_owner" },
];

/** Method, target below a location, fields. */
type Asked = readonly [method: string, target: string, fields?: Readonly<Record<string, string>>];

const changed = "Sun, 06 Nov 1994 08:49:37 GMT";
const tag = '"2ebc98a1-b"';
const conditional: readonly Asked[] = [
  { "If-Modified-Since": changed }, { "If-Modified-Since": "Sun, 06 Nov 1994 08:49:38 GMT" },
  { "If-Modified-Since": "Sunday, 06-Nov-94 08:49:37 GMT" }, { "If-Modified-Since": "Sun Nov  6 08:49:37 1994" },
  { "If-Modified-Since": "never" }, { "If-Unmodified-Since": changed },
  { "If-Unmodified-Since": "Sun, 06 Nov 1994 08:49:36 GMT" }, { "If-Unmodified-Since": "never" },
  { "If-None-Match": tag }, { "If-None-Match": `W/${tag}` }, { "If-None-Match": '"x"' }, { "If-None-Match": "*" },
  { "If-None-Match": `"x", ${tag} , "y"` }, { "If-None-Match": `${tag}x` }, { "If-None-Match": "" },
  { "If-Match": tag }, { "If-Match": `W/${tag}` }, { "If-Match": "*" }, { "If-Match": '"x"' },
  { "If-None-Match": tag, "If-Modified-Since": "Sun, 06 Nov 1994 08:49:36 GMT" },
  { "If-None-Match": '"x"', "If-Modified-Since": changed }, { "If-Match": tag, "If-Unmodified-Since": "never" },
  { "If-Match": '"x"', "If-None-Match": tag }, { "If-None-Match": tag, Range: "bytes=0-1" },
].map((fields) => ["GET", "f.txt", fields]);
const ranged: readonly Asked[] = [
  "bytes=0-1", "bytes=0-0,2-3", "bytes=3-", "bytes=-3", "bytes=-30", "bytes=-0", "bytes=11-", "bytes=10-", "bytes=5-2",
  "bytes=0-,0-", "bytes=0-5,3-8", "bytes=0-9,0-9", "bytes=1-2,50-60", "bytes=50-60,70-80", "bytes=a", "bytes=1-2,",
  "bytes=,1-2", "bytes= 1 - 2 , 4 - 5 ", "BYTES=1-2", "items=1-2", "bytes=", "bytes=1-2-3", "bytes=1 2-3",
  "bytes=0-99999999999999999999", "bytes=99999999999999999999-", "bytes=-99999999999999999999", "bytes=1-2;q=1",
].map((range) => ["GET", "f.txt", { Range: range }]);
const ifRange: readonly Asked[] = [tag, `W/${tag}`, '"x"', changed, "Sun, 06 Nov 1994 08:49:38 GMT", "x", ""].map(
  (value) => ["GET", "f.txt", { Range: "bytes=0-1", "If-Range": value }],
);
const plain: readonly Asked[] = [
  ["GET", "f.txt"], ["HEAD", "f.txt"], ["POST", "f.txt"], ["DELETE", "f.txt"], ["PUT", "missing"], ["POST", "missing"],
  ["GET", "missing"], ["GET", "f.txt/"], ["GET", "f.txt/x"], ["GET", "missing/"], ["GET", "missing/x"],
  ["HEAD", "f.txt", { Range: "bytes=0-1" }], ["POST", "f.txt", { Range: "bytes=0-1" }], ["GET", "empty.html"],
  ["GET", "empty.html", { Range: "bytes=0-" }], ["GET", "empty.html", { Range: "bytes=0-1" }], ["GET", "noextension"],
  ["GET", "sub"], ["GET", "sub?a=b%20c&d"], ["POST", "sub"], ["DELETE", "sub"], ["GET", "sub/"], ["HEAD", "sub/"],
  ["POST", "sub/"], ["DELETE", "sub/"], ["GET", "a%20b"], ["GET", "q%3c%3e%5e%60%7b%7c%7d%22%5c%c3%a9"],
  ["GET", ".hidden"], ["GET", "we%3Ci%3Er%22d%26%25%23%3F.txt"], ["GET", "%C3%A9t%C3%A9.html"], ["GET", "link"],
  ["GET", "dangling"], ["GET", "linked/inner.txt"], ["GET", "sub/inner.txt"], ["GET", "m15", { Range: "bytes=-7" }],
  ["GET", "x".repeat(300)], ["GET", `${"d/".repeat(300)}x`], ["GET", "sub", { Host: "ExAmPle.org:99" }],
  ["GET", "p.txt"], ["GET", "p.txt", { "Accept-Encoding": "gzip" }],
  ["HEAD", "p.txt", { "Accept-Encoding": "deflate, gzip;q=0.5" }], ["GET", "p.txt", { "Accept-Encoding": "gzip;q=0" }],
  ["GET", "p.txt", { "Accept-Encoding": "br" }], ["GET", "p.txt", { "Accept-Encoding": "gzip", Range: "bytes=0-3" }],
  ["POST", "p.txt", { "Accept-Encoding": "gzip" }], ["GET", "f.txt", { "Accept-Encoding": "gzip" }],
];
const lists: readonly Asked[] = [
  ["GET", ""], ["HEAD", ""], ["POST", ""], ["GET", "sub/"], ["GET", "bare/"], ["GET", "?callback=f"],
  ["GET", "?x=1&callback=a.b_9"], ["GET", "?callback=a$b"], ["GET", "?callback="], ["GET", "?callback=a-b"],
  ["GET", `?callback=${"a".repeat(128)}`], ["GET", `?callback=${"a".repeat(129)}`],
];

let folder: string, port: number, nginx: ChildProcess | undefined;

/** Builds the tree; every time in it is the same. */
function makeTree(): void {
  const tree = join(folder, "tree");
  for (const name of ["", "sub", "bare", "a b", 'q<>^`{|}"\\é', "d".repeat(49), "d".repeat(50), "d".repeat(51)])
    mkdirSync(join(tree, name), { recursive: true });
  const names: Readonly<Record<string, string>> = {
    "f.txt": "hello world", "empty.html": "", noextension: "1", ".hidden": "2", 'we<i>r"d&%#?.txt': "3",
    "été.html": "4", "p.txt": "plain plain", "sub/index.html": "index", "sub/inner.txt": "inner", "bare/x": "",
    [`${"é".repeat(50)}`]: "", [`${"é".repeat(51)}`]: "", "c\x01\n\t\\": "", "9999": "x".repeat(9999),
    "10000": "x".repeat(10_000), "large.bin": "",
  };
  for (const [name, text] of Object.entries(names)) writeFileSync(join(tree, name), text);
  writeFileSync(join(tree, "p.txt.gz"), gzipSync("plain plain"));
  writeFileSync(Buffer.concat([Buffer.from(`${tree}/`), Buffer.from([0xff, 0xfe])]), "");
  truncateSync(join(tree, "large.bin"), 5_368_709_120);
  for (const [name, size] of [["m1", 1_048_575], ["m15", 1_572_863], ["m16", 1_572_864]] as const) {
    writeFileSync(join(tree, name), "");
    truncateSync(join(tree, name), size);
  }
  symlinkSync("f.txt", join(tree, "link"));
  symlinkSync("sub", join(tree, "linked"));
  for (const name of [...Object.keys(names), "p.txt.gz", "m1", "m15", "m16", "sub", "bare", "a b", "."])
    utimesSync(join(tree, name), 784_111_777, 784_111_777);
  symlinkSync("nowhere", join(tree, "dangling"));
}

function configuration(): string {
  const blocks = locations.map(({ prefix, directives }) =>
    `location ${prefix} { alias ${folder}/tree/; ${directives} }`);
  return `daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log;
    ${process.getuid?.() === 0 ? "user root;" : ""}
    events {}
    http {
      access_log off; default_type application/octet-stream;
      types { text/html html; text/plain txt; }
      client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f;
      uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
      server { listen 127.0.0.1:${port}; ${blocks.join("\n")} }
    }`;
}

interface Response {
  readonly status: number;
  readonly fields: readonly string[];
  readonly body: string;
}

const compared = new Set([
  "content-type", "content-length", "last-modified", "etag", "content-range", "accept-ranges", "content-encoding",
  "vary", "location",
]);

/** Charsets are the filters' to add, pages and lengths of listings the edge's, and boundaries are nobody's. */
function comparable(status: number, lines: readonly (readonly [string, string])[], body: string): Response {
  const boundary = lines.join().match(/boundary=(\d{20})/)?.[1];
  const neutral = (text: string): string => (boundary === undefined ? text : text.replaceAll(boundary, "B"));
  const plain = (value: string): string => neutral(value.replace("; charset=utf-8", ""));
  const isPage = status >= 400 || status === 301;
  const names = isPage ? new Set(["content-range", "location"]) : compared;
  const fields = lines.filter(([name]) => names.has(name.toLowerCase())).map(([name, value]) => `${name}: ${value}`);
  return { status, fields: fields.map(plain), body: isPage ? "" : neutral(body) };
}

async function askNginx([method, target, headers = {}]: Asked, prefix: string): Promise<Response> {
  const options = { host: "127.0.0.1", port, method, path: prefix + target, headers, agent: false };
  const sent = httpRequest(options).end();
  const [response] = (await once(sent, "response")) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const lines: [string, string][] = [];
  const { rawHeaders } = response;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    lines.push([rawHeaders[index] ?? "", rawHeaders[index + 1] ?? ""]);
  }
  return comparable(response.statusCode ?? 0, lines, Buffer.concat(chunks).toString("latin1"));
}

const handlers = new Map<string, StaticHandler>();

async function askUs([method, target, headers = {}]: Asked, prefix: string): Promise<Response> {
  const handler = handlers.get(prefix);
  const uri = parseRequestUri(prefix + target, true);
  assert.ok(handler !== undefined && uri !== undefined);
  const { Host: host = `127.0.0.1:${port}`, ...others } = headers;
  const lines = Object.entries(others).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const facts = { method, args: uri.args, host: host.replace(/:\d+$/, "").toLowerCase(), localPort: port };
  let path = uri.path;
  let answer = await handler.answer(requestOf(path, lines, facts));
  for (; answer.kind === "internal"; answer = await handler.answer(requestOf(path, lines, facts))) path = answer.path;
  const text = bodyOf(answer, (fd, start, end) => {
    const bytes = Buffer.alloc(end - start);
    readSync(fd, bytes, 0, bytes.length, start);
    return bytes.toString("latin1");
  });
  const fields = answer.kind === "redirect" ? [["Location", answer.location] as const]
    : answer.kind === "status" ? answer.fields : answer.head.fields;
  return comparable(statusOf(answer), fields, method === "HEAD" ? "" : text);
}

describe("files, as nginx sends them", { skip: requireProgram("nginx", "apt-get install nginx") }, () => {
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "tricorn-static-"));
    makeTree();
    port = await freePort();
    writeFileSync(join(folder, "nginx.conf"), configuration());
    const memory = new FileMemory();
    const clock = { coarseMs: 0 };
    for (const { prefix, settings, symlinks = "off" } of locations) {
      const files = new FileCache({ openFileCache: undefined, symlinks: { mode: symlinks, from: "" }, memory, clock });
      const mapping = { kind: "alias", directory: `${folder}/tree/`, prefix } as const;
      handlers.set(prefix, new StaticHandler(settingsOf({ mapping, ...settings }), files));
    }
    nginx = spawn(findProgram("nginx") ?? "nginx", ["-c", join(folder, "nginx.conf")], { stdio: "ignore" });
    for (let tries = 0; tries < 200; tries++) {
      if (await askNginx(["GET", "f.txt"], "/plain/").then(() => true, () => false)) return;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  });

  after(async () => {
    if (nginx?.kill() === true) await once(nginx, "exit");
    rmSync(folder, { recursive: true, force: true });
  });

  const table: readonly (readonly [string, readonly string[], readonly Asked[]])[] = [
    ["conditions", ["/plain/", "/before/", "/none/"], conditional],
    ["ranges", ["/plain/", "/before/", "/none/"], ranged],
    ["If-Range", ["/plain/", "/before/"], ifRange],
    ["names, methods and directories", locations.map(({ prefix }) => prefix), plain],
    ["listings", ["/plain/", "/list/", "/rough/", "/xml/", "/json/", "/jsonp/"], lists],
  ];
  for (const [what, prefixes, asked] of table) {
    test(what, async () => {
      const differences: unknown[] = [];
      for (const prefix of prefixes) {
        for (const each of asked) {
          const theirs = await askNginx(each, prefix);
          // Once anew, and once from what was kept.
          for (const ours of [await askUs(each, prefix), await askUs(each, prefix)]) {
            if (JSON.stringify(ours) !== JSON.stringify(theirs)) differences.push({ prefix, each, theirs, ours });
          }
        }
      }
      assert.deepEqual(differences, []);
    });
  }
});
