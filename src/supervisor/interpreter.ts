/**
 * Which Python runs the application? --python, else $VIRTUAL_ENV, .venv or venv beside the application, python3.
 * The program that `pip install tricorn` makes sets TRICORN_PYTHON, which is --python, to its own interpreter.
 * Only looks at files: no process is started to find out.
 */
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { err, ok, type Result } from "../std/result.ts";

export interface InterpreterQuery {
  /** --python: an interpreter, a virtual environment, or a name to look for on PATH. */
  readonly python: string | undefined;
  readonly chdir: string;
  readonly environment: NodeJS.ProcessEnv;
  /** What the operator calls the setting: `--python`, or `python` in a file. */
  readonly word: "--python" | "python";
}

/** Why this one: for the banner and for messages. */
export interface Interpreter {
  readonly path: string;
  readonly origin: InterpreterQuery["word"] | "VIRTUAL_ENV" | ".venv" | "venv" | "PATH";
}

export interface InterpreterFailure {
  readonly message: string;
  readonly hint: string;
}

/** An executable that looks like a Python; its version is checked by the worker's first lines. */
export function findInterpreter(query: InterpreterQuery): Result<Interpreter, InterpreterFailure> {
  const { python, chdir, environment, word } = query;
  if (python !== undefined) return named(python, query);
  const candidates: readonly (readonly [Interpreter["origin"], string | undefined])[] = [
    ["VIRTUAL_ENV", inEnvironment(environment["VIRTUAL_ENV"])],
    [".venv", inEnvironment(join(chdir, ".venv"))],
    ["venv", inEnvironment(join(chdir, "venv"))],
    ["PATH", onPath("python3", environment) ?? onPath("python", environment)],
  ];
  for (const [origin, path] of candidates) {
    if (path !== undefined && isExecutable(path)) return ok({ path, origin });
  }
  return err({ message: "no Python was found", hint: `install Python 3.9 or later, or name one with ${word}` });
}

function named(
  python: string,
  { chdir, environment, word }: InterpreterQuery,
): Result<Interpreter, InterpreterFailure> {
  // As typed in a shell first, then as seen from the application.
  const places = [...new Set([resolve(python), resolve(chdir, python)])];
  const path = places
    .flatMap((place) => (isDirectory(place) ? [join(place, "bin", "python"), join(place, "bin", "python3")] : [place]))
    .find(isExecutable);
  if (path !== undefined) return ok({ path, origin: word });
  const searched = python.includes("/") ? undefined : onPath(python, environment);
  if (searched !== undefined) return ok({ path: searched, origin: word });
  const found = places.find(isDirectory);
  const message =
    found === undefined
      ? `${word}: there is no interpreter and no virtual environment ${python}`
      : `${word}: ${found} is a directory, but no virtual environment: it has no bin/python`;
  return err({
    message,
    hint: "name an interpreter such as /usr/bin/python3 or the directory that `python3 -m venv` made",
  });
}

function inEnvironment(directory: string | undefined): string | undefined {
  return directory === undefined || directory === "" ? undefined : join(directory, "bin", "python");
}

function onPath(name: string, environment: NodeJS.ProcessEnv): string | undefined {
  const directories = (environment["PATH"] ?? "").split(delimiter).filter((directory) => directory !== "");
  return directories.map((directory) => join(directory, name)).find(isExecutable);
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
  } catch {
    // Not there, or not for us: the next candidate.
    return false;
  }
  return !isDirectory(path);
}
