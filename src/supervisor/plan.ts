/**
 * What a configuration needs before its first process is started, looked for and checked: who its processes are, which
 * Python runs each application, its log, its sockets. A start makes one, and so does each reload.
 */
import type { AppSettings } from "../config/model.ts";
import type { Configuration } from "../edge/model.ts";
import { err, ok, type Result } from "../std/result.ts";
import { type Identity, identityOf } from "./identity.ts";
import { findInterpreter, type Interpreter } from "./interpreter.ts";
import type { HeldListener } from "./socket-table.ts";

export interface Plan extends Staff {
  readonly crews: readonly HousedCrew[];
  readonly configuration: Configuration;
  readonly listeners: readonly HeldListener[];
  /** Makes its error log the master's. */
  readonly adoptLog: () => void;
  /** Lets go of its error log: the plan is not carried out. */
  readonly dropLog: () => void;
}

/** Who does the work. */
export interface Staff {
  /** Who the edge becomes, and workers whose application says nothing else; undefined to stay. */
  readonly identity: Identity | undefined;
  readonly crews: readonly Crew[];
  /** What the operator should know, one sentence each. */
  readonly warnings: readonly string[];
}

/** The workers of one application. */
export interface Crew {
  readonly app: AppSettings;
  readonly interpreter: Interpreter;
  /** Who they become; undefined to stay. */
  readonly identity: Identity | undefined;
}

/** What the workers of one user know of the run directory. */
export interface Quarters {
  readonly directory: string;
  /** Where they say who they are. */
  readonly controlSocket: string;
  /** Where those print that have no pipe of their own. */
  readonly logSocket: string;
}

/** A crew, and where it finds the master. */
export interface HousedCrew extends Crew {
  readonly quarters: Quarters;
}

/** What prevents a start, for people. */
export interface Problem {
  readonly message: string;
  readonly hint: string | undefined;
}

/**
 * Looks for users and interpreters. @returns all that is missing, in the other case
 * @param isFile whether the configuration is a file: as in nginx, its `user` means nothing to those who are not root
 */
export function staffOf({ process: own, apps }: Configuration, isFile: boolean): Result<Staff, readonly Problem[]> {
  const problems: Problem[] = [];
  const isIgnored = isFile && own.user !== undefined && process.getuid?.() !== 0;
  const warnings = isIgnored
    ? ['the "user" directive makes sense only if the master process runs with super-user privileges, ignored']
    : [];
  const account = isIgnored ? {} : { user: own.user, group: own.group };
  const identity = identityOf(account);
  if (!identity.ok) problems.push(identity.error);
  const crews: Crew[] = [];
  for (const app of apps) {
    const isSomebodyElse = app.user !== undefined || app.group !== undefined;
    const who = isSomebodyElse ? identityOf({ ...account, ...defined(app) }) : identity;
    const { python, chdir } = app;
    const word = isFile ? "python" : "--python";
    const found = findInterpreter({ python, chdir, environment: process.env, word });
    const about = isFile || apps.length > 1 ? `app "${app.name}": ` : "";
    if (!found.ok) problems.push({ ...found.error, message: about + found.error.message });
    if (!who.ok && isSomebodyElse) problems.push({ ...who.error, message: about + who.error.message });
    if (found.ok && who.ok) crews.push({ app, interpreter: found.value, identity: who.value });
  }
  if (problems.length > 0 || !identity.ok) return err(problems);
  return ok({ identity: identity.value, crews, warnings });
}

/** Where the workers of a user live; made if need be. Throws the system's error. */
export interface House {
  of(identity: Identity | undefined): Quarters;
}

/** Gives each crew its quarters. @returns why there are none, in the other case */
export function housed(crews: readonly Crew[], house: House): Result<readonly HousedCrew[], Problem> {
  try {
    return ok(crews.map((crew) => ({ ...crew, quarters: house.of(crew.identity) })));
  } catch (problem) {
    // A full or read-only disk: the system's words say it.
    return err({ message: `cannot make a run directory: ${String(problem)}`, hint: runDirectoryHint });
  }
}

/** For a log that cannot be opened. */
export const logHint = "does its directory exist, and may this user write there?";
export const runDirectoryHint = "set TMPDIR to a directory that can be written to";

/** The user of an application brings its own group, not that of the process. */
function defined({ user, group }: AppSettings): { readonly user?: string; readonly group?: string | undefined } {
  return user === undefined ? { group } : { user, group };
}
