// The response cases of llhttp (tests/cases/llhttp, MIT) against our reader.
import assert from "node:assert/strict";
import { describe } from "node:test";
import {
  type CorpusCase, type Deviations, afterTheLast, onlyChunked, onlyHttp, pauseAtUpgrade, testCorpus, withoutBlanks,
} from "./llhttp-corpus.ts";
import { type PlayedResponse, playEachResponse, playResponseEveryWay } from "./responses.ts";

interface Expected {
  readonly status: number;
  readonly reason: string;
  readonly version: string;
  readonly fields: readonly (readonly [string, string])[];
  readonly body: string;
  readonly complete: boolean;
}

interface Case extends CorpusCase {
  /** Those whose head llhttp completed, informational ones among them. */
  readonly responses: readonly Expected[];
}

const crBeforeLf = "CR alone ends no line; no option makes it otherwise (RFC 9112 §2.2)";
const loneLf = "LF alone ends a line of a head (RFC 9112 §2.2), and the connection is not used again";
const noEmptyLine = "a response begins with its status line: empty lines are ignored in front of requests only";
const onlyOne = "HTTP/1.0 and HTTP/1.1 have this format, and no other version (RFC 9112 §2.3)";

const deviations: Deviations = {
  "connection:492": ["surplus, 502 status_line", noEmptyLine],
  "connection:586": ["502 status_line", noEmptyLine],
  "invalid:151": ["502 bare_cr", crBeforeLf],
  "invalid:287": ["closing", loneLf],
  "invalid:327": ["incomplete", loneLf],
  "lenient-version:4": ["502 version", onlyOne],
  "pipelining:4": ["surplus, 502 status_line", noEmptyLine],
  "sample:40": ["502 status_line", onlyHttp],
  "sample:60": ["502 status_line", onlyHttp],
  "sample:330": ["incomplete", loneLf],
  "sample:645": ["502 version", onlyOne],
  "sample:695": ["502 status_line", noEmptyLine],
  "transfer-encoding:43": ["502 transfer_encoding_invalid", onlyChunked],
  "transfer-encoding:74": ["502 transfer_encoding_invalid", onlyChunked],
  "transfer-encoding:110": ["502 transfer_encoding_invalid", onlyChunked],
  "transfer-encoding:248": ["reusable", "an empty extension says nothing and is dropped as in h11 and hyper"],
  "transfer-encoding:389": ["502 obs_fold", "no option lets obs-fold in (RFC 9112 §5.2)"],
};

/** As llhttp reads them when it is lenient; their connections carry nothing else. */
const withLoneLf: readonly string[] = ["invalid:304", "invalid:348", "sample:351"];

function inTheirWords(all: readonly PlayedResponse[]): readonly Expected[] {
  return all.flatMap((played) => {
    const informational = played.informational.map(([status, fields]) =>
      ({ status, fields, body: "", complete: true }));
    if (played.head === "") return informational;
    const [version = "", status = ""] = played.head.split(" ");
    const complete = /^(?:reusable|closing|surplus|switched)$/.test(played.outcome);
    const reason = played.head.slice(version.length + status.length + 2);
    return [...informational,
      { status: Number(status), reason, version, fields: played.lines, body: played.body, complete }];
  }) as readonly Expected[];
}

/** Their words for what we give: no version nor reason of informational ones, no blanks behind a value. */
function expectedOf({ responses }: Case): readonly Expected[] {
  return responses.map((response) => {
    const { reason, version, ...informational } = { ...response, fields: withoutBlanks(response.fields) };
    const isInformational = response.status < 200 && response.status !== 101;
    return (isInformational ? informational : { ...informational, reason, version }) as Expected;
  });
}

describe("llhttp's responses", () => {
  testCorpus<Case>({ file: "responses.json", count: 85, deviations }, (item, outcome) => {
    const { name, kind, error, raw } = item;
    const setting = { method: kind.endsWith("skip-body") ? "HEAD" : "GET" };
    const all = playEachResponse(raw, setting);
    if (outcome !== undefined) {
      assert.equal(all.map((played) => played.outcome).join(", "), outcome);
    } else if (error === pauseAtUpgrade) {
      assert.equal(all[0]?.outcome, "switched");
      assert.notEqual(all[0].upgrade, undefined);
      assert.deepEqual(inTheirWords(all)[0]?.fields, expectedOf(item)[0]?.fields);
    } else if (error !== null && error !== afterTheLast) {
      assert.match(all.at(-1)?.outcome ?? "", /^502 /);
      assert.ok(!inTheirWords(all).some(({ complete }) => complete), "no response is complete");
    } else {
      assert.deepEqual(inTheirWords(all), expectedOf(item));
      if (withLoneLf.includes(name)) assert.notEqual(all[0]?.outcome, "reusable");
      if (error === afterTheLast) assert.equal(all[0]?.outcome, "surplus");
      const [last] = all;
      if (last?.outcome !== "incomplete" || last.contentLength >= 0 || last.chunked) return;
      const ended = playResponseEveryWay(raw, { ...setting, ended: true });
      assert.deepEqual([ended.outcome, ended.body], ["closing", last.body], "the connection's end ends it");
    }
  });
});
