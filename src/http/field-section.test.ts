import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RequestReader, SectionMemory } from "../protocol/h1/index.ts";
import { limits } from "../../tests/protocol/engine.ts";
import { fromLatin1 } from "../std/bytes.ts";
import type { FieldSection } from "./field-section.ts";

function sectionOf(lines: string): FieldSection {
  const reader = new RequestReader(limits, new SectionMemory());
  reader.receive(fromLatin1(`GET / HTTP/1.1\r\nHost: a\r\n${lines}\r\n`));
  const event = reader.next();
  assert.ok(typeof event === "object" && event.kind === "request");
  return event.fields;
}

describe("a field section", () => {
  test("keeps names and values as they were received, in their order", () => {
    const section = sectionOf("X-One:  1\t\r\nx-one:2\r\n");
    assert.equal(section.count, 3);
    const lines = Array.from({ length: section.count }, (_, index) => [section.name(index), section.value(index)]);
    assert.deepEqual(lines, [["Host", "a"], ["X-One", "1"], ["x-one", "2"]]);
  });

  test("finds a field by its lower-case name and joins its lines", () => {
    const section = sectionOf("Accept: a\r\nX: y\r\nACCEPT: b\r\nEmpty:\r\n");
    assert.equal(section.get("accept"), "a, b");
    assert.equal(section.get("empty"), "");
    assert.equal(section.get("accep"), undefined);
    assert.equal(section.get("missing"), undefined);
  });

  test("holds bytes of its own: what was received may be used again", () => {
    const reader = new RequestReader(limits, new SectionMemory());
    const bytes = fromLatin1("GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n");
    reader.receive(bytes);
    const event = reader.next();
    bytes.fill(0);
    assert.ok(typeof event === "object" && event.kind === "request");
    assert.deepEqual([event.target, event.fields.value(1)], ["/", "y"]);
  });
});
