/**
 * nginx's own command line, which `tricorn -c FILE`, `tricorn nginx` and the name `nginx` take: letters that may be
 * joined (`-tq`), values behind their letter or in the next word, and of several values of one letter the last.
 */
import { err, ok, type Result } from "../std/result.ts";

/** What `-s` says to a running master. */
export type MasterCommand = "stop" | "quit" | "reload" | "reopen";

export interface NginxCommandLine {
  /** `-h`, `-?` */
  readonly asksHelp: boolean;
  /** `-v`, and `-V` and `-h`, which say it too. */
  readonly asksVersion: boolean;
  /** `-V` */
  readonly asksBuild: boolean;
  /** `-t`, and `-T` and `--explain`, which check first. */
  readonly tests: boolean;
  /** `-T` */
  readonly dumps: boolean;
  /** `--explain`, which nginx does not have: what is accepted without effect. */
  readonly explains: boolean;
  /** `-q` */
  readonly isQuiet: boolean;
  readonly command: MasterCommand | undefined;
  readonly prefix: string | undefined;
  readonly file: string | undefined;
  readonly errorLog: string | undefined;
  readonly directives: string | undefined;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Letters with a value, what nginx says they want, and where it goes. */
const valued: Readonly<Record<string, readonly [wants: string, key: "prefix" | "file" | "errorLog" | "directives"]>> = {
  p: ["directory name", "prefix"],
  c: ["file name", "file"],
  e: ["file name", "errorLog"],
  g: ["parameter", "directives"],
};

const commands: readonly MasterCommand[] = ["stop", "quit", "reload", "reopen"];

/** @returns what `argv` (without the program) says, or nginx's words for what is wrong with it, without "nginx: " */
export function parseNginxCommandLine(argv: readonly string[]): Result<NginxCommandLine, string> {
  const line: Writable<NginxCommandLine> = {
    asksHelp: false, asksVersion: false, asksBuild: false, tests: false, dumps: false, explains: false, isQuiet: false,
    command: undefined, prefix: undefined, file: undefined, errorLog: undefined, directives: undefined,
  };
  const words = argv.values();
  for (const word of words) {
    if (word === "--explain") {
      line.explains = line.tests = true;
      continue;
    }
    if (!word.startsWith("-")) return err(`invalid option: "${word}"`);
    for (let index = 1; index < word.length; index++) {
      const letter = word[index] ?? "";
      if (setFlag(line, letter)) continue;
      const [wants, key] = letter === "s" ? ["parameter", undefined] : (valued[letter] ?? []);
      if (wants === undefined) return err(`invalid option: "${letter}"`);
      const attached = word.slice(index + 1);
      const value = attached === "" ? words.next().value : attached;
      if (value === undefined) return err(`option "-${letter}" requires ${wants}`);
      if (key === undefined) {
        line.command = commands.find((command) => command === value);
        if (line.command === undefined) return err(`invalid option: "-s ${value}"`);
      } else {
        line[key] = value;
      }
      break;
    }
  }
  return ok(line);
}

function setFlag(line: Writable<NginxCommandLine>, letter: string): boolean {
  switch (letter) {
    case "?": case "h": line.asksHelp = line.asksVersion = true; return true;
    case "v": line.asksVersion = true; return true;
    case "V": line.asksBuild = line.asksVersion = true; return true;
    case "t": line.tests = true; return true;
    case "T": line.dumps = line.tests = true; return true;
    case "q": line.isQuiet = true; return true;
    default: return false;
  }
}

/** Where things are when nobody says so, as packages of nginx have them. */
export const NGINX_PREFIX = "/usr/share/nginx/";
export const NGINX_FILE = "/etc/nginx/nginx.conf";
export const NGINX_PID = "/run/nginx.pid";

/** What `nginx -h` prints below the version. */
export const nginxHelp: string = `Usage: nginx [-?hvVtTq] [-s signal] [-p prefix]
             [-e filename] [-c filename] [-g directives]

Options:
  -?,-h         : print this text
  -v            : print the version
  -V            : print the version and the modules that are here
  -t            : check the configuration
  -T            : check the configuration and print all its files
  --explain     : check the configuration and list what has no effect here
  -q            : with -t, print nothing but what is wrong
  -s signal     : tell the running master to stop, quit, reopen or reload
  -p prefix     : where relative paths start (default: ${NGINX_PREFIX})
  -e filename   : the error log where the configuration names none (default: stderr)
  -c filename   : the configuration (default: ${NGINX_FILE})
  -g directives : directives of the main context, read before the file

`;
