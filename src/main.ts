/**
 * The whole program, composed by hand: what was typed → the configuration → a master that serves, or a text.
 */
import { checkConfigRow, helpRow, helpText, printConfig, printConfigRow, realWorld, versionRow } from "./cli/index.ts";
import { type Diagnostic, formatDiagnostics } from "./config/diagnostic.ts";
import { configure, optionRows } from "./options.ts";
import { SOFTWARE } from "./std/version.ts";
import { exitStatus, start } from "./supervisor/index.ts";

async function main(argv: readonly string[]): Promise<number> {
  const { values, config, diagnostics } = configure(argv, realWorld());
  const asks = (row: typeof helpRow): boolean => values.source(row) === "command line" && values.one(row);
  if (asks(helpRow)) {
    return say(helpText(optionRows, { isTerminal: process.stdout.isTTY === true, environment: process.env }));
  }
  if (asks(versionRow)) return say(`${SOFTWARE} (Node ${process.versions.node})\n`);
  complain(diagnostics);
  if (config === undefined) return exitStatus.usage;
  if (asks(checkConfigRow)) return say("tricorn: the configuration is fine\n");
  if (asks(printConfigRow)) return say(printConfig(optionRows, values));
  return start({ config, software: SOFTWARE, complain });
}

/** Prints the answer to a question. */
function say(text: string): number {
  process.stdout.write(text);
  return exitStatus.fine;
}

function complain(diagnostics: readonly Diagnostic[]): void {
  process.stderr.write(formatDiagnostics(diagnostics));
}

process.exitCode = await main(process.argv.slice(2));
