/**
 * What is wrong in a configuration file: nginx's own sentence first, for whoever reads it by machine, then where
 * exactly, and what to do about it.
 */
import type { Diagnostic } from "../diagnostic.ts";
import { lineOf, type Place, type Source } from "./source.ts";

export interface LanguageDiagnostic extends Diagnostic {
  /** nginx's words for it, without the place. */
  readonly nginx: string;
  /** What the caret points at; undefined when there is nothing to point at: the main file cannot be opened. */
  readonly place: Place | undefined;
  /** The line that nginx names: where its parser stood, often the end of the directive; 0 for none. */
  readonly nginxLine: number;
}

/** What is said about a mistake; all but nginx's words can be left out. */
export interface Mistake {
  /** A warning is for what nginx accepts and hardly anybody means; everything else is an error. */
  readonly severity?: "warning";
  /** nginx's words, without " in FILE:LINE". */
  readonly nginx: string;
  /** Our words, when they can be clearer. */
  readonly message?: string | undefined;
  readonly hint?: string | undefined;
  /** The line that nginx names, when it is not that of the place; 0 where it names neither file nor line. */
  readonly nginxLine?: number | undefined;
}

/** A mistake at `place`. */
export function mistakeAt(place: Place | undefined, mistake: Mistake): LanguageDiagnostic {
  const { severity = "error", nginx, message = nginx, hint, nginxLine = place?.line ?? 0 } = mistake;
  return { severity, message, hint, nginx, place, nginxLine };
}

/** No more mistakes are looked for in one text, or in one tree, than so many. */
export const MISTAKE_COUNT_MAX = 1000;

/** Longer lists of errors help nobody; what is left out is counted. */
export const DIAGNOSTIC_COUNT_MAX = 100;

/** Longer lines are shown in part. */
export const SHOWN_LINE_SIZE_MAX = 160;

/** All diagnostics of one run as text for standard error, in the order given. */
export function formatLanguageDiagnostics(diagnostics: readonly LanguageDiagnostic[]): string {
  const shown = diagnostics.slice(0, DIAGNOSTIC_COUNT_MAX);
  const more = diagnostics.length - shown.length;
  return shown.map(format).join("") + (more > 0 ? `tricorn: and ${more} more\n` : "");
}

/** nginx's level and its sentence with the place, for a line of a log or of standard error. */
export function nginxLineOf(diagnostic: LanguageDiagnostic): {
  readonly level: "emerg" | "warn";
  readonly text: string;
} {
  const { severity, nginx, place, nginxLine } = diagnostic;
  const text = visible(nginx) + (place === undefined || nginxLine === 0 ? "" : nginxPlace(place.source, nginxLine));
  return { level: severity === "error" ? "emerg" : "warn", text };
}

function format(diagnostic: LanguageDiagnostic): string {
  const { severity, message, hint, place } = diagnostic;
  const line = nginxLineOf(diagnostic);
  let text = `nginx: [${line.level}] ${line.text}\n`;
  if (place === undefined) {
    text += `tricorn: ${severity}: ${visible(message)}\n`;
  } else {
    text += `${visible(place.source.path)}:${place.line}:${place.column}: ${severity}: ${visible(message)}\n`;
    text += excerpt(place) + includeChain(place.source);
  }
  return hint === undefined ? text : `${text}  hint: ${visible(hint)}\n`;
}

function nginxPlace({ path, isParameter }: Source, line: number): string {
  return isParameter ? " in command line" : ` in ${visible(path)}:${line}`;
}

/** The line and, below it, carets under the place: to the end of the line when it goes on. */
function excerpt(place: Place): string {
  const line = lineOf(place);
  const before = Math.min(place.column - 1, line.length);
  // A long line is cut so that the place is in sight.
  const start = line.length <= SHOWN_LINE_SIZE_MAX ? 0 : Math.max(0, before - SHOWN_LINE_SIZE_MAX / 2);
  const shown = line.slice(start, start + SHOWN_LINE_SIZE_MAX);
  const gutter = String(place.line).padStart(5);
  const indent = shown.slice(0, before - start).replace(/[^\t]/g, " ");
  const room = Math.max(1, shown.length - (before - start));
  const carets = "^".repeat(Math.max(1, Math.min(place.end - place.offset, room)));
  return `${gutter} | ${visible(shown)}\n      | ${indent}${carets}\n`;
}

/** How one gets from the main file to this one: the nearest `include` first. */
function includeChain(source: Source): string {
  let text = "";
  for (let from = source.includedFrom; from !== undefined; from = from.source.includedFrom) {
    text += `  included from ${visible(from.source.path)}:${from.line}\n`;
  }
  return text;
}

/** A file is not trusted to write on a terminal: control characters but the tab become "?". */
function visible(text: string): string {
  return text.replace(/[\0-\x08\x0a-\x1f\x7f-\x9f]/g, "?");
}
