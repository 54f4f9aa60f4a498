/**
 * Runs what nginx's command line says, as `tricorn -c FILE`, as `tricorn nginx` or under the name nginx: answers a
 * question, checks a file, signals the master that runs, or becomes the master.
 */
import {
  buildLines, type ConfigurationPlace, DaemonPipe, explanation, type Face, type MasterCommand, type NginxCommandLine,
  nginxHelp, parseNginxCommandLine, placeOf, realFiles, realWorld, signalMaster, signalOf, startDaemon, StartLog,
  strangerIn, unusedVariables, versionLine, withShortNames,
} from "./cli/index.ts";
import { type Diagnostic, error, formatDiagnostics } from "./config/diagnostic.ts";
import { formatLanguageDiagnostics, type LanguageDiagnostic, nginxLineOf } from "./config/nginx/language-diagnostic.ts";
import { printSources } from "./config/nginx/print.ts";
import { type Built, buildFromFile } from "./configuration.ts";
import type { Configuration } from "./edge/model.ts";
import { optionRows } from "./options.ts";
import { siteDirectives } from "./site/index.ts";
import { err, ok } from "./std/result.ts";
import { SOFTWARE } from "./std/version.ts";
import { exitStatus, start, unopenableLogs } from "./supervisor/index.ts";
import { logHint, type Problem, staffOf } from "./supervisor/plan.ts";

/** @returns the exit status @param argv what stands behind the program, and behind `nginx` */
export async function runFileCommand(argv: readonly string[], face: Face): Promise<number> {
  const words = face === "tricorn" ? withShortNames(argv) : argv;
  const stranger = face === "tricorn" ? strangerIn(words, optionRows) : undefined;
  if (stranger !== undefined) return complain([stranger], exitStatus.usage);
  const line = parseNginxCommandLine(words);
  if (!line.ok) return say(`nginx: ${line.error}\n`, exitStatus.failed);
  const { asksVersion, asksBuild, asksHelp, tests, file } = line.value;
  if (asksVersion) say(versionLine());
  if (asksHelp) say(nginxHelp);
  if (asksBuild) say(buildLines(siteDirectives, process.versions.openssl));
  if (asksVersion && !tests) return exitStatus.fine;
  if (face === "tricorn" && file?.endsWith(".py") === true) {
    const hint = "use options or TRICORN_* variables; -c takes a file of nginx's language";
    return complain([error(`-c ${file}: gunicorn's configuration files are not read yet`, hint)], exitStatus.usage);
  }
  return runFile(line.value, face);
}

async function runFile(line: NginxCommandLine, face: Face): Promise<number> {
  const pipe = DaemonPipe.take(process.env);
  const world = realWorld();
  const place = placeOf(line, face, world.cwd);
  const read = (): Built => buildFromFile(place, line.directives, { files: realFiles(), world });
  const built = read();
  const { configuration } = built;
  const log = new StartLog(place.errorLog, say);
  // A daemon's mistakes were told by the process that started it.
  if (pipe === undefined || configuration === undefined) {
    if (!line.isQuiet) complain(unusedVariables(optionRows, world, place.path));
    tell(built.mistakes, log);
  }
  if (configuration === undefined) return line.tests ? testFailed(face, place) : exitStatus.failed;
  if (line.tests) return answerTest(line, { face, place, log, configuration, built });
  if (line.command !== undefined) return signal({ command: line.command, face, place, log, configuration });
  if (configuration.process.daemon && pipe === undefined) return daemonize(configuration, log);
  // Not awaited here, so that the tree that was read does not live as long as the master.
  return serve({ face, place, log, configuration, pipe, read });
}

interface Serving extends Checked {
  readonly pipe: DaemonPipe | undefined;
  readonly read: () => Built;
}

async function serve({ face, log, configuration, pipe, read }: Serving): Promise<number> {
  // What scripts look for by name: start-stop-daemon --name nginx, pidof nginx.
  if (face === "nginx") process.title = "nginx";
  const status = await start({
    configuration,
    software: SOFTWARE,
    complain: (diagnostics) => refuse(diagnostics, { log, say: pipe === undefined ? say : (text) => pipe.say(text) }),
    face,
    readAgain: async () => {
      const { configuration: next, mistakes } = read();
      return next === undefined ? err(formatLanguageDiagnostics(mistakes)) : ok(next);
    },
    hasStarted: () => {
      log.close();
      pipe?.serves();
    },
  });
  // nginx knows no other statuses.
  return face === "nginx" ? Math.min(status, exitStatus.failed) : status;
}

/** To standard error, and to the file of `-e`. */
function tell(mistakes: readonly LanguageDiagnostic[], log: StartLog): void {
  say(formatLanguageDiagnostics(mistakes));
  for (const mistake of mistakes) {
    const { level, text } = nginxLineOf(mistake);
    log.write(level, text);
  }
}

/** What prevents a start, as nginx says it, and what to do. */
function refuse(
  problems: readonly Problem[],
  { log, say: tellOperator }: { readonly log: StartLog; readonly say: (text: string) => void },
): void {
  for (const { message, hint } of problems) {
    tellOperator(`nginx: [emerg] ${message}\n${hint === undefined ? "" : `  hint: ${hint}\n`}`);
    log.write("emerg", message);
  }
}

interface Checked {
  readonly face: Face;
  readonly place: ConfigurationPlace;
  readonly log: StartLog;
  readonly configuration: Configuration;
}

interface Signal extends Checked {
  readonly command: MasterCommand;
}

function signal({ command, face, place, log, configuration: { process: { pid } } }: Signal): number {
  log.write("notice", "signal process started");
  if (pid === undefined) {
    const hint = "write `pid /run/tricorn.pid;` into it, and start the master again";
    return complain([error(`${place.path} names no pid file, so the master cannot be found`, hint)], exitStatus.failed);
  }
  const failure = signalMaster(pid, signalOf(command, face));
  if (failure === undefined) return exitStatus.fine;
  log.write(failure.level, failure.message);
  return say(`nginx: [${failure.level}] ${failure.message}\n`, exitStatus.failed);
}

async function daemonize(configuration: Configuration, log: StartLog): Promise<number> {
  const { process: { errorLogs }, site } = configuration;
  const missing = unopenableLogs(configuration, undefined);
  if (missing.length > 0) {
    refuse(missing.map(logProblem), { log, say });
    return exitStatus.failed;
  }
  log.close();
  const file = errorLogs.map(({ path }) => path).find((path) => path.startsWith("/"));
  return startDaemon({
    command: [process.execPath, ...process.execArgv, ...process.argv.slice(1)],
    errorLog: errorLogs.some(({ path }) => path === "-") ? undefined : file,
    kept: site.listeners.flatMap(({ bind }) => (bind.kind === "fd" ? [bind.fd] : [])),
    say,
  });
}

interface Tested extends Checked {
  readonly built: Built;
}

/** Sound as it reads; now users, interpreters and logs, which a start or a reload would look for. */
function answerTest(line: NginxCommandLine, { face, place, log, configuration, built }: Tested): number {
  if (!line.isQuiet) say(`${face}: the configuration file ${place.path} syntax is ok\n`);
  const staff = staffOf(configuration, true);
  const problems = [...(staff.ok ? [] : staff.error), ...unopenableLogs(configuration, undefined).map(logProblem)];
  for (const warning of staff.ok ? staff.value.warnings : []) {
    say(`nginx: [warn] ${warning}\n`);
    log.write("warn", warning);
  }
  if (problems.length > 0) {
    refuse(problems, { log, say });
    return testFailed(face, place);
  }
  if (!line.isQuiet) say(`${face}: configuration file ${place.path} test is successful\n`);
  if (line.dumps) process.stdout.write(printSources(built.read.sources));
  if (line.explains) process.stdout.write(explanation(built.read.withoutEffect, built.notes));
  return exitStatus.fine;
}

function logProblem(message: string): Problem {
  return { message, hint: logHint };
}

function testFailed(face: Face, { path }: ConfigurationPlace): number {
  return say(`${face}: configuration file ${path} test failed\n`, exitStatus.failed);
}

function say(text: string, status: number = exitStatus.fine): number {
  process.stderr.write(text);
  return status;
}

function complain(diagnostics: readonly Diagnostic[], status: number = exitStatus.fine): number {
  return say(formatDiagnostics(diagnostics), status);
}
