/**
 * The row of the option table: everything that is known about one option, in the room that implements it.
 *
 * From the rows come the command line's parser, the environment's names, `--help`, "did you mean" and the reference
 * page; src/options.ts only concatenates them. A row holds no behaviour besides reading its own argument.
 */
import type { Result } from "../std/result.ts";

/** How the text after an option is read. */
export interface Argument<T> {
  /** "switch" takes no text on the command line: `--preload`, `--no-preload`. */
  readonly kind: "value" | "switch";
  /** What `--help` prints for it: "N", "PATH", "auto|on|off". */
  readonly label: string;
  /** The value, or what was expected instead ("a number from 1 to 64"). */
  readonly parse: (text: string) => Result<T, string>;
  /** The words it accepts, where it accepts only some: for "did you mean". */
  readonly words?: readonly string[];
}

/** The tasks by which `--help` is grouped, in its order. */
export const optionGroups = [
  "Application",
  "Addresses",
  "TLS",
  "Workers",
  "Edge",
  "Timeouts",
  "Limits",
  "Proxies in front",
  "Responses",
  "WebSocket",
  "Logs",
  "Process",
  "Information",
] as const;
export type OptionGroup = (typeof optionGroups)[number];

export interface OptionRow<T> {
  /** The long option without its dashes, which also names TRICORN_<NAME>. */
  readonly name: string;
  /** The one letter, without its dash. */
  readonly short?: string;
  /** Other long names: those of gunicorn, uvicorn and nginx. */
  readonly aliases?: readonly string[];
  /** Environment variables that count after TRICORN_<NAME>: those of the platforms. */
  readonly environment?: readonly string[];
  readonly argument: Argument<T>;
  /** As text, as an operator would write it. */
  readonly default?: string;
  /** It may be given several times; in the environment this separates the values. */
  readonly separator?: "," | "\n";
  readonly group: OptionGroup;
  /** One sentence (or two). */
  readonly doc: string;
  readonly example: string;
  /** The nginx directive that means the same. */
  readonly nginx?: string;
}

/** A row that has a default, so that its value is always there. */
export interface DefaultedRow<T> extends OptionRow<T> {
  readonly default: string;
}

/** A row whose value nobody reads here: what the table as a whole is made of. */
export type AnyRow = OptionRow<unknown>;

/** What the configuration needs to know about the machine: the pure rooms do not look themselves. */
export interface World {
  /** The current directory, absolute. */
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Processors that this process may use. */
  readonly cpuCount: number;
  /** Files and sockets that a process may have open. */
  readonly fileCountMax: number;
  /** Is this process root's? */
  readonly isRoot: boolean;
  /** What is at a path, or undefined when nothing is. */
  readonly kindOf: (path: string) => "file" | "directory" | "other" | undefined;
  /** The text of a small file, or the system's reason for failing. */
  readonly readText: (path: string) => Result<string, string>;
}
