/**
 * The whole program, composed by hand: what was typed → the configuration → a master that serves, or a text.
 */
import { checkConfigRow, helpRow, printConfigRow, versionRow } from "./cli/directives.ts";
import { readVersion } from "./cli/version.ts";
import { realWorld } from "./cli/world.ts";
import { type Diagnostic, formatDiagnostics } from "./config/diagnostic.ts";
import { configure, optionRows } from "./directives.ts";
import { exitStatus } from "./supervisor/exit-status.ts";

async function main(argv: readonly string[]): Promise<number> {
  const { values, config, diagnostics } = configure(argv, realWorld());
  const asks = (row: typeof helpRow): boolean => values.source(row) !== "default" && values.one(row);
  if (asks(helpRow)) {
    const { helpText } = await import("./cli/help.ts");
    process.stdout.write(helpText(optionRows, { isTerminal: process.stdout.isTTY === true, environment: process.env }));
    return exitStatus.fine;
  }
  if (asks(versionRow)) {
    process.stdout.write(`tricorn ${readVersion()} (Node ${process.versions.node})\n`);
    return exitStatus.fine;
  }
  complain(diagnostics);
  if (config === undefined) return exitStatus.usage;
  if (asks(checkConfigRow)) {
    process.stdout.write("tricorn: the configuration is fine\n");
    return exitStatus.fine;
  }
  if (asks(printConfigRow)) {
    const { printConfig } = await import("./cli/print-config.ts");
    process.stdout.write(printConfig(optionRows, values));
    return exitStatus.fine;
  }
  const { start } = await import("./supervisor/start.ts");
  return start({ config, version: readVersion(), complain });
}

function complain(diagnostics: readonly Diagnostic[]): void {
  process.stderr.write(formatDiagnostics(diagnostics));
}

process.exitCode = await main(process.argv.slice(2));
