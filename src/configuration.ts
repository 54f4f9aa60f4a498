/**
 * From text of nginx's language, of a file or of options, to the one configuration.
 */
import type { ConfigurationPlace } from "./cli/index.ts";
import type { World } from "./config/directive.ts";
import type { Files } from "./config/nginx/read-tree.ts";
import {
  type ConfigurationInput, readConfiguration, type ReadConfiguration,
} from "./config/nginx/read-configuration.ts";
import type { LanguageDiagnostic } from "./config/nginx/language-diagnostic.ts";
import { type BuiltConfiguration, buildConfiguration, siteDirectives } from "./site/index.ts";
import { err, ok } from "./std/result.ts";
import { readTlsFiles } from "./tls/index.ts";

export interface Built extends BuiltConfiguration {
  readonly read: ReadConfiguration;
  /** Those of reading, too. */
  readonly mistakes: readonly LanguageDiagnostic[];
}

/** What messages and `-T` call the text that options become. */
const OPTIONS_PATH = "command line";

/** The configuration of a text that is all there is. Relative paths in it start at the current directory. */
export function buildFromText(text: string, world: World): Built {
  const files: Files = {
    readText: (path) => (path === OPTIONS_PATH ? ok(text) : err("2: No such file or directory")),
    glob: () => [],
  };
  const surroundings = { prefix: world.cwd, directory: world.cwd, errorLog: "-", world };
  return build({ path: OPTIONS_PATH, parameter: undefined, files }, surroundings);
}

/** The configuration of a file. @param parameter the directives of `-g` */
export function buildFromFile(
  place: ConfigurationPlace,
  parameter: string | undefined,
  { files, world }: { readonly files: Files; readonly world: World },
): Built {
  const input = { path: place.path, parameter, files, defaults: place.defaults };
  return build(input, {
    prefix: withoutSlash(place.prefix),
    directory: withoutSlash(place.directory),
    errorLog: place.errorLog ?? "-",
    world,
  });
}

interface Surroundings {
  readonly prefix: string;
  readonly directory: string;
  readonly errorLog: string;
  readonly world: World;
}

function build(input: ConfigurationInput, { prefix, directory, errorLog, world }: Surroundings): Built {
  const read = readConfiguration(input, siteDirectives);
  const { cpuCount, fileCountMax, isRoot, kindOf } = world;
  const built = buildConfiguration(read, {
    prefix, directory, errorLog, useColors: undefined, cpuCount, fileCountMax, isRoot, kindOf, tlsFiles: readTlsFiles,
  });
  return { ...built, read, mistakes: [...read.mistakes, ...built.mistakes] };
}

function withoutSlash(path: string): string {
  return path.replace(/\/$/, "");
}
