import assert from "node:assert/strict";
import { test } from "node:test";
import { onOff, text } from "../config/arguments.ts";
import { formatDiagnostics } from "../config/diagnostic.ts";
import type { AnyRow } from "../config/directive.ts";
import { namesFile, strangerIn, unusedVariables, withShortNames } from "./file-arguments.ts";
import { realWorld } from "./world.ts";

const rows: readonly AnyRow[] = [
  { name: "workers", short: "w", argument: text("N"), group: "Workers", doc: "", example: "" },
  { name: "preload", argument: onOff(), group: "Workers", doc: "", example: "" },
  { name: "help", short: "h", argument: onOff(), group: "Information", doc: "", example: "" },
];

function said(...argv: readonly string[]): string {
  const diagnostic = strangerIn(withShortNames(argv), rows);
  return diagnostic === undefined ? "" : formatDiagnostics([diagnostic]);
}

test("a file is named by -c in all its spellings, and by nothing else", () => {
  for (const argv of [["-c", "f"], ["-cf"], ["-tcf"], ["-t", "-c", "f"], ["--config", "f"], ["--config=f"], ["-V"]]) {
    assert.equal(namesFile(argv), true, argv.join(" "));
  }
  for (const argv of [[], ["shop"], ["-t", "30"], ["--chdir", "x"], ["--", "-c"], ["--check-config"], ["shop", "-V"]]) {
    assert.equal(namesFile(argv), false, argv.join(" "));
  }
});

test("options and applications beside a file are refused with what to do instead", () => {
  assert.equal(said("-tc", "f", "-p", "shop", "-g", "--workers", "-s", "stop", "--explain"), "");
  const word = said("-c", "f", "shop.wsgi");
  assert.match(word, /^tricorn: error: "shop.wsgi" and -c exclude each other.*\n  hint: .*module shop.wsgi;/);
  assert.match(said("--config=f", "--workers=4"), /--workers and -c exclude each other.*\n  hint: say it in the file/);
  assert.match(said("-w4", "-c", "f"), /-w and -c exclude each other/);
  assert.match(said("-c", "f", "--no-preload"), /--no-preload and -c exclude each other/);
  assert.match(said("-c", "f", "--help"), /--help and -c .*\n  hint: ask without -c/);
  assert.match(said("-c", "f", "--odd"), /unknown option --odd/);
  assert.match(said("-c", "f", "-x"), /unknown option -x/);
});

test("variables that would be options are told to be of no use", () => {
  const environment = { TRICORN_WORKERS: "4", TRICORN_PRELOAD: "", PORT: "80" };
  const text = formatDiagnostics(unusedVariables(rows, { ...realWorld(), environment }, "/srv/site.conf"));
  assert.equal(text, `tricorn: warning: TRICORN_WORKERS is not used: /srv/site.conf says all
  hint: say it in the file, or unset it
`);
});
