// The cases of llhttp (tests/cases/llhttp, MIT): how they are read, and what each is called when it is played.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

/** What cases of requests and of responses have in common. */
export interface CorpusCase {
  /** File and line in llhttp's repository. */
  readonly name: string;
  readonly title: string;
  /** "request" or "response", or the leniency that the case switches on; "skip-body" answers HEAD. */
  readonly kind: string;
  /** A character a byte. */
  readonly raw: string;
  /** Where llhttp stopped; pauses at an upgrade are among them. */
  readonly error: string | null;
}

/** Where we deliberately say something else than llhttp does in that mode, by names: the outcomes, and why. */
export type Deviations = Readonly<Record<string, readonly [outcome: string, why: string]>>;

export interface Corpus {
  /** In tests/cases/llhttp. */
  readonly file: string;
  readonly count: number;
  readonly deviations: Deviations;
}

/** llhttp hands the connection over there; we do so with a 101, and read requests on until then. */
export const pauseAtUpgrade = "Pause on CONNECT/Upgrade";
/** What follows is never read. */
export const afterTheLast = "Data after `Connection: close`";

export const onlyHttp = "RTSP and ICE are not HTTP";
export const onlyChunked = "a transfer coding other than chunked, or a second one, is what smuggling is made of";

type Fields = readonly (readonly [string, string])[];

/** llhttp keeps the blanks behind a value; we do not. */
export function withoutBlanks(fields: Fields): Fields {
  return fields.map(([name, value]) => [name, value.replace(/[ \t]+$/, "")] as const);
}

/** A test for each case. @param play gets the outcome of a deviation, or undefined where llhttp is followed */
export function testCorpus<Case extends CorpusCase>(
  { file, count, deviations }: Corpus, play: (item: Case, outcome: string | undefined) => void,
): void {
  const path = join(import.meta.dirname, "../cases/llhttp", file);
  const { cases } = JSON.parse(readFileSync(path, "utf8")) as { readonly cases: readonly Case[] };

  test("the corpus is whole", () => {
    assert.equal(cases.length, count);
    const names = new Set(cases.map(({ name }) => name));
    for (const name of Object.keys(deviations)) assert.ok(names.has(name), name);
  });

  for (const item of cases) {
    const { name, title, kind } = item;
    const [outcome, why] = deviations[name] ?? [];
    const label = `${name} ${title} (${kind})`;
    test(why === undefined ? label : `${label}: ${outcome}, because ${why}`, () => play(item, outcome));
  }
}
