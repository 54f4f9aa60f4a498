/**
 * `listen`, and the sockets that all of a file's `listen`s make together: nginx's rules of which server is the default.
 */
import { address as addressType } from "../config/nginx/argument-types.ts";
import { type Address, parseAddress } from "../config/nginx/address.ts";
import type { CheckedDirective } from "../config/nginx/block.ts";
import { read } from "../config/nginx/block.ts";
import type { Refusal } from "../config/nginx/argument-types.ts";
import type { ArgumentRefusal, DirectiveRow } from "../config/nginx/directive-row.ts";
import type { Bind } from "../config/model.ts";
import type { ListenerSettings } from "../edge/model.ts";
import type { ServerName } from "../route/index.ts";
import { err, ok, type Result } from "../std/result.ts";

/** What one `listen` says. */
export interface Listen {
  /** More than one for a range of ports. */
  readonly addresses: readonly ListenAddress[];
  readonly isDefault: boolean;
  /** Of the socket, and any server of it may say so. */
  readonly proxyProtocol: boolean;
  readonly isTls: boolean;
  /** nginx has a directive for it since 1.25.1, and warns of this. */
  readonly http2: boolean;
  /** Options of the socket, which one `listen` of an address may have. */
  readonly options: SocketOptions | undefined;
  /** Parameters that are accepted and do nothing. */
  readonly ignored: readonly string[];
}

type ListenAddress = Address | { readonly kind: "fd"; readonly fd: number };

interface SocketOptions {
  readonly backlog: number | undefined;
  readonly ipv6Only: boolean | undefined;
  readonly reusePort: boolean;
  /** Permissions of a Unix socket's file. */
  readonly mode: number | undefined;
}

/** nginx's default on Linux. */
export const BACKLOG_DEFAULT = 511;
const BACKLOG_MAX = 65_535;
const PORT_DEFAULT = 80;
/** Most ports of one range; nginx has no bound but the number of descriptors. */
export const RANGE_PORTS_MAX = 1024;
/** Where nginx listens that is not started by root. */
const PORT_UNPRIVILEGED = 8000;

const parameterNames: readonly string[] = [
  "default_server", "default", "bind", "backlog=", "rcvbuf=", "sndbuf=", "setfib=", "fastopen=", "accept_filter=",
  "deferred", "ipv6only=", "reuseport", "multipath", "so_keepalive=", "ssl", "http2", "quic", "proxy_protocol", "mode=",
];

export const listenRow: DirectiveRow<Listen> = {
  name: "listen",
  contexts: ["server"],
  arguments: {
    label: "address[:port[-port]] | port[-port] | unix:path | fd:number [parameter ...]",
    countMin: 1,
    countMax: 32,
    parse: (words, directive) => parseListen(words, directive),
  },
  mayRepeat: true,
  merge: "none",
  module: "ngx_http_core_module",
  doc: "A socket that this server is reached by. Without any: port 80, or 8000 where the program is not root's. "
    + `A range of ports, such as 8000-8003, has at most ${RANGE_PORTS_MAX}. `
    + "ssl: connections are TLS, with the certificates of the servers that listen here. "
    + "proxy_protocol: connections begin with the PROXY protocol's header, of version 1 or 2. "
    + "http2: as the directive http2, for all servers of the socket. "
    + "mode= (of a Unix socket), fd: (an inherited descriptor) and port 0 (any that is free) are Tricorn's.",
  example: "listen 127.0.0.1:8080 default_server;",
};

function parseListen(
  [first = "", ...parameters]: readonly string[], directive: string,
): Result<Listen, ArgumentRefusal> {
  const addresses = parseAddressWord(first, directive);
  if (!addresses.ok) return err({ ...addresses.error, index: 0 });
  const isUnix = addresses.value[0]?.kind === "unix";
  let isDefault = false;
  let proxyProtocol = false;
  let isTls = false;
  let http2 = false;
  let hasOptions = false;
  const options: { -readonly [Key in keyof SocketOptions]: SocketOptions[Key] } = {
    backlog: undefined, ipv6Only: undefined, reusePort: false, mode: undefined,
  };
  const ignored: string[] = [];
  for (const [at, word] of parameters.entries()) {
    const index = at + 1;
    const [name = "", value = ""] = word.split(/=(.*)/s);
    const refuse = (nginx: string, expected?: string): Result<Listen, ArgumentRefusal> =>
      err({ nginx, expected, index });
    switch (word.includes("=") ? `${name}=` : name) {
      case "default_server": case "default": isDefault = true; continue;
      case "proxy_protocol": proxyProtocol = true; continue;
      case "http2": http2 = true; continue;
      case "bind": break;
      case "reuseport": options.reusePort = true; break;
      case "backlog=":
        options.backlog = /^\d{1,5}$/.test(value) ? Number(value) : 0;
        if (options.backlog < 1 || options.backlog > BACKLOG_MAX) return refuse(`invalid backlog "${word}"`);
        break;
      case "ipv6only=":
        if (value !== "on" && value !== "off") {
          return refuse(`invalid parameter "${word}"`, "ipv6only=on or ipv6only=off");
        }
        options.ipv6Only = value === "on";
        break;
      case "mode=":
        if (!isUnix || !/^0?[0-7]{3}$/.test(value)) {
          return refuse(`invalid parameter "${word}"`, "the permissions of a Unix socket's file, such as mode=0660");
        }
        options.mode = Number.parseInt(value, 8);
        break;
      case "ssl": isTls = true; continue;
      case "quic": return refuse("the \"quic\" parameter requires ngx_http_v3_module", notYet("HTTP/3"));
      case "so_keepalive=":
        if (!/^(?:on|off|[^:]*:[^:]*:[^:]*)$/.test(value)) return refuse(`invalid so_keepalive value: "${value}"`);
        ignored.push(word);
        break;
      case "rcvbuf=": case "sndbuf=": case "setfib=": case "fastopen=": case "accept_filter=":
      case "deferred": case "multipath":
        ignored.push(word);
        break;
      default: return err({ nginx: `invalid parameter "${word}"`, expected: undefined, index, words: parameterNames });
    }
    hasOptions = true;
  }
  const socket = hasOptions ? options : undefined;
  return ok({ addresses: addresses.value, isDefault, proxyProtocol, isTls, http2, options: socket, ignored });
}

function notYet(what: string): string {
  return `possible here yet: ${what} is not available, let a proxy in front end it`;
}

function parseAddressWord(word: string, directive: string): Result<readonly ListenAddress[], Refusal> {
  const fd = /^fd:(\d{1,6})$/.exec(word)?.[1];
  if (fd !== undefined) return ok([{ kind: "fd", fd: Number(fd) }]);
  const range = /^(?!unix:)(.+:|)(\d+)-(\d+)$/i.exec(word);
  if (range !== null) {
    const addresses = parseRange(range);
    if (addresses.ok) return addresses;
    return err({ nginx: `${addresses.error} in "${word}" of the "${directive}" directive`, expected: undefined });
  }
  // A port that is free, which nginx does not know: the start says which it is.
  const free = /^(.+):0$/.exec(word)?.[1];
  const address = addressType().parse(free === undefined ? word : `${free}:1`, directive);
  if (!address.ok) return address;
  return ok([free !== undefined && address.value.kind === "tcp" ? { ...address.value, port: 0 } : address.value]);
}

/** @param range what is before the ports, the first and the last of them */
function parseRange([, host = "", first = "", last = ""]: readonly string[]): Result<readonly Address[], string> {
  const from = parseAddress(host + first);
  const to = parseAddress(host + last);
  if (!from.ok) return from;
  if (!to.ok) return to;
  const [low, count] = [Number(first), Number(last) - Number(first) + 1];
  if (count < 1) return err("invalid port range");
  if (count > RANGE_PORTS_MAX) return err(`more than ${RANGE_PORTS_MAX} ports`);
  return ok(Array.from({ length: count }, (_, index) => ({ ...from.value, port: low + index })));
}

/** A server as its sockets see it. */
export interface ListeningServer {
  readonly server: number;
  readonly names: readonly ServerName[];
  readonly listens: readonly CheckedDirective[];
  /** Where its names are written. */
  readonly at: CheckedDirective | undefined;
}

export interface ListenMistake {
  readonly at: CheckedDirective;
  readonly nginx: string;
}

export interface Listeners {
  readonly listeners: readonly ListenerSettings[];
  readonly mistakes: readonly ListenMistake[];
  /** Parameters that are accepted and do nothing. */
  readonly ignored: readonly { readonly at: CheckedDirective; readonly parameter: string }[];
}

interface Socket {
  readonly bind: Bind;
  proxyProtocol: boolean;
  isTls: boolean;
  http2: boolean;
  options: SocketOptions | undefined;
  defaultServer: number | undefined;
  readonly servers: { readonly server: number; readonly names: readonly ServerName[] }[];
}

/** Every address once, in the order of the file. */
export function listenersOf(servers: readonly ListeningServer[], isRoot: boolean): Listeners {
  const sockets = new Map<string, Socket>();
  const mistakes: ListenMistake[] = [];
  const ignored: { at: CheckedDirective; parameter: string }[] = [];
  for (const { server, names, listens } of servers) {
    const said: readonly (readonly [CheckedDirective | undefined, Listen])[] = listens.length > 0
      ? listens.map((at) => [at, read(listenRow, at.directive)])
      : [[undefined, unwritten(isRoot)]];
    const each = said.flatMap(([at, listen]) => {
      if (at !== undefined) ignored.push(...listen.ignored.map((parameter) => ({ at, parameter })));
      return listen.addresses.map((address) => ({ at, listen, bind: bindOf(address, listen) }));
    });
    for (const { at, listen, bind } of each) {
      // Each that wants a free port gets its own.
      const isFree = bind.kind === "tcp" && bind.port === 0;
      const key = isFree ? `${addressText(bind)} ${sockets.size}` : addressText(bind);
      const known = sockets.get(key);
      const socket: Socket = known ?? {
        bind, proxyProtocol: false, isTls: false, http2: false, options: undefined, defaultServer: undefined,
        servers: [],
      };
      sockets.set(key, socket);
      const refuse = (nginx: string): void => void (at !== undefined && mistakes.push({ at, nginx }));
      if (socket.servers.some((other) => other.server === server)) {
        refuse(`a duplicate listen ${key}`);
        continue;
      }
      socket.servers.push({ server, names });
      if (listen.proxyProtocol) socket.proxyProtocol = true;
      if (listen.isTls) socket.isTls = true;
      if (listen.http2) socket.http2 = true;
      if (listen.isDefault) {
        if (socket.defaultServer !== undefined) refuse(`a duplicate default server for ${key}`);
        socket.defaultServer = server;
      }
      if (listen.options !== undefined) {
        if (socket.options !== undefined) refuse(`duplicate listen options for ${key}`);
        socket.options = listen.options;
      }
    }
  }
  return { listeners: [...sockets.values()].map(listenerOf), mistakes, ignored };
}

function unwritten(isRoot: boolean): Listen {
  const port = isRoot ? PORT_DEFAULT : PORT_UNPRIVILEGED;
  return {
    addresses: [{ kind: "tcp", host: undefined, port }], isDefault: false, proxyProtocol: false, isTls: false,
    http2: false,
    options: undefined, ignored: [],
  };
}

function listenerOf({ bind, proxyProtocol, isTls, http2, options, defaultServer, servers }: Socket): ListenerSettings {
  return {
    bind,
    backlog: options?.backlog ?? BACKLOG_DEFAULT,
    ipv6Only: options?.ipv6Only ?? true,
    reusePort: options?.reusePort ?? false,
    proxyProtocol,
    isTls,
    ...(http2 && { http2 }),
    servers: { defaultServer: defaultServer ?? servers[0]?.server ?? 0, servers },
  };
}

function bindOf(address: ListenAddress, { options }: Listen): Bind {
  switch (address.kind) {
    case "fd": return address;
    case "unix": return { kind: "unix", path: address.path, mode: options?.mode };
    case "tcp": return { kind: "tcp", host: address.host ?? "0.0.0.0", port: address.port ?? PORT_DEFAULT };
  }
}

/** The address as nginx prints it. */
export function addressText(bind: Bind): string {
  switch (bind.kind) {
    case "fd": return `fd:${bind.fd}`;
    case "unix": return `unix:${bind.path}`;
    case "tcp": return `${bind.host.includes(":") ? `[${bind.host}]` : bind.host}:${bind.port}`;
  }
}
