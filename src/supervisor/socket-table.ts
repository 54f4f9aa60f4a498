/**
 * The sockets of a master over all its configurations: bound once, kept as long as a configuration names them.
 *
 * A socket that stays is never closed, nor bound anew: whoever waits in its queue is taken by the next edge. With
 * another number of edge threads the same sockets are shared out among them (`shareOut`).
 *
 * A wildcard and an address on one port are two sockets, both with SO_REUSEPORT: the kernel gives a connection to the
 * more specific one, so nobody has to look for its local address, and either may come or go with a reload.
 */
import { chmodSync, existsSync } from "node:fs";
import type { InheritedListener } from "../edge/index.ts";
import type { ListenerSettings } from "../edge/model.ts";
import { err, ok, type Result } from "../std/result.ts";
import {
  bindAddress, type BindFailure, type BoundSocket, bindUnix, openInherited, resolveHost, tcpFailure, type UnixOptions,
} from "./sockets.ts";

/** A socket as one configuration uses it. */
export interface HeldListener extends Pick<InheritedListener, "listener" | "address"> {
  /** Of the master. */
  readonly fds: readonly number[];
}

export interface BindOptions extends UnixOptions {
  /** Edge threads. */
  readonly threads: number;
  /** The configuration may be replaced by one that binds beside these sockets. */
  readonly isReplaceable: boolean;
}

interface TcpAddress {
  readonly address: string;
  readonly port: number;
  readonly ipv6Only: boolean;
}

interface Entry {
  readonly socket: BoundSocket;
  /** As it was asked for; undefined but for TCP. */
  readonly tcp: TcpAddress | undefined;
}

/** What one listener is opened with. */
interface Opening extends BindOptions {
  readonly listener: number;
  /** What other listeners of this configuration have. */
  readonly used: ReadonlySet<string>;
  /** Another listener of this configuration has the same port. */
  readonly isBeside: boolean;
}

export class SocketTable {
  readonly #entries: Map<string, Entry> = new Map();

  /** Binds what is not bound yet: all of it, or none and says why. Not yet listening: the edge does that. */
  async bind(
    listeners: readonly ListenerSettings[],
    options: BindOptions,
  ): Promise<Result<readonly HeldListener[], BindFailure>> {
    const held: HeldListener[] = [];
    const before = new Set(this.#entries.keys());
    const used = new Set<string>();
    for (const [listener, settings] of listeners.entries()) {
      const port = portOf(settings);
      const isBeside = port !== undefined && listeners.some((other) => other !== settings && portOf(other) === port);
      const keys = await this.#open(settings, { ...options, listener, used, isBeside });
      if (!keys.ok) {
        for (const key of this.#entries.keys()) if (!before.has(key)) this.#close(key);
        return keys;
      }
      for (const key of keys.value) {
        used.add(key);
        const socket = this.#entries.get(key)?.socket;
        if (socket !== undefined) held.push({ listener, address: socket.address, fds: socket.fds });
      }
    }
    return ok(held);
  }

  /** Closes all sockets but these. */
  keep(listeners: readonly HeldListener[]): void {
    const kept = new Set(listeners.map(({ fds }) => fds));
    for (const [key, { socket }] of this.#entries) if (!kept.has(socket.fds)) this.#close(key);
  }

  #close(key: string): void {
    this.#entries.get(key)?.socket.close();
    this.#entries.delete(key);
  }

  async #open(settings: ListenerSettings, options: Opening): Promise<Result<readonly string[], BindFailure>> {
    const { bind } = settings;
    if (bind.kind === "tcp") return this.#openTcp(bind, settings, options);
    const key = bind.kind === "unix" ? `unix ${bind.path}` : `fd ${bind.fd}`;
    if (options.used.has(key)) return err(twice(bind.kind === "unix" ? `unix:${bind.path}` : `fd://${bind.fd}`));
    if (this.#entries.has(key)) {
      if (bind.kind === "unix" && bind.mode !== undefined && existsSync(bind.path)) chmodSync(bind.path, bind.mode);
      return ok([key]);
    }
    const bound = bind.kind === "unix" ? await bindUnix(bind, options) : openInherited(bind.fd);
    if (!bound.ok) return bound;
    this.#entries.set(key, { socket: bound.value, tcp: undefined });
    return ok([key]);
  }

  async #openTcp(
    { host, port }: { readonly host: string; readonly port: number },
    { ipv6Only, reusePort }: ListenerSettings,
    { threads, isReplaceable, isBeside, used, listener }: Opening,
  ): Promise<Result<readonly string[], BindFailure>> {
    const addresses = await resolveHost(host);
    if (!addresses.ok) return addresses;
    const keys: string[] = [];
    let code = "EADDRNOTAVAIL";
    for (const address of addresses.value) {
      // Port 0 is another port each time.
      const key = `tcp ${address} ${port === 0 ? `0 of ${listener}` : port}${ipv6Only ? " only" : ""}`;
      if (used.has(key)) return err(twice(`${host}:${port}`));
      if (!this.#entries.has(key)) {
        const tcp = { address, port, ipv6Only };
        const isOurs = [...this.#entries.values()].some((entry) => entry.tcp !== undefined && overlap(tcp, entry.tcp));
        const isShared = isReplaceable || reusePort || isBeside;
        const bound = bindAddress({ ...tcp, count: threads, isShared, isOurs });
        if (!bound.ok) code = bound.error;
        // An IPv6 loopback address that the machine does not have is no reason to refuse "localhost".
        if (!bound.ok && bound.error === "EADDRNOTAVAIL") continue;
        if (!bound.ok) break;
        this.#entries.set(key, { socket: bound.value, tcp });
      }
      keys.push(key);
    }
    const isBound = code === "EADDRNOTAVAIL" && keys.length > 0;
    return isBound ? ok(keys) : err(tcpFailure({ host, port }, code));
  }
}

function portOf({ bind }: ListenerSettings): number | undefined {
  return bind.kind === "tcp" && bind.port !== 0 ? bind.port : undefined;
}

/** Would the kernel refuse one beside the other without SO_REUSEPORT? */
function overlap(one: TcpAddress, other: TcpAddress): boolean {
  if (one.port !== other.port || one.port === 0) return false;
  const isSix = ({ address }: TcpAddress): boolean => address.includes(":");
  const isWide = ({ address }: TcpAddress): boolean => address === "0.0.0.0" || address === "::";
  if (isSix(one) !== isSix(other)) {
    const six = isSix(one) ? one : other;
    return isWide(six) && !six.ipv6Only;
  }
  return one.address === other.address || isWide(one) || isWide(other);
}

function twice(where: string): BindFailure {
  return { message: `cannot listen on ${where} twice`, hint: "keep one of the two" };
}

/**
 * The descriptors of one address for each of `threads` threads: all of them, at least one for each.
 * Example: four for two threads are two and two; one for two threads is the same one twice.
 */
export function shareOut(fds: readonly number[], threads: number): readonly (readonly number[])[] {
  return Array.from({ length: threads }, (_, thread) =>
    fds.length < threads
      ? fds.slice(thread % fds.length, (thread % fds.length) + 1)
      : fds.filter((_fd, index) => index % threads === thread));
}
