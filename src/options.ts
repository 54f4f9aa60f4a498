/**
 * The one table of options, and how what was typed becomes text of nginx's language. The rows live in their rooms.
 */
import { acmeOptionRows, acmeStatements } from "./acme/options.ts";
import { appRow, appRows, appStatements, backlogRow, gracefulTimeoutRow } from "./app/options.ts";
import { configurationText } from "./cli/configuration-text.ts";
import { cliRows, foreignOptions } from "./cli/options.ts";
import { checkOptions } from "./config/check.ts";
import type { AnyRow, World } from "./config/directive.ts";
import { type Diagnostic, error } from "./config/diagnostic.ts";
import { printStatements, type Statement } from "./config/nginx/print.ts";
import type { OptionValues } from "./config/option-values.ts";
import { blockOf, directive, DOLLAR_BLOCK, timeWord } from "./config/statements.ts";
import { type Built, buildFromText } from "./configuration.ts";
import { edgeRows, httpStatements, workerProcessesRow } from "./edge/options.ts";
import { webSocketOptionRows, webSocketStatements } from "./edge/websocket-options.ts";
import { accessLogStatements, errorLogStatements, logRows } from "./observe/options.ts";
import { siteDirectives } from "./site/index.ts";
import { listenStatements, processStatements, supervisorRows } from "./supervisor/options.ts";
import { tlsOptionRows, tlsStatements } from "./tls/options.ts";

export const optionRows: readonly AnyRow[] = [
  ...appRows, ...supervisorRows, ...tlsOptionRows, ...acmeOptionRows, ...edgeRows, ...webSocketOptionRows,
  ...logRows, ...cliRows,
];

/** Threads that the number of an edge thread has bits for: docs/wire.md. */
const threadCountMax = 64;

export interface Configured {
  readonly values: OptionValues;
  /** What they say as directives; undefined if there is an error among the diagnostics, as is what that becomes. */
  readonly statements: readonly Statement[] | undefined;
  readonly configuration: Built["configuration"];
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
  const diagnostics = [...found];
  const failed = { values, statements: undefined, configuration: undefined, diagnostics };
  if (hasError(diagnostics)) return failed;
  const statements = statementsOf(values, world, (diagnostic) => void diagnostics.push(diagnostic));
  if (hasError(diagnostics)) return failed;
  const { configuration, mistakes } = buildFromText(printStatements(statements), world);
  return { values, statements, configuration, diagnostics: [...diagnostics, ...mistakes] };
}

/** The text of a file that says the same, less what is in force anyway. To find that out takes too long for a start. */
export function textOf(statements: readonly Statement[]): string {
  return configurationText(statements, siteDirectives);
}

/** One application behind one server, and whatever the options say about either. */
function statementsOf(
  values: OptionValues,
  world: World,
  report: (diagnostic: Diagnostic) => void,
): readonly Statement[] {
  const threads = values.one(workerProcessesRow);
  const workerProcesses = threads === "auto" ? Math.min(world.cpuCount, threadCountMax) : threads;
  const input = { values, world, workerProcesses, report };
  const acquired = acmeStatements(values, world);
  const http = [
    ...(acquired?.http ?? []),
    ...accessLogStatements(values, world.cwd), ...httpStatements(values, report), ...webSocketStatements(values),
  ];
  const usesDollar = http.some(({ args }) => args.some((word) => word.includes("${dollar}")));
  const tls = tlsStatements(values, world, report);
  if (tls !== undefined && acquired !== undefined) {
    report(error("--certfile was given together with --acme or --https", "it is one or the other"));
  }
  const isTls = tls !== undefined || acquired !== undefined;
  const manner = { backlog: values.one(backlogRow), isTls, isPublic: acquired?.isPublic === true };
  const server = [
    ...listenStatements(input, manner), ...(isTls ? [directive("http2", "on")] : []), ...(tls ?? []),
    ...(acquired?.server ?? []),
    blockOf("location", ["/"], [directive("app_pass", "app")]),
  ];
  return [
    directive("daemon", "off"),
    directive("worker_shutdown_timeout", timeWord(values.one(gracefulTimeoutRow))),
    ...errorLogStatements(values, world.cwd),
    ...processStatements(input),
    blockOf("app", ["app"], appStatements(input)),
    blockOf("http", [], [...(usesDollar ? [DOLLAR_BLOCK] : []), ...http, blockOf("server", [], server)]),
  ];
}

function hasError(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some(({ severity }) => severity === "error");
}
