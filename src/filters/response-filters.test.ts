import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { innermost } from "../../tests/conf/blocks.ts";
import { type Said, programVariables, request } from "../../tests/route/facts.ts";
import { type FieldLine, ResponseHead } from "../http/response-head.ts";
import type { Evaluation } from "../route/index.ts";
import { fromLatin1 } from "../std/bytes.ts";
import { filterDirectives, responseSettings } from "./directives.ts";
import { type FilterInput, type FilterOutput, ResponseFilters } from "./index.ts";

const nowMs = Date.UTC(2026, 10, 21, 12, 15, 34);
const lastModified = "Last-Modified: Thu, 02 Jan 2020 03:04:05 GMT";
const maps = "charset_map koi8-r utf-8 { C0 D18E; } charset_map koi8-r windows-1251 { C0 FE; }";

function filters(text: string): ResponseFilters {
  const settings = responseSettings(innermost(`http { ${maps} server { location / { ${text} } } }`, filterDirectives));
  assert.ok(settings !== undefined);
  return new ResponseFilters(settings, programVariables());
}

/** "Content-Type: text/html | ETag: "x"" */
function head(fields: string, status: number = 200): ResponseHead {
  const lines = fields.split(" | ").filter((line) => line !== "").map((line): FieldLine => {
    const [name = "", value = ""] = line.split(/: (.*)/s);
    return [name, value];
  });
  return new ResponseHead(status, "", lines);
}

function shown({ fields }: ResponseHead): string {
  return fields.map(([name, value]) => `${name}: ${value}`).join(" | ");
}

interface Case {
  readonly text: string;
  readonly fields: string;
  readonly status?: number;
  readonly target?: string;
  readonly said?: Said;
  readonly input?: Partial<FilterInput>;
}

function begin({ text, fields, status, target, said, input }: Case): FilterOutput {
  const evaluation = request(target ?? "/a", { nowMs: () => nowMs, ...said });
  return filters(text).begin({
    head: head(fields, status), evaluation, isMain: true, hasBody: true, mayTransform: true, ...input,
  });
}

function bodyOf({ body }: FilterOutput, ...parts: readonly string[]): string {
  const out = parts.map((part) => body?.push(fromLatin1(part)).latin1Slice() ?? part).join("");
  return out + (body?.end().latin1Slice() ?? "");
}

const html = "Content-Type: text/html | Content-Length: 5";
const tagged = `${html} | ETag: "x" | Accept-Ranges: bytes | ${lastModified}`;
const stale = "Expires: Thu, 01 Jan 2015 00:00:00 GMT | Cache-Control: private | Cache-Control: x";

describe("the head of a response", () => {
  // What nginx 1.22 sends; Date, Server and the framing are not looked at, nor is the order.
  const table: readonly (readonly [text: string, fields: string, expected: string, status?: number])[] = [
    ['add_header X-A "$uri"; add_header X-E ""; add_header Cache-Control a; add_header Cache-Control b;', stale,
      `${stale} | X-A: /a | Cache-Control: a | Cache-Control: b`],
    ['add_header Last-Modified ""; add_header ETag "\\"z\\"";', tagged,
      `${html} | Accept-Ranges: bytes | ETag: "z"`],
    ['add_header Last-Modified "Fri, 03 Jan 2020 03:04:05 GMT"; add_header etag "";', tagged,
      `${html} | Accept-Ranges: bytes | Last-Modified: Fri, 03 Jan 2020 03:04:05 GMT`],
    ["add_header Link x; add_header Server me;", html, `${html} | Link: x | Server: me`],
    ["add_header X-A a; add_header X-B b always; expires 1h;", html, `${html} | X-B: b`, 404],
    ["add_header X-A a; expires 1h;", html,
      `${html} | Expires: Sat, 21 Nov 2026 13:15:34 GMT | Cache-Control: max-age=3600 | X-A: a`, 206],
    ["expires 1h; add_header Cache-Control public; add_header Expires x;", `${html} | ${stale}`,
      `${html} | Expires: Sat, 21 Nov 2026 13:15:34 GMT | Cache-Control: max-age=3600 | Cache-Control: public`
        + " | Expires: x"],
    ["expires modified 1h;", `${html} | ${lastModified}`,
      `${html} | ${lastModified} | Expires: Thu, 02 Jan 2020 04:04:05 GMT | Cache-Control: no-cache`],
    ["expires $arg_e;", stale, "Expires: Thu, 31 Dec 2037 23:55:55 GMT | Cache-Control: max-age=315360000"],
    ["expires $arg_f;", stale, stale],
    ["expires $arg_none;", stale, stale],
    ["charset utf-8;", html, "Content-Type: text/html; charset=utf-8 | Content-Length: 5"],
    ["charset utf-8;", "Content-Type: TEXT/HTML", "Content-Type: TEXT/HTML; charset=utf-8"],
    ["charset utf-8;", "Content-Type: text/html; charset=koi8-r", "Content-Type: text/html; charset=koi8-r"],
    ['charset utf-8;', 'Content-Type: text/html; charset="koi8-r"; x=y',
      'Content-Type: text/html; charset="koi8-r"; x=y'],
    ["charset utf-8;", html, "Content-Type: text/html; charset=utf-8 | Content-Length: 5", 404],
    ["charset utf-8;", html, html, 301],
    ["charset utf-8;", html, html, 302],
    ["charset utf-8;", html, "Content-Type: text/html; charset=utf-8 | Content-Length: 5", 303],
    ["charset utf-8;", "ETag: x", "ETag: x"],
    ["charset utf-8; charset_types *;", "ETag: x", "ETag: x"],
    ["charset utf-8; charset_types *;", "Content-Type: image/gif", "Content-Type: image/gif; charset=utf-8"],
    ["charset utf-8; charset_types image/gif;", "Content-Type: text/plain", "Content-Type: text/plain"],
    ["charset $arg_e;", html, "Content-Type: text/html; charset=max | Content-Length: 5"],
    ["charset $arg_none;", html, html],
    ["charset utf-8; override_charset on;", "Content-Type: text/html; charset=foo",
      "Content-Type: text/html; charset=foo"],
    ["charset utf-8;", `${html} | Content-Encoding: gzip`,
      "Content-Type: text/html; charset=utf-8 | Content-Length: 5 | Content-Encoding: gzip"],
    ["charset utf-8; source_charset koi8-r;", `${html} | Content-Encoding: gzip`, `${html} | Content-Encoding: gzip`],
    ["charset utf-8; source_charset koi8-r;", tagged,
      `Content-Type: text/html; charset=utf-8 | ETag: "x" | ${lastModified}`],
    ["charset windows-1251; source_charset koi8-r;", html,
      "Content-Type: text/html; charset=windows-1251 | Content-Length: 5"],
    ["charset utf-8; override_charset on;", "Content-Type: text/html; charset=KOI8-R",
      "Content-Type: text/html; charset=utf-8"],
    ["sub_filter hello HI;", tagged, "Content-Type: text/html"],
    ["sub_filter hello HI; sub_filter_last_modified on;", tagged,
      `Content-Type: text/html | ETag: W/"x" | ${lastModified}`],
    ["sub_filter hello HI; sub_filter_last_modified on;", 'Content-Type: text/html | ETag: W/"x"',
      'Content-Type: text/html | ETag: W/"x"'],
    ["sub_filter hello HI;", "Content-Type: text/plain | Content-Length: 5",
      "Content-Type: text/plain | Content-Length: 5"],
    ["sub_filter hello HI;", 'Content-Type: text/html | Content-Length: 0 | ETag: "x"',
      'Content-Type: text/html | Content-Length: 0 | ETag: "x"'],
    ["sub_filter hello HI; add_after_body /aft;", 'Content-Type: text/html | Content-Length: 0 | ETag: "x"',
      "Content-Type: text/html"],
    ["sub_filter $arg_none HI;", tagged, tagged],
    ["sub_filter hello HI; sub_filter_types *;", `ETag: "x" | ${lastModified}`, "", 304],
    ["sub_filter hello HI;", `ETag: "x" | ${lastModified}`, `ETag: "x" | ${lastModified}`, 304],
    ["sub_filter hello HI;", `${html} | Content-Range: bytes 0-4/10`,
      "Content-Type: text/html | Content-Range: bytes 0-4/10",
      206],
    ["sub_filter hello HI;", `${tagged} | Content-Encoding: gzip`, `${tagged} | Content-Encoding: gzip`],
    ["add_before_body /bef;", tagged, `Content-Type: text/html | ETag: W/"x" | ${lastModified}`],
    ["add_before_body /bef;", tagged, tagged, 404],
    ["add_before_body /bef;", "Content-Type: text/plain | Content-Length: 5",
      "Content-Type: text/plain | Content-Length: 5"],
    ["add_before_body /bef; addition_types *;", "Content-Length: 5", ""],
    ["add_header A b; expires epoch;", "Content-Range: bytes */4", "Content-Range: bytes */4 | A: b | "
      + "Expires: Thu, 01 Jan 1970 00:00:01 GMT | Cache-Control: no-cache", 416],
    ["add_header A b;", "", "", 416],
    ["add_trailer X-T t;", tagged, `Content-Type: text/html | ETag: "x" | Accept-Ranges: bytes | ${lastModified}`],
    ["add_trailer X-T t;", html, html, 404],
    ["add_trailer X-T t always;", html, "Content-Type: text/html", 404],
    // Not as nginx, which sends two of them.
    ["add_header Content-Type text/plain;", html, "Content-Length: 5 | Content-Type: text/plain"],
  ];
  const sorted = (fields: string): readonly string[] => fields.split(" | ").sort();
  for (const [text, fields, expected, status = 200] of table) {
    test(`${text} ${status} ${fields}`, () => {
      const output = begin({ text, fields, status, target: "/a?e=max&f=bogus" });
      assert.deepEqual(sorted(shown(output.head)), sorted(expected));
    });
  }

  test("is the same without a body", () => {
    for (const text of ["sub_filter a b;", "add_before_body /a;", "charset utf-8; source_charset koi8-r;"]) {
      const withBody = begin({ text, fields: tagged });
      const without = begin({ text, fields: tagged, input: { hasBody: false } });
      assert.equal(shown(without.head), shown(withBody.head));
      assert.equal(without.body ?? without.before, undefined);
    }
  });

  test("of a subrequest stays", () => {
    const input = { isMain: false };
    const output = begin({ text: "add_header A b; expires 1h; userid on; sub_filter a b;", fields: html, input });
    assert.equal(shown(output.head), html);
    assert.equal(bodyOf(output, "xax"), "xbx");
    assert.equal(begin({ text: "add_after_body /b; add_trailer A b;", fields: html, input }).after, undefined);
  });

  test("never has a field with a control character", () => {
    const log: string[] = [];
    const text = 'add_header X "a$uri"; add_header Y b;';
    const output = begin({ text, fields: "", target: "/%0d%0aZ:1", said: { log } });
    assert.equal(shown(output.head), "Y: b");
    assert.deepEqual(log, ['error: field "X" was not added: its value has a control character']);
  });

  test("has UTF-8 of the file as bytes", () => {
    assert.equal(shown(begin({ text: "add_header X ü;", fields: "" }).head), "X: \xc3\xbc");
  });
});

describe("a body", () => {
  test("has its texts replaced, then is recoded, and stands between others", () => {
    const output = begin({
      text: "charset utf-8; source_charset koi8-r; sub_filter_once off; sub_filter $arg_x $uri; add_before_body /b; "
        + "add_after_body /c;",
      fields: html, target: "/p?x=abc",
    });
    assert.equal(bodyOf(output, "\xc0AB", "C\xc0a"), "\xd1\x8e/p\xd1\x8ea");
    assert.deepEqual([output.before, output.after], ["/b", "/c"]);
  });

  test("passes as it is where a text to look for has no value", () => {
    assert.equal(bodyOf(begin({ text: "sub_filter $arg_x y;", fields: html }), "hello"), "hello");
  });

  test("is not recoded without a map, which the log is told", () => {
    const log: string[] = [];
    const output = begin({
      text: "charset utf-8; override_charset on;", fields: "Content-Type: text/html; charset=foo", said: { log },
    });
    assert.equal(output.body, undefined);
    assert.deepEqual(log, ['error: no "charset_map" between the charsets "foo" and "utf-8"']);
  });

  test("is left alone where it may not be changed", () => {
    const text = "charset utf-8; source_charset koi8-r; sub_filter a b; add_before_body /b;";
    const output = begin({ text, fields: tagged, input: { mayTransform: false } });
    assert.equal(shown(output.head), tagged);
    assert.equal(output.body ?? output.before, undefined);
  });

  test("which ranges its type may have, is known before", () => {
    const all = filters("sub_filter a b; add_before_body /b; addition_types text/css;");
    const types = ["text/html", "text/css; a=b", "text/plain"];
    assert.deepEqual(types.map((type) => all.rangesOf(type)), ["none", "none", "any"]);
    const recoding = filters("charset utf-8; source_charset koi8-r;");
    assert.deepEqual(["text/plain", "image/gif"].map((type) => recoding.rangesOf(type)), ["none", "any"]);
    assert.equal(filters("add_header A b;").rangesOf("text/html"), "any");
    for (const [text, expected] of [
      ["charset windows-1251; source_charset koi8-r;", "one"], ["charset $arg_c; source_charset koi8-r;", "none"],
      ["charset windows-1251; source_charset $arg_c;", "none"], ["charset koi8-r;", "any"],
      ["charset koi8-r; source_charset koi8-r;", "any"],
    ] as const) {
      assert.equal(filters(text).rangesOf("text/plain"), expected, text);
    }
  });

  test("what its validators will be, is known before", () => {
    const own = { etag: '"x"', lastModifiedS: 1 };
    for (const [text, expected] of [
      ["add_header A b;", own], ["add_header etag y;", { ...own, etag: "y" }],
      ['add_header ETag ""; add_header Last-Modified "";', { etag: undefined, lastModifiedS: undefined }],
      ['add_header Last-Modified "Thu, 01 Jan 1970 00:00:00 GMT";', { ...own, lastModifiedS: 0 }],
    ] as const) {
      assert.deepEqual(filters(text).validators(own, request("/a")), expected, text);
    }
  });
});

describe("trailers", () => {
  test("are made at the end, and only those with a value", () => {
    let size = 0;
    const { trailers } = begin({
      text: 'add_trailer X-Size $body_bytes_sent; add_trailer X-E ""; add_trailer X-C "$uri";', fields: html,
      target: "/%01", said: { bodyBytesSent: () => size },
    });
    size = 5;
    assert.deepEqual(trailers?.(), [["X-Size", "5"]]);
  });

  test("may ask for those before them", () => {
    let lines: readonly FieldLine[] = [];
    const { trailers } = begin({
      text: 'add_trailer A a; add_trailer B "$sent_trailer_a$sent_trailer_b";', fields: html,
      said: { responseTrailer: (wanted) => lines.find(([name]) => name.toLowerCase() === wanted)?.[1] },
    });
    assert.deepEqual(trailers?.((sent) => { lines = sent; }), [["A", "a"], ["B", "a"]]);
  });

  test("are for statuses as fields are", () => {
    const { trailers } = begin({ text: "add_trailer A a; add_trailer B b always;", fields: html, status: 500 });
    assert.deepEqual(trailers?.(), [["B", "b"]]);
  });

  test("are not for HTTP/1.0, nor where no body is", () => {
    const old = begin({ text: "add_trailer A a;", fields: html, said: { protocol: "HTTP/1.0" } });
    assert.equal(old.trailers, undefined);
    assert.equal(shown(old.head), html);
    const empty = begin({ text: "add_trailer A a;", fields: html, input: { hasBody: false } });
    assert.equal(empty.trailers, undefined);
    assert.equal(shown(empty.head), html);
  });
});

describe("a head that comes again", () => {
  const again = (
    text: string, first: Evaluation, second: Evaluation, fields: string = html,
  ): readonly [ResponseHead, ResponseHead] => {
    const all = filters(text);
    const same = head(fields);
    const [one, two] = [first, second].map((evaluation) =>
      all.begin({ head: same, evaluation, isMain: true, hasBody: true, mayTransform: true }).head);
    assert.ok(one !== undefined && two !== undefined);
    return [one, two];
  };
  const at = (ms: number, target: string = "/"): Evaluation => request(target, { nowMs: () => ms });

  test("is the same object where nothing depends on the request", () => {
    for (const text of ["add_header A b;", "charset utf-8;", "expires max;", "sub_filter a b;", "add_after_body /a;"]) {
      const [one, two] = again(text, at(0), at(5000), "Content-Type: text/plain");
      assert.equal(one === two, true, text);
    }
  });

  test("with a time in it is good for its second", () => {
    const [one, two] = again("expires 1h;", at(1000), at(1999));
    assert.equal(one, two);
    const [three, four] = again("expires 1h;", at(1999), at(2000));
    assert.notEqual(shown(three), shown(four));
  });

  test("with a variable is made again", () => {
    const [one, two] = again("add_header A $uri;", at(0, "/a"), at(0, "/b"));
    assert.match(shown(one), /A: \/a/);
    assert.match(shown(two), /A: \/b/);
  });

  test("is made for each location", () => {
    const same = head(html);
    const input = { head: same, evaluation: at(0), isMain: true, hasBody: true, mayTransform: true };
    assert.match(shown(filters("add_header A b;").begin(input).head), /A: b/);
    assert.match(shown(filters("add_header B c;").begin(input).head), /B: c/);
  });

  test("is not taken for one in whose body nothing was looked for", () => {
    const all = filters("sub_filter $arg_x b;");
    const input = { head: head(html), isMain: true, hasBody: true, mayTransform: true };
    assert.equal(all.begin({ ...input, evaluation: at(0, "/?x=") }).body, undefined);
    assert.ok(all.begin({ ...input, evaluation: at(0, "/?x=a") }).body !== undefined);
  });

  test("is not taken for one whose body was left out", () => {
    const all = filters("sub_filter a b; add_trailer T t;");
    const same = head(html);
    const input = { head: same, evaluation: at(0), isMain: true, mayTransform: true };
    all.begin({ ...input, hasBody: false });
    assert.ok(all.begin({ ...input, hasBody: true }).body !== undefined);
    const plain = filters("add_trailer T t;");
    const other = { ...input, head: head(html), hasBody: true };
    plain.begin({ ...other, evaluation: request("/", { protocol: "HTTP/1.0" }) });
    assert.ok(plain.begin(other).trailers !== undefined);
  });
});
