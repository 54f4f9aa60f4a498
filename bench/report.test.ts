import assert from "node:assert/strict";
import { test } from "node:test";
import { plot } from "./plot.ts";
import { bars, median, type Result, table, whole } from "./report.ts";

const round = (rate: number): { rate: number; busy: number; p99Ms: number } => ({ rate, busy: 1, p99Ms: 2 });
const result: Result = {
  scenario: "flask",
  rows: [
    { name: "tricorn", rounds: [round(30_000), round(20_040), round(10_000)] },
    { name: "nginx+gunicorn", rounds: [round(5010)] },
  ],
};

test("the median of an even number of rounds lies between the middle two", () => {
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(median([9, 1, 2]), 2);
});

test("figures have three digits that mean something", () => {
  assert.equal(whole(17_468), "17,500");
  assert.equal(whole(678.4), "678");
});

test("the table sets each peer's median against ours", () => {
  const [, , row] = table([result]).split("\n");
  assert.equal(row?.replaceAll(/ +/g, " "), "| flask | **20,000** | 5,010 (× 4.00) |");
});

test("a bar is as long as its share of the fastest", () => {
  const [, ours = "", theirs = ""] = bars(result).split("\n");
  assert.equal(ours.split("█").length - 1, 32);
  assert.equal(theirs.split("█").length - 1, 8);
});

test("the picture has a bar for each contender", () => {
  assert.equal(plot([result], "a & b").match(/<rect/g)?.length, 2);
});
