import assert from "node:assert/strict";
import { test } from "node:test";
import { onOff, size, string, time } from "../config/nginx/argument-types.ts";
import { type AnyDirectiveRow, many, none, one } from "../config/nginx/directive-row.ts";
import { blockOf, directive } from "../config/statements.ts";
import { configurationText } from "./configuration-text.ts";

type OwnOfRow = Pick<AnyDirectiveRow, "name" | "contexts" | "arguments"> & Partial<AnyDirectiveRow>;

function row(own: OwnOfRow): AnyDirectiveRow {
  return { merge: "nearest", module: "ngx_test_module", doc: "", example: "", ...own };
}

const rows: readonly AnyDirectiveRow[] = [
  row({ name: "http", contexts: ["main"], arguments: none(), content: { kind: "directives", context: "http" } }),
  row({ name: "timeout", contexts: ["http"], arguments: one(time()), default: "1h" }),
  row({ name: "timeout", contexts: ["main"], arguments: one(time()), default: "30s" }),
  row({ name: "size", contexts: ["http"], arguments: one(size()), default: "16k" }),
  row({ name: "flag", contexts: ["http"], arguments: one(onOff()), default: "off" }),
  row({ name: "words", contexts: ["http"], arguments: many(string("word")), default: "a b" }),
  row({ name: "again", contexts: ["http"], arguments: one(string("word")), default: "a", mayRepeat: true }),
];

test("what is in force anyway is left out, however it is spelled and wherever the row stands", () => {
  const same = [
    directive("timeout", "3600s"), directive("size", 16_384), directive("flag", "off"), directive("words", "a", "b"),
  ];
  assert.equal(configurationText([directive("timeout", "30s"), blockOf("http", [], same)], rows), "http {}\n");
});

test("what differs, what may stand several times and what no row knows is written", () => {
  const text = configurationText(
    [
      directive("timeout", "1h"),
      blockOf("http", [], [
        directive("timeout", "30s"), directive("words", "b", "a"), directive("again", "a"), directive("other", "x y"),
        blockOf("geo", ["$dollar"], [directive("default", "$")]),
      ]),
    ],
    rows,
  );
  assert.equal(text, `timeout 1h;
http {
    timeout 30s;
    words b a;
    again a;
    other "x y";
    geo $dollar {
        default $;
    }
}
`);
});
