/**
 * From a server to the settings that apply to a request: the server's script, the location, the location's script, and
 * again while rewriting asks for it, ten times at most.
 */
import { type Evaluation, URI_CHANGES_MAX } from "./evaluation.ts";
import type { FileFinder } from "./files.ts";
import type { Locations } from "./locations.ts";
import type { RewriteOutcome, RewriteScript } from "./rewrite.ts";
import { escapeUri } from "./uri.ts";

/** One server, compiled. Servers, locations and pseudo-locations of `if` are numbers of one kind: of their settings. */
export interface ServerRoutes {
  readonly server: number;
  /** The server's own rewrite directives. */
  readonly script: RewriteScript | undefined;
  readonly locations: Locations;
  /** Scripts of locations that have one. */
  readonly scripts: ReadonlyMap<number, RewriteScript>;
  /** Locations that say `internal`. */
  readonly internal: ReadonlySet<number>;
  /** Locations with a limit_except: other methods than these go to another number. */
  readonly limitExcepts: ReadonlyMap<number, LimitExcept>;
}

export interface LimitExcept {
  readonly methods: readonly string[];
  readonly location: number;
}

/** What is to be done; `location` has the settings for it, error pages included. */
export type Route = { readonly location: number } & (
  /** Run the handler. */
  | { readonly kind: "handle" }
  /** `target` is a Location, without host if the operator named none. */
  | { readonly kind: "redirect"; readonly status: number; readonly target: string }
  /** 444 closes the connection; `text` undefined is the status' own page, or an error page. */
  | { readonly kind: "return"; readonly status: number; readonly text: string | undefined }
  /** For the error log; the answer is the status. */
  | { readonly kind: "error"; readonly status: 500; readonly message: string }
);

/**
 * Where a request begins: at its server, which is also where internal redirects to a URI begin; or in a location, which
 * is where those to a named location do.
 */
export type RouteStart = { readonly kind: "server" } | { readonly kind: "location"; readonly location: number };

/**
 * @param evaluation holds the URI; rewriting changes it
 * @returns at once, unless a condition has to wait for the file system
 */
export function findRoute(
  routes: ServerRoutes, evaluation: Evaluation, files: FileFinder, start: RouteStart = { kind: "server" },
): Route | Promise<Route> {
  if (start.kind === "location") return enter(routes, evaluation, files, start.location);
  const status = evaluation.internal ? undefined : evaluation.facts.refusal();
  if (status !== undefined) return { kind: "return", status, text: undefined, location: routes.server };
  if (routes.script === undefined) return search(routes, evaluation, files);
  const { server } = routes;
  const continued = (outcome: RewriteOutcome): Route | Promise<Route> =>
    ending(outcome, server) ?? search(routes, evaluation, files);
  const outcome = routes.script.run(evaluation, files);
  return outcome instanceof Promise ? outcome.then(continued) : continued(outcome);
}

function search(routes: ServerRoutes, evaluation: Evaluation, files: FileFinder): Route | Promise<Route> {
  const { kind, location } = routes.locations.find(evaluation.path, evaluation);
  evaluation.isRewritten = false;
  if (routes.internal.has(location) && !evaluation.internal) {
    return { kind: "return", status: 404, text: undefined, location };
  }
  if (kind === "location") return enter(routes, evaluation, files, location);
  const args = evaluation.args === "" ? "" : `?${evaluation.args}`;
  return { kind: "redirect", status: 301, target: `${escapeUri(evaluation.path, "uri")}/${args}`, location };
}

function enter(
  routes: ServerRoutes, evaluation: Evaluation, files: FileFinder, found: number,
): Route | Promise<Route> {
  const except = routes.limitExcepts.get(found);
  const location = except === undefined || except.methods.includes(evaluation.facts.method) ? found : except.location;
  evaluation.facts.enterLocation(location);
  const script = routes.scripts.get(location);
  if (script === undefined) return { kind: "handle", location };
  const continued = (outcome: RewriteOutcome): Route | Promise<Route> => {
    const end = ending(outcome, location);
    if (end !== undefined) return end;
    if (outcome.kind !== "search") return { kind: "handle", location: outcome.location ?? location };
    if (evaluation.countUriChange()) return search(routes, evaluation, files);
    const message = `rewrite or internal redirection cycle: the URI changed more than ${URI_CHANGES_MAX} times`;
    return { kind: "error", status: 500, message, location: outcome.location ?? location };
  };
  const outcome = script.run(evaluation, files);
  return outcome instanceof Promise ? outcome.then(continued) : continued(outcome);
}

/** What ends the walk, undefined when it goes on. */
function ending(outcome: RewriteOutcome, location: number): Route | undefined {
  if (outcome.kind === "continue" || outcome.kind === "search") return undefined;
  return { ...outcome, location: outcome.location ?? location };
}
