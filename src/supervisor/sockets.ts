/**
 * Listening sockets as the master holds them: bound, never accepted from, their descriptors handed to the edge.
 *
 * Node's public API binds, listens and accepts in one step. `net._createServerHandle`, which `node:cluster` is built
 * on, only binds; all that is internal to Node stays in this file.
 */
import { lookup } from "node:dns/promises";
import { chmodSync, chownSync, existsSync, fstatSync, lstatSync, readFileSync, unlinkSync } from "node:fs";
import * as net from "node:net";
import { dirname } from "node:path";
import { getSystemErrorName } from "node:util";
import type { InheritedListener } from "../edge/index.ts";
import { err, ok, type Result } from "../std/result.ts";
import { holderOfPort } from "./port-holder.ts";

/** libuv's handle of a socket, as far as it is used here. */
interface SocketHandle {
  readonly fd: number;
  close(): void;
  /** Fills `address` and returns 0 or a negative errno; also reports the error a bind has put off. */
  getsockname?(address: { address?: string; port?: number; family?: string }): number;
}

interface NetInternals {
  _createServerHandle(
    address: string | null,
    port: number,
    addressType: 4 | 6 | -1,
    fd: number | undefined,
    flags: number,
  ): SocketHandle | number;
}

/** enum uv_tcp_flags. */
const UV_TCP_IPV6ONLY = 1;
const UV_TCP_REUSEPORT = 2;

/** A bound socket, or the siblings on one port: what the edge is told, and how to let go of it. */
export interface BoundSocket {
  readonly address: InheritedListener["address"];
  /** One for each edge thread where the kernel shares connections out (SO_REUSEPORT), else one for all. */
  readonly fds: readonly number[];
  /** Closes the sockets; a Unix socket's file is removed if it is still ours. */
  close(): void;
}

export interface BindFailure {
  readonly message: string;
  readonly hint: string | undefined;
}

/** All addresses of a name, as nginx does; "localhost" often is two. An address is its own. */
export async function resolveHost(host: string): Promise<Result<readonly string[], BindFailure>> {
  if (net.isIP(host.split("%")[0] ?? host) !== 0) return ok([host]);
  try {
    const found = await lookup(host, { all: true });
    return ok([...new Set(found.map(({ address }) => address))]);
  } catch {
    // Whatever the resolver's reason: the name is of no use as an address to listen on.
    return err({
      message: `cannot listen on ${host}: the name has no address`,
      hint: "name an IP address of this machine",
    });
  }
}

export interface AddressBind {
  readonly address: string;
  readonly port: number;
  /** How many sockets, if they are several; they share what comes. */
  readonly count: number;
  readonly ipv6Only: boolean;
  /** Others may bind the port beside it later, as long as they are this user's. */
  readonly isShared: boolean;
  /** There is a socket of ours in its way, which lets it in. */
  readonly isOurs: boolean;
}

/** Binds an address, or gives the system's code. */
export function bindAddress({
  address, port, count, ipv6Only, isShared, isOurs,
}: AddressBind): Result<BoundSocket, string> {
  const type = net.isIP(address.split("%")[0] ?? address) === 6 ? 6 : 4;
  const v6 = type === 6 && ipv6Only ? UV_TCP_IPV6ONLY : 0;
  let resolved = port;
  if (!isOurs) {
    // Without SO_REUSEPORT first: with it two programs of one user would share the port in silence.
    const alone = create(address, port, type, undefined, v6);
    if (!alone.ok) return alone;
    if (count === 1 && !isShared) return ok(listenerOf(alone.value));
    resolved = alone.value.port;
    alone.value.handle.close();
  }
  const handles: OpenSocket[] = [];
  for (let index = 0; index < count; index++) {
    const sibling = create(address, resolved, type, undefined, v6 | UV_TCP_REUSEPORT);
    if (!sibling.ok) {
      for (const { handle } of handles) handle.close();
      return sibling;
    }
    handles.push(sibling.value);
  }
  const [one, ...others] = handles;
  return one === undefined ? err("EINVAL") : ok(listenerOf(one, others));
}

interface OpenSocket {
  readonly handle: SocketHandle;
  readonly host: string;
  readonly port: number;
}

function create(
  address: string | null,
  port: number,
  type: 4 | 6 | -1,
  fd: number | undefined,
  flags: number,
): Result<OpenSocket, string> {
  // The cast is the one door to Node's internals: see the head of this file.
  const internals = net as unknown as NetInternals;
  const handle = internals._createServerHandle(address, port, type, fd, flags);
  if (typeof handle === "number") return err(getSystemErrorName(handle));
  const name: { address?: string; port?: number } = {};
  const status = handle.getsockname?.(name) ?? 0;
  if (status !== 0) {
    handle.close();
    return err(getSystemErrorName(status));
  }
  return ok({ handle, host: name.address ?? address ?? "", port: name.port ?? port });
}

function listenerOf(one: OpenSocket, others: readonly OpenSocket[] = []): BoundSocket {
  const all = [one, ...others];
  return {
    address: { kind: "tcp", host: one.host, port: one.port },
    fds: all.map(({ handle }) => handle.fd),
    close: () => {
      for (const { handle } of all) handle.close();
    },
  };
}

/** What the code of a failed bind means for the operator. */
export function tcpFailure(bind: { readonly host: string; readonly port: number }, code: string): BindFailure {
  const host = bind.host.includes(":") ? `[${bind.host}]` : bind.host;
  const where = `${host}:${bind.port}`;
  switch (code) {
    case "EADDRINUSE": {
      const holder = holderOfPort(bind.port);
      return {
        message: `cannot listen on ${where}: port ${bind.port} is in use${holder === undefined ? "" : ` by ${holder}`}`,
        hint: "stop it, or choose another port",
      };
    }
    case "EACCES":
      return {
        message: `cannot listen on ${where}: ports below 1024 need a privilege`,
        hint: "start as root and name a user, grant CAP_NET_BIND_SERVICE, or choose another port",
      };
    case "EADDRNOTAVAIL":
      return {
        message: `cannot listen on ${where}: this machine has no such address`,
        hint: "0.0.0.0 and [::] stand for all of its addresses",
      };
    default:
      return { message: `cannot listen on ${where}: ${code}`, hint: undefined };
  }
}

interface UnixBind {
  readonly path: string;
  readonly mode: number | undefined;
}

export interface UnixOptions {
  readonly umask: number | undefined;
  /** Owner of the file, where privileges are dropped. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
}

/** Binds a path. What a dead process left there is replaced. */
export async function bindUnix(
  { path, mode }: UnixBind,
  options: UnixOptions,
): Promise<Result<BoundSocket, BindFailure>> {
  const inTheWay = await clearStale(path);
  if (inTheWay !== undefined) return err(inTheWay);
  // uvicorn's mode: a proxy that runs as somebody else must be able to connect. Made by umask: there is no moment
  // in which the file has another mode.
  const wanted = mode ?? 0o666 & ~(options.umask ?? 0);
  const before = process.umask(0o777 & ~wanted);
  const bound = create(path, -1, -1, undefined, 0);
  process.umask(before);
  if (!bound.ok) return err(unixFailure(path, bound.error));
  const { handle } = bound.value;
  chmodSync(path, wanted);
  if (options.owner !== undefined) chownSync(path, options.owner.uid, options.owner.gid);
  const inode = lstatSync(path).ino;
  return ok({
    address: { kind: "unix", path },
    fds: [handle.fd],
    close: () => {
      // libuv unlinks the file of a pipe it bound, also one that another process has put there since.
      const isOurs = lstatSync(path, { throwIfNoEntry: false })?.ino === inode;
      if (isOurs) handle.close();
    },
  });
}

/** Removes a socket that nobody listens on any more; anything else in the way is named. */
async function clearStale(path: string): Promise<BindFailure | undefined> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  if (!found.isSocket()) {
    return {
      message: `cannot listen on ${path}: there is a file that is no socket`,
      hint: "remove it, or choose another path",
    };
  }
  const answer = await new Promise<string | undefined>((done) => {
    const socket = net.connect(path, () => {
      socket.destroy();
      done(undefined);
    });
    socket.on("error", (error: NodeJS.ErrnoException) => done(error.code ?? "EIO"));
  });
  if (answer === "ECONNREFUSED") {
    unlinkSync(path);
    return undefined;
  }
  const reason = answer === undefined ? "another program listens there" : `it cannot be tested: ${answer}`;
  return { message: `cannot listen on ${path}: ${reason}`, hint: "stop that program, or choose another path" };
}

function unixFailure(path: string, code: string): BindFailure {
  const message = `cannot listen on ${path}`;
  // libuv says EACCES for a directory that is not there, too.
  if (code !== "EACCES") return { message: `${message}: ${code}`, hint: undefined };
  if (existsSync(dirname(path)))
    return { message: `${message}: EACCES`, hint: "this user may not write to its directory" };
  return { message: `${message}: there is no directory ${dirname(path)}`, hint: "create the directory first" };
}

/** Takes a socket that this process was started with. */
export function openInherited(fd: number): Result<BoundSocket, BindFailure> {
  const hint =
    "the descriptor must be a bound TCP or Unix stream socket, as systemd's socket units pass it (3 is the first)";
  const failure = { message: `cannot listen on the inherited descriptor ${fd}: it is no socket`, hint };
  let inode: number;
  try {
    const found = fstatSync(fd);
    if (!found.isSocket()) return err(failure);
    inode = found.ino;
  } catch {
    // EBADF: nothing was inherited under this number.
    return err({ ...failure, message: `cannot listen on the inherited descriptor ${fd}: it is not open` });
  }
  const opened = create(null, 0, -1, fd, 0);
  if (!opened.ok) return err(failure);
  const { handle, host, port } = opened.value;
  const close = (): void => handle.close();
  if (handle.getsockname !== undefined) return ok({ address: { kind: "tcp", host, port }, fds: [fd], close });
  // The socket's file belongs to whoever made it; it stays.
  return ok({ address: { kind: "unix", path: unixPathOf(inode) ?? `fd://${fd}` }, fds: [fd], close });
}

/** The path of a Unix socket by its inode, from /proc/net/unix (Linux). */
function unixPathOf(inode: number): string | undefined {
  try {
    const line = readFileSync("/proc/net/unix", "latin1")
      .split("\n")
      .find((row) => row.split(/\s+/)[6] === String(inode));
    return line?.split(/\s+/)[7];
  } catch {
    // No /proc here: the number has to do.
    return undefined;
  }
}
