import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { contextMistakes, exampleMistakes, innermost, readText, refusals, textIn } from "../../tests/conf/blocks.ts";
import { constantOf } from "../config/nginx/complex-value.ts";
import { filterDirectives, responseMistakes, responseSettings } from "./directives.ts";
import type { ResponseSettings } from "./settings.ts";

/** Settings of a location with `text` in a server with `around`. */
function settings(text: string, around: string = "", http: string = ""): ResponseSettings | undefined {
  const block = innermost(`http { ${http} server { ${around} location / { ${text} } } }`, filterDirectives);
  return responseSettings(block);
}

describe("the directives of filters", () => {
  test("are nginx's, in its places, with examples that are accepted", () => {
    assert.deepEqual(contextMistakes(filterDirectives), []);
    assert.deepEqual(exampleMistakes(filterDirectives), []);
  });

  test("leave responses alone where none is written, and where all are off", () => {
    assert.equal(settings(""), undefined);
    const off = "expires off; charset off; userid off; add_before_body ''; add_header_inherit off;";
    assert.equal(settings(off, "expires 1h; charset utf-8; userid on; add_before_body /a; add_header A b;"), undefined);
    assert.equal(settings("source_charset koi8-r; override_charset on; sub_filter_once off;"), undefined);
  });

  const headersOf = (text: string, around?: string, http?: string): string =>
    settings(text, around, http)?.headers.map(({ name }) => name).join(" ") ?? "";

  test("take add_header of the nearest block that has any, unless add_header_inherit says more", () => {
    assert.equal(headersOf("", "add_header A 1; add_header B 2;"), "A B");
    assert.equal(headersOf("add_header C 3;", "add_header A 1; add_header B 2;"), "C");
    assert.equal(headersOf("expires 1h;", "add_header A 1;"), "A");
    assert.equal(headersOf("add_header_inherit merge; add_header C 3;", "add_header A 1;"), "C A");
    assert.equal(headersOf("add_header C 3;", "add_header A 1;", "add_header_inherit merge; add_header H 0;"), "C A H");
    assert.equal(headersOf("add_header_inherit merge;", "add_header A 1;", "add_header H 0;"), "A");
    assert.equal(headersOf("add_header_inherit off;", "add_header A 1;"), "");
    assert.equal(headersOf("add_header C 3;", "add_header_inherit off; add_header A 1;"), "C");
    const trailers = settings("add_trailer_inherit merge; add_trailer T 1;", "add_trailer U 2; add_header A 1;");
    assert.deepEqual(trailers?.trailers.map(({ name }) => name), ["T", "U"]);
    assert.deepEqual(trailers.headers.map(({ name }) => name), ["A"]);
  });

  test("put values of several lines on one", () => {
    const value = (text: string): string | undefined => {
      const [field] = settings(`add_header Content-Security-Policy ${text};`)?.headers ?? [];
      return field && constantOf(field.value);
    };
    assert.equal(value('"\n  default-src \'self\';\r\n\t img-src *;\n"'), "default-src 'self'; img-src *;");
    assert.equal(value('"a  b"'), "a  b");
    assert.equal(value('""'), "");
  });

  test("read expires", () => {
    const expires = (text: string) => settings(`expires ${text};`)?.expires;
    assert.deepEqual(expires("24h"), { kind: "after", modified: false, seconds: 86_400 });
    assert.deepEqual(expires("+1w2d"), { kind: "after", modified: false, seconds: 9 * 86_400 });
    assert.deepEqual(expires("-1"), { kind: "after", modified: false, seconds: -1 });
    assert.deepEqual(expires("modified 1M"), { kind: "after", modified: true, seconds: 30 * 86_400 });
    assert.deepEqual(expires("@15h30m"), { kind: "daily", second: 55_800 });
    assert.deepEqual(expires("@24h"), { kind: "daily", second: 86_400 });
    assert.deepEqual(expires("max"), { kind: "max" });
    assert.equal(expires("$x")?.kind, "variable");
  });

  const refused: readonly (readonly [string, string])[] = [
    ["add_header X-A b foo;", 'invalid parameter "foo"'],
    ["add_header X-A b Always;", 'invalid parameter "Always"'],
    ["add_header X-A;", 'invalid number of arguments in "add_header" directive'],
    ['add_header "X A" b;', 'invalid header name "X A"'],
    ['add_header "" b;', 'invalid header name ""'],
    ["add_header Content-Length 3;", 'invalid header name "Content-Length"'],
    ["add_header X ${a;", 'the closing bracket in "a" variable is missing'],
    ['add_header X "a\u0001";', 'invalid header value "a\u0001"'],
    ["add_trailer Transfer-Encoding chunked;", 'invalid header name "Transfer-Encoding"'],
    ["expires foo;", '"expires" directive invalid value'],
    ["expires OFF;", '"expires" directive invalid value'],
    ["expires @;", '"expires" directive invalid value'],
    ["expires @25h;", '"expires" directive daily time value must be less than 24 hours'],
    ["expires modified @1h;", '"expires" directive daily time cannot be used with "modified" parameter'],
    ["expires modified max;", '"expires" directive invalid value'],
    ["expires modif 1h;", '"expires" directive invalid value'],
    ["expires -@1h;", '"expires" directive invalid value'],
    ["expires 1500ms;", '"expires" directive invalid value'],
    ["charset $;", 'invalid variable name "$"'],
    ['charset "";', 'invalid value ""'],
    ["override_charset x;", 'invalid value "x" in "override_charset" directive, it must be "on" or "off"'],
    ['sub_filter "" x;', "empty search pattern"],
    ["sub_filter a;", 'invalid number of arguments in "sub_filter" directive'],
    ["userid foo;", 'invalid value "foo"'],
    ['userid_name "a b";', 'invalid value "a b"'],
    ['userid_path "/; secure";', 'invalid value "/; secure"'],
    ["userid_expires MAX;", '"userid_expires" directive invalid value'],
    ["userid_mark ab;", '"userid_mark" directive value must be "off" or a single letter, digit or "="'],
    ["userid_mark OFF;", '"userid_mark" directive value must be "off" or a single letter, digit or "="'],
    ["userid_service -1;", '"userid_service" directive invalid number'],
    ["userid_service 4294967296;", "value must be between 0 and 4294967295"],
    ["userid_flags samesite;", 'invalid value "samesite"'],
  ];
  for (const [text, nginx] of refused) {
    test(`refuse ${JSON.stringify(text)}`, () => {
      assert.deepEqual(refusals(textIn("location", text), filterDirectives), [nginx]);
    });
  }
});

describe("charset_map", () => {
  /** All that is said about a configuration, in nginx's words. */
  const said = (http: string, location: string = ""): readonly string[] => {
    const { block, mistakes } = readText(`http { ${http} server { location / { ${location} } } }`, filterDirectives);
    const inner = block.directives[0]?.block;
    const later = inner === undefined ? [] : responseMistakes(inner);
    return [...mistakes, ...later].map(({ nginx }) => nginx);
  };

  const entries: readonly (readonly [string, readonly string[]])[] = [
    ["koi8-r utf-8 { C0 D18E; c1 d0b0; 80 E282AC; 1 02; }", []],
    ["koi8-r UTF-8 { C0 D18E; }", []],
    ["koi8-r windows-1251 { C0 FE; C1 0; }", []],
    ["koi8-r utf-8 { C0; }", ["invalid parameters number"]],
    ["koi8-r utf-8 { C0 D1 8E; }", ["invalid parameters number"]],
    ["koi8-r utf-8 { C0 D18; }", ['invalid value "D18"']],
    ["koi8-r utf-8 { XX D1; }", ['invalid value "XX"']],
    ["koi8-r utf-8 { 1C0 D18E; }", ['invalid value "1C0"']],
    ["koi8-r utf-8 { C0 FFFF; }", ['invalid value "FFFF"']],
    ["koi8-r utf-8 { C0 F09F9880; }", ['invalid value "F09F9880"']],
    ["koi8-r utf-8 { C0 FE; }", ['invalid value "FE"']],
    ["koi8-r windows-1251 { C0 D18E; }", ['invalid value "D18E"']],
    ["koi8-r KOI8-R { C0 D1; }", ['"charset_map" between the same charsets "koi8-r" and "KOI8-R"']],
    ["utf-8 koi8-r { C0 D1; }", ['invalid charset "utf-8"']],
    ["a b { C0 D1; } charset_map b A { D1 C0; }", ['duplicate "charset_map" between "b" and "A"']],
  ];
  for (const [map, expected] of entries) {
    test(map, () => assert.deepEqual(said(`charset_map ${map}`), expected));
  }

  test("is there for all charsets that meet in a server or a location", () => {
    const map = "charset_map koi8-r utf-8 { C0 D18E; }";
    const missing = (a: string, b: string): string[] => [`no "charset_map" between the charsets "${a}" and "${b}"`];
    assert.deepEqual(said(map, "charset utf-8;"), []);
    assert.deepEqual(said(map, "charset UTF-8; source_charset KOI8-R;"), []);
    assert.deepEqual([...new Set(said("", "charset utf-8; source_charset koi8-r;"))], missing("koi8-r", "utf-8"));
    assert.deepEqual(said(`${map} source_charset windows-1251;`, "charset utf-8;"), missing("windows-1251", "utf-8"));
    assert.deepEqual(said("", "charset utf-8; source_charset $host;"), []);
    assert.deepEqual(said("source_charset koi8-r;", "source_charset utf-8; charset utf-8;"), []);
    assert.deepEqual(said("source_charset koi8-r; charset utf-8;", "charset off;"), []);
  });

  test("is a part of the settings of locations with a charset", () => {
    assert.deepEqual(settings("charset utf-8;", "", "charset_map koi8-r utf-8 { C0 D18E; }")?.charset?.maps, [
      { from: "koi8-r", to: "utf-8", pairs: [[0xc0, "\xd1\x8e"]] },
    ]);
  });
});
