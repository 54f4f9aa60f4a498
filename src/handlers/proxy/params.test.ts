import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { programVariables, type Said, request, text } from "../../../tests/route/facts.ts";
import { FieldSection, NO_FIELDS } from "../../http/field-section.ts";
import { fromLatin1 } from "../../std/bytes.ts";
import { type Param, Params, type ParamsOptions } from "./params.ts";

/** A section of "Name: value" lines. */
function section(lines: readonly string[]): FieldSection {
  let at = 0;
  const offsets = lines.flatMap((line) => {
    const start = at;
    at += line.length;
    const colon = start + line.indexOf(": ");
    return [start, colon, colon + 2, at];
  });
  return new FieldSection(fromLatin1(lines.join("")), offsets, NO_FIELDS.semantics);
}

interface Asked extends Said {
  readonly lines?: readonly string[];
  readonly bodySize?: number;
}

type Line = readonly [name: string, value: string, ifNotEmpty?: "if_not_empty"];

/** What a configuration makes of a request, without HTTP_HOST. */
function params(lines: readonly Line[], asked: Asked = {}, said: Partial<ParamsOptions> = {}): readonly string[] {
  const { lines: fields = [], bodySize = -1, target = "/", ...facts } = asked;
  const made = new Params({
    params: lines.map(([name, value, flag]) => ({ name, value: text(value), ifNotEmpty: flag !== undefined })),
    passRequestHeaders: true, underscoresInHeaders: false, ...said,
  }, programVariables()).make({ head: { fields: section(fields) }, evaluation: request(target, facts), bodySize });
  return made.filter(([name]) => name !== "HTTP_HOST").map((param) => param.join("="));
}

describe("Parameters of the configuration", () => {
  test("come in its order, several of one name and empty ones among them", () => {
    assert.deepEqual(params([["A", "a"], ["E", ""], ["URI", "$uri?$args"], ["A", "b"], ["V", "$arg_none"]], {
      target: "/x%20y?z=1",
    }), ["A=a", "E=", "URI=/x y?z=1", "A=b", "V="]);
  });

  test("are left out when they are empty and if_not_empty says so", () => {
    const lines: readonly Line[] = [["A", "$arg_a", "if_not_empty"], ["B", "$arg_b", "if_not_empty"], ["C", "c"]];
    assert.deepEqual(params(lines, { target: "/?b=1" }), ["B=1", "C=c"]);
  });

  test("are bytes, one character each", () => {
    assert.deepEqual(params([["É", "é"]]), ["\xc3\x89=\xc3\xa9"]);
  });

  test("have the size of a body that came without one", () => {
    const lines: readonly Line[] = [["CONTENT_LENGTH", "$content_length"]];
    const fields = { "content-length": "5" };
    assert.deepEqual(params(lines, { bodySize: 3 }), ["CONTENT_LENGTH=3"]);
    assert.deepEqual(params(lines, { bodySize: -1 }), ["CONTENT_LENGTH="]);
    assert.deepEqual(params(lines, { bodySize: 5, fields }), ["CONTENT_LENGTH=5"]);
    assert.deepEqual(params([["CONTENT_LENGTH", ""]], { bodySize: 3 }), ["CONTENT_LENGTH="]);
  });
});

describe("Fields of the client", () => {
  test("follow, named as CGI names them", () => {
    assert.deepEqual(params([["A", "a"]], {
      lines: ["x-b: 2", "Content-Type: t/p", "Content-Length: 3", "Connection: close", "X-Empty: ", "X-\xdf: no"],
    }), [
      "A=a", "HTTP_X_B=2", "HTTP_CONTENT_TYPE=t/p", "HTTP_CONTENT_LENGTH=3", "HTTP_CONNECTION=close", "HTTP_X_EMPTY=",
    ]);
  });

  test("of one name become one parameter, cookies as in one field", () => {
    const lines = ["X-H: a", "Cookie: a=1", "x-h: b", "cookie: b=2"];
    assert.deepEqual(params([], { lines }), ["HTTP_X_H=a, b", "HTTP_COOKIE=a=1; b=2"]);
  });

  test("give way to a parameter of their name, whatever it says", () => {
    const lines = ["X-A: 1", "x-a: 2", "X-B: 3", "X-C: 4", "X-D: 5", "X-E: 6"];
    assert.deepEqual(params([
      ["HTTP_X_A", "mine"], ["HTTP_X_B", ""], ["HTTP_X_C", "", "if_not_empty"], ["HTTP_X_D", "$arg_none"],
      ["http_x_e", "other"],
    ], { lines }), ["HTTP_X_A=mine", "HTTP_X_D=", "http_x_e=other", "HTTP_X_E=6"]);
  });

  test("never become HTTP_PROXY, nor say that a body is chunked", () => {
    assert.deepEqual(params([], { lines: ["Proxy: evil", "PROXY: x", "Transfer-Encoding: chunked"] }), []);
    assert.deepEqual(params([["HTTP_PROXY", "ours"]], { lines: ["Proxy: evil"] }), ["HTTP_PROXY=ours"]);
  });

  test("whose names could be taken for others are passed only where the configuration says so", () => {
    const lines = ["X_F: 1", "X.G: 2", "X-F: 3"];
    assert.deepEqual(params([], { lines }), ["HTTP_X_F=3"]);
    assert.deepEqual(params([], { lines }, { underscoresInHeaders: true }), ["HTTP_X_F=1, 3"]);
  });

  test("stay away where they are not to be passed", () => {
    assert.deepEqual(params([["A", "a"]], { lines: ["X-A: 1"] }, { passRequestHeaders: false }), ["A=a"]);
  });
});

describe("HTTP_HOST", () => {
  /** All that is made under that name. */
  function hosts(lines: readonly Line[], said: Said, passRequestHeaders: boolean = true): readonly Param[] {
    return new Params({
      params: lines.map(([name, value]) => ({ name, value: text(value), ifNotEmpty: false })),
      passRequestHeaders, underscoresInHeaders: false,
    }, programVariables()).make({
      head: { fields: section(["Host: field.example:1"]) }, evaluation: request("/", said), bodySize: -1,
    }).filter(([name]) => name === "HTTP_HOST");
  }

  test("is the host that is asked for, and its port, whatever the Host field says", () => {
    const said = { host: "target.example", requestPort: "81" };
    assert.deepEqual(hosts([], said), [["HTTP_HOST", "target.example:81"]]);
    assert.deepEqual(hosts([], { host: "target.example" }, false), [["HTTP_HOST", "target.example"]]);
  });

  test("is what a parameter says, or nothing", () => {
    assert.deepEqual(hosts([["HTTP_HOST", "own"]], {}), [["HTTP_HOST", "own"]]);
    assert.deepEqual(hosts([["HTTP_HOST", ""]], {}), []);
  });
});
