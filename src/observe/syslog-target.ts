/**
 * `syslog:server=address[,facility=…][,severity=…][,tag=…][,nohostname]`: what access_log and error_log say about
 * a syslog server (nginx: "Logging to syslog"). Only data here; syslog.ts sends.
 */
import { err, ok, type Result } from "../std/result.ts";

/** RFC 3164 §4.1.1, from 0 on, in the names that nginx takes. */
const facilities: readonly string[] = [
  "kern", "user", "mail", "daemon", "auth", "intern", "lpr", "news", "uucp", "clock", "authpriv", "ftp", "ntp",
  "audit", "alert", "cron", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
];

const severities: readonly string[] = ["emerg", "alert", "crit", "error", "warn", "notice", "info", "debug"];

/** RFC 3164 §4.1.3. */
const TAG_SIZE_MAX = 32;
const DEFAULT_PORT = 514;
const PORT_MAX = 65_535;
const prefix = "syslog:";

export interface SyslogTarget {
  readonly host: string;
  readonly port: number;
  /** 0 to 23; nginx's default is local7. */
  readonly facility: number;
  /** 0 to 7, of access logs; messages of an error log have their own. */
  readonly severity: number;
  readonly tag: string;
  readonly hasHostname: boolean;
}

/** Is a log's path a syslog server? */
export function isSyslog(path: string): boolean {
  return path.startsWith(prefix);
}

/** Why the text is refused: nginx's words; `expected` where they do not say it. */
export interface SyslogRefusal {
  readonly nginx: string;
  readonly expected: string | undefined;
}

/** Reads what follows the prefix, too, so that the text of a configuration can be given as it is. */
export function parseSyslog(text: string): Result<SyslogTarget, SyslogRefusal> {
  const values = new Map<string, string>();
  for (const parameter of text.slice(prefix.length).split(",")) {
    const [, name, value = ""] = /^(server|facility|severity|tag)=(.*)$/s.exec(parameter) ?? [];
    if (name === undefined && parameter !== "nohostname") return refuse(`unknown syslog parameter "${parameter}"`);
    const known = name ?? parameter;
    if (values.has(known) && name !== undefined) return refuse(`duplicate syslog "${known}"`);
    const fault = faultOf(known, value);
    if (fault !== undefined) return refuse(fault);
    values.set(known, value);
  }
  const server = values.get("server");
  if (server === undefined) return refuse("no syslog server specified");
  const address = parseServer(server);
  if (!address.ok) return address;
  return ok({
    ...address.value,
    facility: facilities.indexOf(values.get("facility") ?? "local7"),
    severity: severities.indexOf(values.get("severity") ?? "info"),
    tag: values.get("tag") ?? "nginx",
    hasHostname: !values.has("nohostname"),
  });
}

function faultOf(name: string, value: string): string | undefined {
  if (name === "facility" && !facilities.includes(value)) return `unknown syslog facility "${value}"`;
  if (name === "severity" && !severities.includes(value)) return `unknown syslog severity "${value}"`;
  if (name !== "tag") return undefined;
  if (value.length > TAG_SIZE_MAX) return `syslog tag length exceeds ${TAG_SIZE_MAX}`;
  return /^\w*$/.test(value) ? undefined : 'syslog "tag" only allows alphanumeric characters and underscore';
}

function parseServer(server: string): Result<{ readonly host: string; readonly port: number }, SyslogRefusal> {
  if (server.startsWith("unix:")) {
    if (server === "unix:") return refuse('no path in the unix domain socket in syslog server "unix:"');
    // Node.js has no datagrams on Unix sockets.
    const expected = "a server with an IP address: syslog over Unix sockets is not spoken here; " +
      "let the syslog daemon listen on UDP and write syslog:server=127.0.0.1";
    return err({ nginx: `unix sockets are not supported in syslog server "${server}"`, expected });
  }
  const [, bracketed, name, port] = /^(?:\[([^\]]*)\]|([^[:][^:]*|))(?::(.*))?$/s.exec(server) ?? [];
  const host = bracketed ?? name;
  if (host === undefined) return refuse(`invalid host in syslog server "${server}"`);
  const number = port === undefined ? DEFAULT_PORT : /^\d{1,5}$/.test(port) ? Number(port) : 0;
  if (number === 0 || number > PORT_MAX) return refuse(`invalid port in syslog server "${server}"`);
  return host === "" ? refuse(`no host in syslog server "${server}"`) : ok({ host, port: number });
}

function refuse(nginx: string): { readonly ok: false; readonly error: SyslogRefusal } {
  return err({ nginx, expected: undefined });
}
