/**
 * `app NAME { }`: one pool of Python workers, and what may stand in it. Names and defaults are those of the options,
 * which are gunicorn's and uvicorn's.
 */
import type { AppSettings } from "../config/model.ts";
import { appName } from "../config/nginx/app-name.ts";
import { choice, number, onOff, string } from "../config/nginx/argument-types.ts";
import type { Block } from "../config/nginx/block.ts";
import {
  type AnyDirectiveRow, type DefaultedDirectiveRow, type DirectiveRow, many, one,
} from "../config/nginx/directive-row.ts";
import type { Place } from "../config/nginx/source.ts";
import { assignment, numberOrAuto, plainText, rootPath, timerTime } from "./directives-arguments.ts";

/** Slots of a worker's state file: docs/wire.md. */
const THREAD_COUNT_MAX = 256;
/** More processes than this are a typing error on any machine of today. */
const WORKER_COUNT_MAX = 1024;
const REQUEST_COUNT_MAX = 2 ** 31 - 1;

export const appRow: DirectiveRow<string> = {
  module: "tricorn",
  merge: "none",
  contexts: ["main", "http"],
  name: "app",
  arguments: one(appName()),
  content: { kind: "directives", context: "app" },
  mayRepeat: true,
  doc: "An application, which Python workers of its own run; app_pass names it.",
  example: "app shop { module shop.wsgi:application; chdir /srv/shop; }",
};

const inApp = { module: "tricorn", merge: "none", contexts: ["app"] } as const;

const moduleRow: DefaultedDirectiveRow<string> = {
  ...inApp,
  name: "module",
  arguments: one(string("module:attribute")),
  default: '""',
  doc: "What to run: module:attribute, module, module:factory() or a file. Left out, Tricorn looks in chdir.",
  example: "module shop.wsgi:application;",
};

const factoryRow: DefaultedDirectiveRow<boolean> = {
  ...inApp,
  name: "factory",
  arguments: one(onOff()),
  default: "off",
  doc: "module names a function that makes the application.",
  example: "factory on;",
};

const interfaceRow: DefaultedDirectiveRow<AppSettings["interface"]> = {
  ...inApp,
  name: "interface",
  arguments: one(choice(["auto", "wsgi", "asgi3", "asgi2"])),
  default: "auto",
  doc: "How the application is called, for the rare one that cannot be told by looking at it.",
  example: "interface wsgi;",
};

const pythonRow: DirectiveRow<string> = {
  ...inApp,
  name: "python",
  arguments: one(plainText("path")),
  doc: "Interpreter or virtual environment, or a name to look for on PATH; relative paths begin at chdir. Left out: " +
    "$VIRTUAL_ENV, .venv or venv in chdir, python3.",
  example: "python /srv/shop/.venv;",
};

const chdirRow: DefaultedDirectiveRow<string> = {
  ...inApp,
  name: "chdir",
  arguments: one(plainText("path")),
  default: ".",
  doc: "The directory the application runs in; a relative path begins at the directory of the configuration.",
  example: "chdir /srv/shop;",
};

const appDirRow: DefaultedDirectiveRow<string> = {
  ...inApp,
  name: "app_dir",
  arguments: one(plainText("path")),
  default: ".",
  doc: "The directory modules are imported from first; a relative path begins at chdir.",
  example: "app_dir src;",
};

const pythonpathRow: DirectiveRow<readonly string[]> = {
  ...inApp,
  name: "pythonpath",
  arguments: many(plainText("path")),
  mayRepeat: true,
  doc: "Further directories for imports; relative paths begin at chdir.",
  example: "pythonpath lib vendor;",
};

const envRow: DirectiveRow<readonly [name: string, value: string]> = {
  ...inApp,
  name: "env",
  arguments: one(assignment()),
  mayRepeat: true,
  doc: "A variable of the application's environment; of one that is set twice the last counts.",
  example: "env DJANGO_SETTINGS_MODULE=shop.settings.live;",
};

const userRow: DirectiveRow<string> = {
  ...inApp,
  name: "user",
  arguments: one(plainText("name")),
  doc: "The user, by name or number, as whom the workers run; only root can choose. Left out: the program's own user.",
  example: "user shop;",
};

const groupRow: DirectiveRow<string> = {
  ...inApp,
  name: "group",
  arguments: one(plainText("name")),
  doc: "The group, by name or number, with which the workers run; left out: that of user.",
  example: "group www-data;",
};

const workersRow: DefaultedDirectiveRow<number | "auto"> = {
  ...inApp,
  name: "workers",
  arguments: one(numberOrAuto({ min: 1, max: WORKER_COUNT_MAX })),
  default: "1",
  doc: "Python processes; auto: one for each processor.",
  example: "workers 4;",
};

const threadsRow: DefaultedDirectiveRow<number> = {
  ...inApp,
  name: "threads",
  arguments: one(number({ min: 1, max: THREAD_COUNT_MAX })),
  default: "1",
  doc: "Threads of each WSGI worker, so requests it runs at once.",
  example: "threads 8;",
};

const preloadRow: DefaultedDirectiveRow<boolean> = {
  ...inApp,
  name: "preload",
  arguments: one(onOff()),
  default: "off",
  doc: "Import the application once, then fork the workers: they share memory and start at once.",
  example: "preload on;",
};

const loopRow: DefaultedDirectiveRow<string> = {
  ...inApp,
  name: "loop",
  arguments: one({ ...plainText("name"), label: "auto | asyncio | uvloop | module:attribute" }),
  default: "auto",
  doc: "The event loop of an ASGI application; auto takes uvloop where it is installed.",
  example: "loop asyncio;",
};

const lifespanRow: DefaultedDirectiveRow<AppSettings["lifespan"]> = {
  ...inApp,
  name: "lifespan",
  arguments: one(choice(["auto", "on", "off"])),
  default: "auto",
  doc: "ASGI lifespan: auto goes on without it if the application does not know it, on does not.",
  example: "lifespan on;",
};

const rootPathRow: DefaultedDirectiveRow<string> = {
  ...inApp,
  name: "root_path",
  arguments: one(rootPath()),
  default: '""',
  doc: "The part of the URL's path that leads to the application (SCRIPT_NAME, root_path).",
  example: "root_path /shop;",
};

const timeoutRow: DefaultedDirectiveRow<number> = {
  ...inApp,
  name: "timeout",
  arguments: one(timerTime()),
  default: "30s",
  doc: "A worker whose request (WSGI) or event loop (ASGI) takes longer is replaced, the request gets 504; 0: never.",
  example: "timeout 2m;",
};

const gracefulTimeoutRow: DefaultedDirectiveRow<number> = {
  ...inApp,
  name: "graceful_timeout",
  arguments: one(timerTime()),
  default: "30s",
  doc: "How long running requests may take to end when a worker is replaced.",
  example: "graceful_timeout 10s;",
};

const maxRequestsRow: DefaultedDirectiveRow<number> = {
  ...inApp,
  name: "max_requests",
  arguments: one(number({ min: 0, max: REQUEST_COUNT_MAX })),
  default: "0",
  doc: "A worker is replaced after so many requests, its successor being ready first; 0: never.",
  example: "max_requests 10000;",
};

const maxRequestsJitterRow: DefaultedDirectiveRow<number> = {
  ...inApp,
  name: "max_requests_jitter",
  arguments: one(number({ min: 0, max: REQUEST_COUNT_MAX })),
  default: "0",
  doc: "At most so many more, by chance, so that workers are not replaced all at once.",
  example: "max_requests_jitter 1000;",
};

const backlogRow: DefaultedDirectiveRow<number> = {
  ...inApp,
  name: "backlog",
  arguments: one(number({ min: 1, max: 65_535 })),
  default: "2048",
  doc: "Requests that may wait for a worker before the answer is 503.",
  example: "backlog 512;",
};

export const appBlockDirectives: readonly AnyDirectiveRow[] = [
  appRow,
  moduleRow,
  factoryRow,
  interfaceRow,
  pythonRow,
  chdirRow,
  appDirRow,
  pythonpathRow,
  envRow,
  userRow,
  groupRow,
  workersRow,
  threadsRow,
  preloadRow,
  loopRow,
  lifespanRow,
  rootPathRow,
  timeoutRow,
  gracefulTimeoutRow,
  maxRequestsRow,
  maxRequestsJitterRow,
  backlogRow,
];

export interface AppFacts {
  /** What app_pass calls it. */
  readonly name: string;
  /** What relative paths begin with: the configuration's directory, absolute, without a slash at its end. */
  readonly base: string;
  /** Processors that the program may use: for `workers auto`. */
  readonly cpuCount: number;
}

/** What stands in the block of one application. */
export function appSettings(block: Block, { name, base, cpuCount }: AppFacts): AppSettings {
  const chdir = chdirOf(block, base);
  const workers = block.one(workersRow);
  return {
    name,
    app: block.one(moduleRow),
    factory: block.one(factoryRow),
    interface: block.one(interfaceRow),
    python: pythonOf(block, chdir),
    chdir,
    appDir: absolute(chdir, block.one(appDirRow)),
    pythonpath: block.all(pythonpathRow).flat().map((path) => absolute(chdir, path)),
    env: [...new Map(block.all(envRow))],
    user: block.optional(userRow),
    group: block.optional(groupRow),
    workers: workers === "auto" ? Math.min(cpuCount, WORKER_COUNT_MAX) : workers,
    threads: block.one(threadsRow),
    preload: block.one(preloadRow),
    loop: block.one(loopRow),
    lifespan: block.one(lifespanRow),
    rootPath: block.one(rootPathRow),
    timeoutMs: block.one(timeoutRow),
    gracefulTimeoutMs: block.one(gracefulTimeoutRow),
    maxRequests: block.one(maxRequestsRow),
    maxRequestsJitter: block.one(maxRequestsJitterRow),
    backlog: block.one(backlogRow),
  };
}

/** The directory an application runs in, absolute. */
export function chdirOf(block: Block, base: string): string {
  return absolute(base, block.one(chdirRow));
}

/** Where chdir is written in the block of an application. */
export function chdirPlace(block: Block): Place | undefined {
  return block.own(chdirRow)[0]?.directive.args[0];
}

/** A name without a slash may be on PATH. */
function pythonOf(block: Block, chdir: string): string | undefined {
  const python = block.optional(pythonRow);
  const isPath = python !== undefined && (python.startsWith(".") || python.includes("/"));
  return isPath ? absolute(chdir, python) : python;
}

function absolute(base: string, path: string): string {
  if (path.startsWith("/")) return path;
  const below = path.replace(/^(?:\.\/+)+/, "");
  return below === "" || below === "." ? base : `${base}/${below}`;
}
