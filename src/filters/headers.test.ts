import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type FieldLine, ResponseHead } from "../http/response-head.ts";
import { filterHeaders, filterTrailers } from "./index.ts";

const settings = { serverHeader: "tricorn", dateHeader: true };
const filtered = (...fields: readonly FieldLine[]) => filterHeaders(new ResponseHead(200, "OK", fields), settings);

describe("every response head", () => {
  test("has a Server and a Date, the response's own if it has any", () => {
    assert.deepEqual(filtered(["A", "b"]), { fields: [["A", "b"], ["Server", "tricorn"]], needsDate: true });
    assert.deepEqual(filtered(["server", "x"], ["Date", "y"], ["Server", "z"]), {
      fields: [["server", "x"], ["Date", "y"]], needsDate: false,
    });
    const silent = { serverHeader: undefined, dateHeader: false };
    assert.deepEqual(filterHeaders(new ResponseHead(200, "OK", []), silent), { fields: [], needsDate: false });
  });

  test("loses what speaks of the connection, and a second length", () => {
    const lines: readonly FieldLine[] = [["Connection", "close"], ["Content-Length", "1"], ["content-length", "1"]];
    assert.deepEqual(filtered(...lines).fields, [["Content-Length", "1"], ["Server", "tricorn"]]);
  });
});

test("trailers go to whoever asks for them, those that may come so late", () => {
  const trailers: readonly FieldLine[] = [["A", "b"], ["Content-Length", "3"]];
  assert.deepEqual(filterTrailers(trailers, "gzip, Trailers"), [["A", "b"]]);
  assert.deepEqual(filterTrailers(trailers, undefined), []);
});
