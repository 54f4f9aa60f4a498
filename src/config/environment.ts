/**
 * Options from environment variables: TRICORN_<OPTION> for every row, then the platforms' own names of a few.
 */
import { closest } from "../std/similar.ts";
import type { AnyRow, World } from "./directive.ts";
import { type Diagnostic, warning } from "./diagnostic.ts";
import { type Given, splitTexts } from "./option-values.ts";

const prefix = "TRICORN_";

/** Read by the launcher and by the search for an interpreter, not options. */
const launcherNames: readonly string[] = ["TRICORN_NODE"];

/** `TRICORN_MAX_REQUESTS` for `max-requests`. */
export function environmentName(row: AnyRow): string {
  return prefix + row.name.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_");
}

/** What the environment gives for `rows`. Empty variables count as not set. */
export function readEnvironment(
  environment: World["environment"],
  rows: readonly AnyRow[],
): { readonly given: ReadonlyMap<string, Given>; readonly diagnostics: readonly Diagnostic[] } {
  const given = new Map<string, Given>();
  const names = new Set(launcherNames);
  for (const row of rows) {
    const own = environmentName(row);
    names.add(own);
    for (const name of [own, ...(row.environment ?? [])]) {
      const text = environment[name];
      if (text === undefined || text === "" || isServiceLink(name, text)) continue;
      const source = name === own ? "environment" : "platform";
      given.set(row.name, { texts: splitTexts(row, text), source, spelling: name });
      break;
    }
  }
  return { given, diagnostics: strangers(environment, names) };
}

/**
 * Kubernetes describes each service of a namespace in variables of every container; a service named "tricorn" makes
 * TRICORN_PORT=tcp://10.0.0.1:80, TRICORN_SERVICE_HOST, TRICORN_PORT_80_TCP_ADDR and more, none of them meant for us.
 */
function isServiceLink(name: string, text: string): boolean {
  return /^TRICORN_(SERVICE_|PORT_\d)/.test(name) || (name === "TRICORN_PORT" && /^(tcp|udp|sctp):/.test(text));
}

function strangers(environment: World["environment"], names: ReadonlySet<string>): readonly Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  for (const [name, text = ""] of Object.entries(environment)) {
    if (!name.startsWith(prefix) || names.has(name) || isServiceLink(name, text)) continue;
    const meant = closest(name, names);
    diagnostics.push(
      warning(`${name} is in the environment, but no option has this name`, meant && `did you mean ${meant}?`),
    );
  }
  return diagnostics;
}
