import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { innermost } from "../../tests/conf/blocks.ts";
import { type Said, programVariables, request } from "../../tests/route/facts.ts";
import { type FieldLine, ResponseHead } from "../http/response-head.ts";
import type { UpstreamFacts } from "../route/index.ts";
import { fromLatin1 } from "../std/bytes.ts";
import { filterDirectives, responseSettings } from "./directives.ts";
import { type FilterInput, type FilterOutput, ResponseFilters } from "./index.ts";

const asked: UpstreamFacts = {
  address: "192.0.2.1:80", status: 200, connectMs: 0, headerMs: 0, responseMs: 0, responseSize: 0, bytesSent: 0,
  bytesReceived: 0, redirected: false,
};
const tagged: readonly FieldLine[] = [["Content-Length", "10"], ["ETag", '"x"'], ["X-Up", "1"]];

/** Filters of a location that says this, behind an upstream. */
function filtersFor(text: string): ResponseFilters {
  const settings = responseSettings(innermost(`http { server { location / { ${text} } } }`, filterDirectives));
  return new ResponseFilters(settings, programVariables(), true);
}

function inputOf(
  fields: Readonly<Record<string, string>>, said: Said = {}, more: Partial<FilterInput> = {},
): FilterInput {
  const evaluation = request("/", { fields, upstreams: () => [asked], ...said });
  const head = new ResponseHead(200, "OK", tagged);
  return { head, evaluation, isMain: true, hasBody: true, mayTransform: true, ...more };
}

function shown({ head }: FilterOutput): string {
  return `${head.status} ${head.reason} | ${head.fields.map(([name, value]) => `${name}: ${value}`).join(" | ")}`;
}

const whole = '200 OK | Content-Length: 10 | ETag: "x" | X-Up: 1';

describe("parts of what an upstream has sent whole", () => {
  test("are cut out of a body, however it comes", () => {
    for (const [range, expected] of [
      ["bytes=0-0", "0"], ["bytes=3-6", "3456"], ["bytes=-4", "6789"], ["bytes=9-", "9"], ["bytes=0-9", "0123456789"],
    ] as const) {
      for (const size of [1, 2, 3, 4, 5, 10]) {
        const { body } = filtersFor("").begin(inputOf({ range }));
        let out = "";
        for (let at = 0; at < 10; at += size) {
          out += body?.push(fromLatin1("0123456789".slice(at, at + size))).latin1Slice() ?? "";
        }
        assert.equal(out + (body?.end().latin1Slice() ?? ""), expected, `${range} in pieces of ${size}`);
      }
    }
  });

  test("have a head that says which they are", () => {
    const begun = filtersFor("").begin(inputOf({ range: "bytes=3-6" }));
    assert.equal(shown(begun),
      '206 Partial Content | Content-Length: 4 | ETag: "x" | X-Up: 1 | Content-Range: bytes 3-6/10');
    const toHead = filtersFor("").begin(inputOf({ range: "bytes=3-6" }, { method: "HEAD" }, { hasBody: false }));
    assert.equal(shown(toHead), shown(begun));
    assert.equal(toHead.body, undefined);
  });

  test("are offered to whoever gets the whole", () => {
    for (const fields of [
      {}, { range: "bytes=1-2,4-5" }, { range: "x=1" }, { range: "bytes=1-2", "if-range": '"y"' },
    ]) {
      const begun = filtersFor("").begin(inputOf(fields));
      assert.equal(shown(begun), `${whole} | Accept-Ranges: bytes`);
      assert.equal(begun.body, undefined);
    }
  });

  test("are of the very version that is asked for", () => {
    const { head } = filtersFor("add_header ETag new\\\";").begin(inputOf({ range: "bytes=1-2", "if-range": 'new"' }));
    assert.equal(head.status, 206);
  });

  test("are not for other methods, nor for requests within others, nor of what no upstream has sent", () => {
    const fields = { range: "bytes=1-2" };
    assert.equal(shown(filtersFor("").begin(inputOf(fields, { method: "POST" }))), whole);
    assert.equal(shown(filtersFor("").begin(inputOf(fields, {}, { isMain: false }))), whole);
    assert.equal(shown(filtersFor("").begin(inputOf(fields, { upstreams: () => [] }))), whole);
  });

  test("are not of what has another length now, or another status, or none that is known", () => {
    const fields = { range: "bytes=50-" };
    const typed = new ResponseHead(200, "OK", [...tagged, ["Content-Type", "text/html"]]);
    for (const [text, head] of [
      ["sub_filter a b;", typed], ["", new ResponseHead(404, "", tagged)], ["", new ResponseHead(200, "", [])],
      ["add_after_body /x;", typed],
    ] as const) {
      const input = inputOf(fields, {}, { head });
      assert.equal(filtersFor(text).refusal(input), undefined);
      assert.equal(filtersFor(text).begin(input).head.status, head.status);
    }
  });

  test("that are none are refused, with what the upstream says besides", () => {
    const refusal = filtersFor("add_header X-A a always;").refusal(inputOf({ range: "bytes=10-" }));
    assert.deepEqual(refusal, { status: 416, fields: [["X-Up", "1"], ["Content-Range", "bytes */10"]] });
    for (const fields of [{}, { range: "bytes=9-" }, { range: "bytes=10-", "if-range": '"y"' }]) {
      assert.equal(filtersFor("").refusal(inputOf(fields)), undefined);
    }
    assert.equal(filtersFor("").refusal(inputOf({ range: "bytes=10-" }, { method: "POST" })), undefined);
    assert.equal(filtersFor("").refusal(inputOf({ range: "bytes=10-" }, {}, { isMain: false })), undefined);
  });
});

test("a head is made anew for each request that may ask for a part of it", () => {
  const filters = filtersFor("add_header X-A a;");
  const input = inputOf({});
  assert.equal(filters.begin(input).head.status, 200);
  assert.equal(filters.begin({ ...inputOf({ range: "bytes=1-2" }), head: input.head }).head.status, 206);
});
