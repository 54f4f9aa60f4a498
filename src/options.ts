/**
 * The one table of options, and how it becomes the one configuration. Concatenation only: the rows live in their rooms.
 */
import { appRow, appRows, appSettings } from "./app/options.ts";
import { cliRows, foreignOptions } from "./cli/options.ts";
import { checkOptions } from "./config/check.ts";
import type { AnyRow, World } from "./config/directive.ts";
import type { Diagnostic } from "./config/diagnostic.ts";
import type { Config } from "./config/model.ts";
import type { OptionValues } from "./config/option-values.ts";
import { edgeRows, forwardedSettings, httpSettings, workerProcessesRow } from "./edge/options.ts";
import { webSocketRows, webSocketSettings } from "./edge/websocket-options.ts";
import { logRows, logSettings } from "./observe/options.ts";
import { processSettings, supervisorRows } from "./supervisor/options.ts";

export const optionRows: readonly AnyRow[] = [
  ...appRows, ...supervisorRows, ...edgeRows, ...webSocketRows, ...logRows, ...cliRows,
];

export interface Configured {
  readonly values: OptionValues;
  /** Undefined if there is an error among the diagnostics. */
  readonly config: Config | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

/** What the operator meant by `argv` (without node and the program) in this `world`. */
export function configure(argv: readonly string[], world: World): Configured {
  const { values, diagnostics: found } = checkOptions({
    argv,
    rows: optionRows,
    foreign: foreignOptions,
    positional: appRow,
    world,
  });
  const hasError = (list: readonly Diagnostic[]): boolean => list.some(({ severity }) => severity === "error");
  if (hasError(found)) return { values, config: undefined, diagnostics: found };
  const diagnostics = [...found];
  const report = (diagnostic: Diagnostic): void => void diagnostics.push(diagnostic);
  const threads = values.one(workerProcessesRow);
  const workerProcesses = threads === "auto" ? Math.min(world.cpuCount, 64) : threads;
  const config: Config = {
    process: processSettings({ values, world, workerProcesses, report }),
    http: httpSettings(values, report),
    webSocket: webSocketSettings(values),
    forwarded: forwardedSettings(values),
    app: appSettings({ values, world, workerProcesses, report }),
    log: logSettings(values, world.cwd),
  };
  return { values, config: hasError(diagnostics) ? undefined : freeze(config), diagnostics };
}

/** Freezes plain data all the way down. */
function freeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) freeze(inner);
  }
  return value;
}
