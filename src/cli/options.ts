/**
 * Options that ask instead of run, and the options of peers that people will try.
 */
import { onOff } from "../config/arguments.ts";
import type { ForeignOption } from "../config/command-line.ts";
import type { AnyRow, DefaultedRow } from "../config/directive.ts";

export const helpRow: DefaultedRow<boolean> = {
  name: "help",
  short: "h",
  argument: onOff(),
  default: "off",
  group: "Information",
  doc: "This text.",
  example: "tricorn --help",
};

export const versionRow: DefaultedRow<boolean> = {
  name: "version",
  short: "v",
  argument: onOff(),
  default: "off",
  group: "Information",
  doc: "Tricorn's version, and Node's.",
  example: "tricorn --version",
};

export const checkConfigRow: DefaultedRow<boolean> = {
  name: "check-config",
  argument: onOff(),
  default: "off",
  group: "Information",
  doc: "Check the options and the environment, start nothing; exit status 0 or 2.",
  example: "tricorn shop.wsgi --workers 4 --check-config",
};

export const dumpConfigRow: DefaultedRow<boolean> = {
  name: "dump-config",
  short: "T",
  argument: onOff(),
  default: "off",
  group: "Information",
  doc: "Print what all options say in nginx's language, start nothing; `tricorn -c FILE` runs such a text.",
  example: "tricorn shop.wsgi -w 4 -T > shop.conf",
};

export const printConfigRow: DefaultedRow<boolean> = {
  name: "print-config",
  argument: onOff(),
  default: "off",
  group: "Information",
  doc: "Print every option in force and where it comes from, start nothing.",
  example: "tricorn shop.wsgi --print-config",
};

export const cliRows: readonly AnyRow[] = [
  helpRow, versionRow, checkConfigRow, dumpConfigRow, printConfigRow,
];

/** Options of gunicorn and uvicorn that Tricorn does without, and what to do instead. */
export const foreignOptions: readonly ForeignOption[] = [
  {
    names: ["-k", "--worker-class"],
    takesValue: true,
    hint: "leave it out: Tricorn sees whether the application is WSGI or ASGI; --threads runs several requests at once",
  },
  { names: ["-s"], takesValue: true, hint: "it goes with a file: tricorn -c FILE -s reload" },
  { names: ["-q"], takesValue: false, hint: "it goes with a file: tricorn -c FILE -t -q" },
  { names: ["-V"], takesValue: false, hint: "ask for it alone: tricorn -V" },
  {
    names: ["-D", "--daemon"],
    takesValue: false,
    hint: "let systemd, a container or `nohup … &` keep it in the background",
  },
  { names: ["-n", "--name"], takesValue: true, hint: "leave it out: processes carry no other name" },
  {
    names: ["-R", "--enable-stdio-inheritance", "--capture-output"],
    takesValue: false,
    hint: "leave it out: what the application prints always reaches the log",
  },
  { names: ["--reload"], takesValue: false, hint: "not available yet: send HUP to replace the workers after a change" },
  { names: ["--reuse-port"], takesValue: false, hint: "leave it out: --worker-processes does it" },
  { names: ["--no-sendfile"], takesValue: false, hint: "leave it out" },
  { names: ["--worker-tmp-dir"], takesValue: true, hint: "set TMPDIR: the run directory is made there" },
  { names: ["--http"], takesValue: true, hint: "leave it out: there is one HTTP parser" },
  { names: ["--ssl-version"], takesValue: true, hint: "leave it out: it is TLS 1.2 or 1.3, as the client can" },
  {
    names: ["--do-handshake-on-connect", "--suppress-ragged-eofs"],
    takesValue: false,
    hint: "leave it out: handshakes never wait for each other",
  },
  {
    names: ["--log-config", "--log-config-json", "--logger-class"],
    takesValue: true,
    hint: "configure Python's logging in the application",
  },
];
