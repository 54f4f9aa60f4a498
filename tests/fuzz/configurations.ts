// The fuzz target for nginx's language: any text is read or refused, in the words and the lines of nginx.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { checkTree } from "../../src/config/nginx/check-tree.ts";
import { formatLanguageDiagnostics, type LanguageDiagnostic } from "../../src/config/nginx/language-diagnostic.ts";
import { parse } from "../../src/config/nginx/parse.ts";
import { printStatements, statementOf } from "../../src/config/nginx/print.ts";
import { lineOf, type Place } from "../../src/config/nginx/source.ts";
import type { Directive } from "../../src/config/nginx/tree.ts";
import { casesPath, corpusNames, readCase, sourceOf } from "../conf/corpus.ts";
import { type ModelDirective, readModel } from "../conf/model.ts";
import { testRows } from "../conf/rows.ts";
import type { Target } from "./target.ts";

const errorsPath = join(casesPath, "errors");
const faulty = readdirSync(errorsPath).filter((name) => name.endsWith(".conf")).map((name) => join(errorsPath, name));

export const configurations: Target = {
  name: "configurations",
  corpus: [
    ...corpusNames.map((name) => Buffer.from(readCase(name).slice(0, 1500))),
    ...faulty.map((path) => readFileSync(path).subarray(0, 1500)),
  ],
  words: ["{", "}", ";", "\"", "'", "\\", "$", "${", "#", "\n", "\r\n", " ", "\t", ")", "(", "\0", "\xff", "é",
    "server {", "location / {", "listen 80;", "gzip on;", "include a;", "map $a $b {", "types {", "x_by_lua_block {",
    "user", "root \"a b\";"].map((word) => Buffer.from(word)),
  run(_random, input) {
    const text = Buffer.from(input).toString();
    const source = sourceOf(text);
    const { directives, directiveCount, mistakes } = parse(source);
    const checked = checkTree(directives, testRows);
    const all = [...mistakes, ...checked.mistakes];
    for (const place of [...placesOf(directives), ...all.flatMap(({ place: each }) => each ?? [])]) checkPlace(place);
    assert.ok(directiveCount <= text.length, "no more directives than characters");
    assert.ok(mistakes.length <= 2 * text.length + 1, "no more mistakes than characters");
    assert.doesNotMatch(formatLanguageDiagnostics(all), /[\0-\x08\x0b-\x1f\x7f]/);
    compareWithModel(text, directives, mistakes);
    if (mistakes.length > 0) return;
    const statements = directives.map(statementOf);
    assert.deepEqual(parse(sourceOf(printStatements(statements))).directives.map(statementOf), statements);
  },
};

function compareWithModel(
  text: string, directives: readonly Directive[], mistakes: readonly LanguageDiagnostic[],
): void {
  // What only we refuse, or accept.
  if (/[\0\uFFFD]|^\uFEFF|_by_lua_block/.test(text)) return;
  if (Buffer.byteLength(text) > 4096 || mistakes.some(({ nginx }) => nginx.includes("nested"))) return;
  const model = readModel(text);
  if (model.mistake === undefined) {
    assert.deepEqual(mistakes, []);
    assert.deepEqual(flatten(directives), model.directives.map(({ words, end }) => ({ words, end })));
    return;
  }
  const { nginx, line } = model.mistake;
  const said = mistakes.map((mistake) => `${mistake.nginx} in ${mistake.nginxLine}`);
  assert.ok(said.includes(`${nginx} in ${line}`), `${nginx} in ${line} is not among ${said.join(", ")}`);
}

function flatten(directives: readonly Directive[]): readonly Omit<ModelDirective, "line">[] {
  return directives.flatMap(({ name, args, block }) => {
    const words = [name.value, ...args.map(({ value }) => value)];
    if (block === undefined) return [{ words, end: ";" as const }];
    return [{ words, end: "{" as const }, ...flatten(block), { words: [], end: "}" as const }];
  });
}

function placesOf(directives: readonly Directive[]): readonly Place[] {
  return directives.flatMap(({ name, args, terminator, block }) => [
    name, ...args, terminator, ...placesOf(block ?? []),
  ]);
}

function checkPlace(place: Place): void {
  const { source, line, column, offset, end } = place;
  assert.ok(offset >= 0 && offset <= end && end <= source.text.length, `${offset} to ${end}`);
  const before = source.text.slice(0, offset);
  assert.equal(line, before.split("\n").length);
  const start = before.lastIndexOf("\n") + 1;
  const mark = start === 0 && source.text.startsWith("\uFEFF") ? 1 : 0;
  assert.equal(column, offset - start - mark + 1);
  assert.ok(lineOf(place).length >= 0);
}
