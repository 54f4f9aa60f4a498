/**
 * `--print-config`: every option in force, where it comes from, as text that could be typed.
 */
import type { AnyRow } from "../config/directive.ts";
import { environmentName } from "../config/environment.ts";
import type { OptionValues } from "../config/option-values.ts";

/** One line for each option but those that only ask: `--workers 4  # WEB_CONCURRENCY`. */
export function printConfig(rows: readonly AnyRow[], values: OptionValues): string {
  return rows
    .filter((row) => row.group !== "Information")
    .flatMap((row) => lines(row, values))
    .join("");
}

function lines(row: AnyRow, values: OptionValues): readonly string[] {
  const given = values.given(row);
  const texts = given?.texts ?? (row.default === undefined ? [] : [row.default]);
  const origin = given === undefined ? "default" : given.source === "command line" ? "command line" : given.spelling;
  if (texts.length === 0) return [`# --${row.name} is not set (${environmentName(row)})\n`];
  return texts.map((text) => `${option(row, text)}  # ${origin}\n`);
}

function option(row: AnyRow, text: string): string {
  if (row.argument.kind === "value") return `--${row.name} ${quote(text)}`;
  const isOn = row.argument.parse(text);
  return isOn.ok && isOn.value === true ? `--${row.name}` : `--no-${row.name}`;
}

/** As a POSIX shell takes it. */
function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
