/**
 * The kinds of argument that option rows are made of. Each reads text and says what it expected instead.
 */
import { err, ok, type Result } from "../std/result.ts";
import { formatDuration, formatSize, parseDuration, parseSize } from "../std/units.ts";
import type { Argument } from "./directive.ts";
import type { Bind } from "./model.ts";

/** Any text but the empty one; control characters, which no name or path here needs, are refused. */
export function text(label: string): Argument<string> {
  return {
    kind: "value",
    label,
    // oxlint-disable-next-line no-control-regex
    parse: (given) =>
      given === "" || /[\0-\x1f\x7f]/.test(given) ? err("text without control characters") : ok(given),
  };
}

/** Any text, also the empty one. */
export function textOrEmpty(label: string): Argument<string> {
  const argument = text(label);
  return { ...argument, parse: (given) => (given === "" ? ok("") : argument.parse(given)) };
}

/** A whole number between two bounds, both included. */
export function count(bounds: { readonly min: number; readonly max: number }): Argument<number> {
  return {
    kind: "value",
    label: "N",
    parse: (given) => {
      const value = /^\d{1,15}$/.test(given) ? Number(given) : Number.NaN;
      if (value >= bounds.min && value <= bounds.max) return ok(value);
      return err(`a number from ${bounds.min} to ${bounds.max}`);
    },
  };
}

/** A whole number, or "auto" for as many as there are processors. */
export function countOrAuto(bounds: { readonly min: number; readonly max: number }): Argument<number | "auto"> {
  const number = count(bounds);
  return {
    kind: "value",
    label: "N|auto",
    parse: (given) => {
      if (given === "auto") return ok("auto");
      const value = number.parse(given);
      return value.ok ? value : err(`${value.error}, or auto`);
    },
  };
}

/** Bytes between two bounds; 0, where the bounds do not hold it, is the caller's business. */
export function size(bounds: { readonly min: number; readonly max: number }): Argument<number> {
  return {
    kind: "value",
    label: "SIZE",
    parse: (given) => {
      const bytes = parseSize(given);
      if (!bytes.ok) return bytes;
      if (bytes.value >= bounds.min && bytes.value <= bounds.max) return bytes;
      return err(`a size from ${formatSize(bounds.min)} to ${formatSize(bounds.max)}`);
    },
  };
}

/** Bytes up to the largest exact integer, which 0 also stands for (nginx: 0 disables the check). */
export function sizeOrUnlimited(): Argument<number> {
  return {
    kind: "value",
    label: "SIZE",
    parse: (given) => {
      const bytes = parseSize(given);
      return bytes.ok && bytes.value === 0 ? ok(Number.MAX_SAFE_INTEGER) : bytes;
    },
  };
}

/** 24 days: more milliseconds do not fit the 32 bits that Node's timers have. */
const durationMaxMs = 24 * 86_400_000;

/** Milliseconds; 0 is allowed where `min` is 0. */
export function duration(bounds: { readonly minMs: number }): Argument<number> {
  return {
    kind: "value",
    label: "TIME",
    parse: (given) => {
      const ms = parseDuration(given);
      if (!ms.ok || (ms.value >= bounds.minMs && ms.value <= durationMaxMs)) return ms;
      return err(`a duration from ${formatDuration(bounds.minMs)} to 24 days`);
    },
  };
}

/** One of a few words. */
export function choice<const Word extends string>(words: readonly Word[]): Argument<Word> {
  return {
    kind: "value",
    label: words.join("|"),
    words,
    parse: (given) => {
      const word = words.find((candidate) => candidate === given.toLowerCase());
      return word === undefined ? err(`one of ${words.join(", ")}`) : ok(word);
    },
  };
}

/** On or off: `--name`, `--no-name`; in the environment 1/0, true/false, yes/no, on/off. */
export function onOff(): Argument<boolean> {
  return {
    kind: "switch",
    label: "",
    parse: (given) => {
      const word = given.toLowerCase();
      if (["1", "on", "true", "yes"].includes(word)) return ok(true);
      if (["0", "off", "false", "no", ""].includes(word)) return ok(false);
      return err("on or off");
    },
  };
}

/** A file mode or mask in octal digits, as chmod(1) and umask(1) take it. */
export function octal(): Argument<number> {
  return {
    kind: "value",
    label: "OCTAL",
    parse: (given) =>
      /^(0o?)?[0-7]{1,4}$/.test(given) ? ok(parseInt(given.replace("o", ""), 8)) : err("octal digits such as 027"),
  };
}

/** Two texts around the first `separator`. */
export function pair(separator: "=" | ":", label: string): Argument<readonly [name: string, value: string]> {
  return {
    kind: "value",
    label,
    parse: (given) => {
      const at = given.indexOf(separator);
      if (at < 1 || given.includes("\0")) return err(`${label}`);
      return ok([given.slice(0, at), given.slice(at + 1)]);
    },
  };
}

/**
 * Where to listen: HOST, HOST:PORT, :PORT, PORT, [V6], [V6]:PORT, unix:PATH, unix:PATH:MODE or fd://N.
 * The port is 8000 where none is given, as in gunicorn and uvicorn; an empty host or "*" is every IPv4 address.
 */
export function bind(): Argument<Bind> {
  return { kind: "value", label: "ADDRESS", parse: parseBind };
}

const bindExpected = "HOST:PORT, [IPv6]:PORT, :PORT, unix:PATH, unix:PATH:MODE or fd://N";

function parseBind(given: string): Result<Bind, string> {
  const inherited = /^fd:\/\/(\d{1,6})$/.exec(given);
  if (inherited) return ok({ kind: "fd", fd: Number(inherited[1]) });
  const unix = /^unix:(?:\/\/(?=\/))?(.+?)(?::(0?[0-7]{3}))?$/.exec(given);
  if (unix) return unixBind(unix[1] ?? "", unix[2] === undefined ? undefined : parseInt(unix[2], 8));
  const v6 = /^\[([0-9a-f:.]+(?:%\w+)?)\](?::(\d+))?$/i.exec(given);
  const v4 = /^([^\s:[\]/]*):(\d+)$/.exec(given) ?? /^([^\s:[\]/]+)$/.exec(given);
  const host = v6?.[1] ?? v4?.[1];
  if (host === undefined) return err(bindExpected);
  const onlyPort = v4?.[2] === undefined && /^\d+$/.test(host);
  const portText = onlyPort ? host : (v6?.[2] ?? v4?.[2] ?? "8000");
  const port = Number(portText);
  if (!/^\d{1,5}$/.test(portText) || port > 65_535) return err("a port from 0 to 65535");
  return ok({ kind: "tcp", host: onlyPort || host === "" || host === "*" ? "0.0.0.0" : host, port });
}

/** sun_path of sockaddr_un holds 108 bytes, the last of which is NUL. */
export const unixPathSizeMax = 107;

function unixBind(path: string, mode: number | undefined): Result<Bind, string> {
  if (path.includes("\0")) return err(bindExpected);
  if (path.length > unixPathSizeMax)
    return err(`a path of at most ${unixPathSizeMax} bytes: the system's limit for Unix sockets`);
  return ok({ kind: "unix", path, mode });
}

/** The path of a Unix socket, as uvicorn's --uds takes it. */
export function unixPath(): Argument<Bind> {
  return {
    kind: "value",
    label: "PATH",
    parse: (given) => (given === "" ? err("a path") : unixBind(given, undefined)),
  };
}

/** The number of a descriptor that this process inherited. */
export function descriptor(): Argument<Bind> {
  const number = count({ min: 0, max: 999_999 });
  return {
    kind: "value",
    label: "N",
    parse: (given) => {
      const fd = number.parse(given);
      return fd.ok ? ok({ kind: "fd", fd: fd.value }) : fd;
    },
  };
}

/** An address, a CIDR network or "*". */
export function network(): Argument<string> {
  return {
    kind: "value",
    label: "ADDRESS",
    parse: (given) => {
      const shaped = /^(\*|\d{1,3}(\.\d{1,3}){3}(\/\d{1,2})?|[0-9a-f:.]*:[0-9a-f:.]*(\/\d{1,3})?)$/i.test(given);
      return shaped ? ok(given) : err("an IP address, a network such as 10.0.0.0/8, or *");
    },
  };
}
