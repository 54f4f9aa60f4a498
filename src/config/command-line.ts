/**
 * The command line as text: which rows were given, with which texts. What the texts mean is check.ts's question.
 *
 * `--name value`, `--name=value`, `-n value`, `-nvalue`, `--switch`, `--no-switch`, `--` ends the options.
 * Names are never abbreviated, and one row given twice is an error however it was spelled.
 */
import { closest } from "../std/similar.ts";
import type { AnyRow } from "./directive.ts";
import { type Diagnostic, error } from "./diagnostic.ts";
import { type Given, splitTexts } from "./option-values.ts";

export interface CommandLine {
  /** By the row's name. */
  readonly given: ReadonlyMap<string, Given>;
  /** What is no option: the application's name, at most one. */
  readonly positionals: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
}

/** An option of a peer that Tricorn does not have, and what to do instead. */
export interface ForeignOption {
  readonly names: readonly string[];
  readonly takesValue: boolean;
  readonly hint: string;
}

interface Spelling {
  readonly row: AnyRow;
  /** The text a spelling stands for: "off" for `--no-preload`. */
  readonly implied: string | undefined;
}

/** All texts of `argv` (without node and the program) by row. Never throws; problems are diagnostics. */
export function readCommandLine(
  argv: readonly string[],
  rows: readonly AnyRow[],
  foreign: readonly ForeignOption[],
): CommandLine {
  const spellings = spellingsOf(rows);
  const given = new Map<string, Given>();
  const positionals: string[] = [];
  const diagnostics: Diagnostic[] = [];
  let index = 0;
  while (index < argv.length) {
    const word = argv[index++] ?? "";
    if (word === "--") {
      positionals.push(...argv.slice(index));
      break;
    }
    if (!word.startsWith("-") || word === "-") {
      positionals.push(word);
      continue;
    }
    const { name, attached } = splitWord(word);
    const spelling = spellings.get(name);
    if (spelling === undefined) {
      const known = foreign.find(({ names }) => names.includes(name));
      diagnostics.push(unknownOption(name, known, spellings));
      // Its value is not a second application.
      const meant = spellings.get(closest(name, spellings.keys()) ?? "");
      const takesValue = known?.takesValue ?? (meant !== undefined && meant.implied === undefined);
      if (takesValue && attached === undefined && argv[index]?.startsWith("-") === false) index++;
      continue;
    }
    let text = spelling.implied ?? attached;
    if (spelling.implied !== undefined && attached !== undefined) {
      if (spelling.implied === "on") text = attached;
      else diagnostics.push(error(`${name} takes no value, "${attached}" was given`, `write ${name} alone`));
    }
    if (text === undefined) {
      text = argv[index];
      if (text === undefined || (text.startsWith("--") && text.length > 2)) {
        diagnostics.push(
          error(`${name} needs a value (${spelling.row.argument.label})`, `for example: ${spelling.row.example}`),
        );
        continue;
      }
      index++;
    }
    add({ given, diagnostics, row: spelling.row, spelling: name, text });
  }
  return { given, positionals, diagnostics };
}

function spellingsOf(rows: readonly AnyRow[]): ReadonlyMap<string, Spelling> {
  const spellings = new Map<string, Spelling>();
  for (const row of rows) {
    const isSwitch = row.argument.kind === "switch";
    const implied = isSwitch ? "on" : undefined;
    if (row.short !== undefined) spellings.set(`-${row.short}`, { row, implied });
    for (const name of [row.name, ...(row.aliases ?? [])]) {
      spellings.set(`--${name}`, { row, implied });
      if (isSwitch) spellings.set(`--no-${name}`, { row, implied: "off" });
    }
  }
  return spellings;
}

function splitWord(word: string): { readonly name: string; readonly attached: string | undefined } {
  if (!word.startsWith("--")) {
    const attached = word.slice(2);
    return { name: word.slice(0, 2), attached: attached === "" ? undefined : attached.replace(/^=/, "") };
  }
  const equals = word.indexOf("=");
  return equals < 0
    ? { name: word, attached: undefined }
    : { name: word.slice(0, equals), attached: word.slice(equals + 1) };
}

function unknownOption(
  name: string,
  known: ForeignOption | undefined,
  spellings: ReadonlyMap<string, Spelling>,
): Diagnostic {
  if (known !== undefined) return error(`${name} is not an option of tricorn`, known.hint);
  const meant = name.startsWith("--") ? closest(name, spellings.keys()) : undefined;
  const hint = meant === undefined ? "tricorn --help lists all options" : `did you mean ${meant}?`;
  return error(`unknown option ${name}`, hint);
}

interface Addition {
  readonly given: Map<string, Given>;
  readonly diagnostics: Diagnostic[];
  readonly row: AnyRow;
  readonly spelling: string;
  readonly text: string;
}

function add({ given, diagnostics, row, spelling, text }: Addition): void {
  const before = given.get(row.name);
  const texts = row.separator === "," ? splitTexts(row, text) : [text];
  if (before === undefined) {
    given.set(row.name, { texts, source: "command line", spelling });
  } else if (row.separator !== undefined) {
    given.set(row.name, { ...before, texts: [...before.texts, ...texts] });
  } else {
    const how = before.spelling === spelling ? "twice" : `twice, as ${before.spelling} and as ${spelling}`;
    diagnostics.push(error(`--${row.name} was given ${how}`, "keep one of them"));
  }
}
