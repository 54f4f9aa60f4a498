/**
 * `--help`: the options by task, each with a sentence, its default and an example.
 */
import { type AnyRow, optionGroups } from "../config/directive.ts";

export interface HelpOptions {
  readonly isTerminal: boolean;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const indent = 10;
const columnCount = 100;

/** The whole text; coloured only on a terminal that did not refuse. */
export function helpText(rows: readonly AnyRow[], { isTerminal, environment }: HelpOptions): string {
  const isColored = isTerminal && (environment["NO_COLOR"] ?? "") === "" && environment["TERM"] !== "dumb";
  const paint = (code: string, text: string): string => (isColored ? `\x1b[${code}m${text}\x1b[0m` : text);
  const sections = optionGroups.map((group) => {
    const own = rows.filter((row) => row.group === group).map((row) => entry(row, paint));
    return `${paint("1;36", group)}\n${own.join("")}`;
  });
  return `${introduction(paint)}\n${sections.join("\n")}\n${closing(paint)}`;
}

type Paint = (code: string, text: string) => string;

function introduction(paint: Paint): string {
  return `${paint("1", "tricorn [APP] [options]")}: serves a Python web application (WSGI or ASGI) over HTTP.

  tricorn                                    what is found in this directory: manage.py, app.py, main.py
  tricorn shop.wsgi                          a module; its application, app or create_app() is found
  tricorn shop.asgi:application -w 4         one attribute of it, four Python processes
  tricorn shop.wsgi -b :80 --user www-data   on port 80, run as somebody else
  tricorn -c site.conf                       all that a file in nginx's language says (-t: check it)
  tricorn nginx -s reload                    as nginx: its whole command line, its files, its messages

Every option can be set in the environment: TRICORN_WORKERS=4 is --workers 4. The command line wins.
Sizes are written 4096, 64k, 10m or 1g, times 30 (seconds), 500ms, 30s, 5m or 1h.
`;
}

function closing(paint: Paint): string {
  return `${paint("1;36", "Signals")} (to the master, whose process id the banner and --pid name)
  TERM, INT  stop when running requests are done    HUP         replace all workers, none lost
  QUIT       stop now; also a second TERM or INT    TTIN, TTOU  one worker more, one less
  USR1       reopen the log files
${paint("1;36", "Exit status")}
  0 stopped by a signal      2 wrong options
  1 cannot listen or write   3 the application cannot start
`;
}

function entry(row: AnyRow, paint: Paint): string {
  const { label, kind } = row.argument;
  const short = row.short === undefined ? "    " : `-${row.short}, `;
  const name = kind === "switch" && row.group !== "Information" ? `--[no-]${row.name}` : `--${row.name}`;
  const flags = `  ${short}${paint("1", name)}${label === "" ? "" : ` ${label}`}`;
  const facts = [
    row.default === undefined || row.default === "" || row.group === "Information" ? "" : `default ${row.default}`,
    ...(row.aliases ?? []).map((alias) => `also --${alias}`),
    ...(row.environment ?? []).map((variable) => `$${variable}`),
  ].filter((fact) => fact !== "");
  const fact = facts.length === 0 ? "" : `(${facts.join(", ")})`;
  const fits = `  -x, --${row.name} ${label}  ${fact}`.length <= columnCount;
  const gap = fits ? "  " : `\n${" ".repeat(indent)}`;
  const text = wrap(row.doc).map((line) => `${" ".repeat(indent)}${line}\n`);
  const example = `${" ".repeat(indent)}${paint("32", row.example)}\n`;
  return `${flags}${fact === "" ? "" : gap + paint("2", fact)}\n${text.join("")}${example}`;
}

function wrap(text: string): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && indent + line.length + 1 + word.length > columnCount) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
