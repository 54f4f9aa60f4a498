/**
 * The whole program, composed by hand: what was typed → the configuration → a master that serves, or a text.
 */
import { namesFile } from "./cli/file-arguments.ts";
import { helpText } from "./cli/help.ts";
import { checkConfigRow, dumpConfigRow, helpRow, printConfigRow, versionRow } from "./cli/options.ts";
import { printConfig } from "./cli/print-config.ts";
import { realWorld } from "./cli/world.ts";
import { type Diagnostic, formatDiagnostics } from "./config/diagnostic.ts";
import { configure, optionRows, textOf } from "./options.ts";
import { SOFTWARE } from "./std/version.ts";
import { exitStatus, start } from "./supervisor/index.ts";

async function main(argv: readonly string[]): Promise<number> {
  const isNginx = argv[0] === "nginx";
  if (isNginx || namesFile(argv)) {
    // Loaded only where it is needed: an application starts without it.
    const { runFileCommand } = await import("./file-command.ts");
    return isNginx ? runFileCommand(argv.slice(1), "nginx") : runFileCommand(argv, "tricorn");
  }
  const { values, statements, configuration, diagnostics } = configure(argv, realWorld());
  const asks = (row: typeof helpRow): boolean => values.source(row) === "command line" && values.one(row);
  if (asks(helpRow)) {
    return say(helpText(optionRows, { isTerminal: process.stdout.isTTY === true, environment: process.env }));
  }
  if (asks(versionRow)) return say(`${SOFTWARE} (Node ${process.versions.node})\n`);
  complain(diagnostics);
  if (configuration === undefined || statements === undefined) return exitStatus.usage;
  if (asks(checkConfigRow)) return say("tricorn: the configuration is fine\n");
  if (asks(dumpConfigRow)) return say(`# configuration file command line:\n${textOf(statements)}\n`);
  if (asks(printConfigRow)) return say(printConfig(optionRows, values));
  return start({ configuration, software: SOFTWARE, complain, face: "tricorn", readAgain: undefined });
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
