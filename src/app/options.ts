/**
 * The application's options: what to run, in which interpreter, in how many workers.
 */
import { choice, count, countOrAuto, duration, onOff, pair, text, textOrEmpty } from "../config/arguments.ts";
import type { AnyRow, DefaultedRow, OptionRow, World } from "../config/directive.ts";
import { type Diagnostic, error } from "../config/diagnostic.ts";
import { parseEnvFile } from "../config/env-file.ts";
import type { Statement } from "../config/nginx/print.ts";
import type { OptionValues } from "../config/option-values.ts";
import { directive, onOffWord, timeWord } from "../config/statements.ts";

/** Slots of a worker's state file: docs/wire.md. */
const threadCountMax = 256;
/** More processes than this are a typing error on any machine of today. */
const workerCountMax = 1024;

export const appRow: DefaultedRow<string> = {
  name: "app",
  argument: textOrEmpty("APP"),
  default: "",
  group: "Application",
  doc: "module:attribute, module, module:factory() or a file, written with or without --app.",
  example: "tricorn shop.wsgi:application",
};

const factoryRow: DefaultedRow<boolean> = {
  name: "factory",
  argument: onOff(),
  default: "off",
  group: "Application",
  doc: "APP names a function that makes the application.",
  example: "tricorn shop:create_app --factory",
};

const interfaceRow: DefaultedRow<"auto" | "wsgi" | "asgi3" | "asgi2"> = {
  name: "interface",
  argument: choice(["auto", "wsgi", "asgi3", "asgi2"]),
  default: "auto",
  group: "Application",
  doc: "How the application is called, for the rare one that cannot be told by looking at it.",
  example: "tricorn shop:app --interface wsgi",
};

const pythonRow: OptionRow<string> = {
  name: "python",
  argument: text("PATH"),
  group: "Application",
  doc: "Interpreter or virtual environment. Left out: that of `pip install`, $VIRTUAL_ENV, .venv, venv, python3.",
  example: "tricorn shop.wsgi --python /srv/shop/.venv",
};

const chdirRow: DefaultedRow<string> = {
  name: "chdir",
  argument: text("PATH"),
  default: ".",
  group: "Application",
  doc: "The directory the application runs in.",
  example: "tricorn --chdir /srv/shop",
};

const appDirRow: DefaultedRow<string> = {
  name: "app-dir",
  argument: textOrEmpty("PATH"),
  default: "",
  group: "Application",
  doc: "The directory modules are imported from first; as --chdir if left out.",
  example: "tricorn shop:app --app-dir src",
};

const pythonpathRow: OptionRow<string> = {
  name: "pythonpath",
  argument: text("PATH"),
  separator: ",",
  group: "Application",
  doc: "Further directories for imports, several with commas.",
  example: "tricorn shop.wsgi --pythonpath lib,vendor",
};

const envRow: OptionRow<readonly [name: string, value: string]> = {
  name: "env",
  short: "e",
  argument: pair("=", "NAME=VALUE"),
  separator: "\n",
  group: "Application",
  doc: "A variable of the application's environment; may be given several times.",
  example: "tricorn shop.wsgi -e DJANGO_SETTINGS_MODULE=shop.settings.live",
};

const envFileRow: OptionRow<string> = {
  name: "env-file",
  argument: text("PATH"),
  group: "Application",
  doc: "A file of such variables; it never overrides one that is set.",
  example: "tricorn shop.wsgi --env-file .env",
};

const rootPathRow: DefaultedRow<string> = {
  name: "root-path",
  argument: textOrEmpty("PATH"),
  default: "",
  group: "Application",
  doc: "The part of the URL's path that leads to the application (SCRIPT_NAME, root_path).",
  example: "tricorn shop.asgi --root-path /shop",
};

const loopRow: DefaultedRow<string> = {
  name: "loop",
  aliases: ["asgi-loop"],
  argument: text("auto|asyncio|uvloop|MODULE:NAME"),
  default: "auto",
  group: "Application",
  doc: "The event loop of an ASGI application; auto takes uvloop where it is installed.",
  example: "tricorn shop.asgi --loop asyncio",
};

const lifespanRow: DefaultedRow<"auto" | "on" | "off"> = {
  name: "lifespan",
  aliases: ["asgi-lifespan"],
  argument: choice(["auto", "on", "off"]),
  default: "auto",
  group: "Application",
  doc: "ASGI lifespan: auto goes on without it if the application does not know it, on does not.",
  example: "tricorn shop.asgi --lifespan on",
};

const workersRow: DefaultedRow<number | "auto"> = {
  name: "workers",
  short: "w",
  environment: ["WEB_CONCURRENCY"],
  argument: countOrAuto({ min: 1, max: workerCountMax }),
  default: "1",
  group: "Workers",
  doc: "Python processes; auto: one for each processor.",
  example: "tricorn shop.wsgi -w 4",
};

const threadsRow: DefaultedRow<number> = {
  name: "threads",
  argument: count({ min: 1, max: threadCountMax }),
  default: "1",
  group: "Workers",
  doc: "Threads of each WSGI worker, so requests it runs at once.",
  example: "tricorn shop.wsgi -w 2 --threads 8",
};

const preloadRow: DefaultedRow<boolean> = {
  name: "preload",
  argument: onOff(),
  default: "off",
  group: "Workers",
  doc: "Import the application once, then fork the workers: they share memory and start at once.",
  example: "tricorn shop.wsgi -w 8 --preload",
};

const timeoutRow: DefaultedRow<number> = {
  name: "timeout",
  short: "t",
  argument: duration({ minMs: 0 }),
  default: "30s",
  group: "Workers",
  doc: "A worker whose request (WSGI) or event loop (ASGI) takes longer is replaced, the request gets 504; 0: never.",
  example: "tricorn shop.wsgi --timeout 2m",
};

export const gracefulTimeoutRow: DefaultedRow<number> = {
  name: "graceful-timeout",
  aliases: ["timeout-graceful-shutdown", "worker-shutdown-timeout"],
  argument: duration({ minMs: 0 }),
  default: "30s",
  group: "Workers",
  doc: "How long running requests may take to end when Tricorn stops or a worker is replaced.",
  example: "tricorn shop.wsgi --graceful-timeout 10s",
  nginx: "worker_shutdown_timeout",
};

const maxRequestsRow: DefaultedRow<number> = {
  name: "max-requests",
  aliases: ["limit-max-requests"],
  argument: count({ min: 0, max: 2 ** 31 - 1 }),
  default: "0",
  group: "Workers",
  doc: "A worker is replaced after so many requests, its successor being ready first; 0: never.",
  example: "tricorn shop.wsgi --max-requests 10000 --max-requests-jitter 1000",
};

const maxRequestsJitterRow: DefaultedRow<number> = {
  name: "max-requests-jitter",
  aliases: ["limit-max-requests-jitter"],
  argument: count({ min: 0, max: 2 ** 31 - 1 }),
  default: "0",
  group: "Workers",
  doc: "At most so many more, by chance, so that workers are not replaced all at once.",
  example: "tricorn shop.wsgi --max-requests 10000 --max-requests-jitter 1000",
};

export const backlogRow: DefaultedRow<number> = {
  name: "backlog",
  argument: count({ min: 1, max: 65_535 }),
  default: "2048",
  group: "Workers",
  doc: "Requests that may wait for a worker before the answer is 503; also the kernel's queue of connections.",
  example: "tricorn shop.wsgi --backlog 512",
};

export const appRows: readonly AnyRow[] = [
  appRow,
  factoryRow,
  interfaceRow,
  pythonRow,
  chdirRow,
  appDirRow,
  pythonpathRow,
  envRow,
  envFileRow,
  rootPathRow,
  loopRow,
  lifespanRow,
  workersRow,
  threadsRow,
  preloadRow,
  timeoutRow,
  gracefulTimeoutRow,
  maxRequestsRow,
  maxRequestsJitterRow,
  backlogRow,
];

export interface AppInput {
  readonly values: OptionValues;
  readonly world: World;
  readonly report: (diagnostic: Diagnostic) => void;
}

/** What stands in the application's `app` block. */
export function appStatements({ values, world, report }: AppInput): readonly Statement[] {
  const chdir = absolute(world.cwd, values.one(chdirRow));
  if (world.kindOf(chdir) !== "directory") {
    report(error(`--chdir: there is no directory ${chdir}`, "name the directory that holds the application"));
  }
  const appDir = absolute(chdir, values.one(appDirRow));
  const workers = values.one(workersRow);
  const app = values.one(appRow);
  const python = values.optional(pythonRow);
  const pythonpath = values.all(pythonpathRow).map((path) => absolute(chdir, path));
  const rootPath = rootPathOf(values.one(rootPathRow), report);
  return [
    ...(app === "" ? [] : [directive("module", app)]),
    directive("factory", onOffWord(values.one(factoryRow))),
    directive("interface", values.one(interfaceRow)),
    ...(python === undefined ? [] : [directive("python", asTyped(python, world))]),
    directive("chdir", chdir),
    ...(appDir === chdir ? [] : [directive("app_dir", appDir)]),
    ...(pythonpath.length === 0 ? [] : [directive("pythonpath", ...pythonpath)]),
    ...environmentOf(values, world, report).map(([name, value]) => directive("env", `${name}=${value}`)),
    ...(rootPath === "" ? [] : [directive("root_path", rootPath)]),
    directive("loop", values.one(loopRow)),
    directive("lifespan", values.one(lifespanRow)),
    directive("workers", workers === "auto" ? Math.min(world.cpuCount, workerCountMax) : workers),
    directive("threads", values.one(threadsRow)),
    directive("preload", onOffWord(values.one(preloadRow))),
    directive("timeout", timeWord(values.one(timeoutRow))),
    directive("graceful_timeout", timeWord(values.one(gracefulTimeoutRow))),
    directive("max_requests", values.one(maxRequestsRow)),
    directive("max_requests_jitter", values.one(maxRequestsJitterRow)),
    directive("backlog", values.one(backlogRow)),
  ];
}

/** A path as the shell sees it, where something is there; else it is for the application's directory, or PATH. */
function asTyped(python: string, { cwd, kindOf }: World): string {
  const path = absolute(cwd, python);
  return kindOf(path) === undefined ? python : path;
}

function absolute(base: string, path: string): string {
  if (path === "" || path === ".") return base;
  return path.startsWith("/") ? path : `${base}/${path.replace(/^(\.\/)+/, "")}`;
}

/** SCRIPT_NAME begins with a slash and does not end in one (PEP 3333: it may be empty). */
function rootPathOf(text: string, report: (diagnostic: Diagnostic) => void): string {
  const path = text.replace(/\/+$/, "");
  if (path === "" || path.startsWith("/")) return path;
  report(error(`--root-path: "${text}" does not begin with a slash`, `write --root-path /${path}`));
  return "";
}

/** --env, then what --env-file adds to it and to the environment. */
function environmentOf(
  values: OptionValues,
  world: World,
  report: (diagnostic: Diagnostic) => void,
): readonly (readonly [name: string, value: string])[] {
  const variables = new Map(values.all(envRow));
  const file = values.optional(envFileRow);
  if (file === undefined) return [...variables];
  const text = world.readText(absolute(world.cwd, file));
  if (!text.ok) {
    report(error(`--env-file: ${file} cannot be read: ${text.error}`, "name a file of NAME=VALUE lines"));
    return [...variables];
  }
  const parsed = parseEnvFile(text.value);
  if (!parsed.ok) {
    report(
      error(`${file}:${parsed.error.line}: ${parsed.error.message}`, "quote values that contain quotes or line ends"),
    );
    return [...variables];
  }
  // The last line of a name wins, as in a shell, but only against its own file.
  for (const [name, value] of new Map(parsed.value)) {
    if (world.environment[name] === undefined && !variables.has(name)) variables.set(name, value);
  }
  return [...variables];
}
