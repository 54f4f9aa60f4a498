import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync } from "node:fs";
import * as net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Bind } from "../config/model.ts";
import type { ListenerSettings } from "../edge/model.ts";
import { type BindOptions, type HeldListener, shareOut, SocketTable } from "./socket-table.ts";

const directory = mkdtempSync(join(tmpdir(), "tricorn-test-"));
after(() => rmSync(directory, { recursive: true }));

const plain: BindOptions = { threads: 1, umask: undefined, owner: undefined, isReplaceable: false };
const tcp = (host: string, port: number): Bind => ({ kind: "tcp", host, port });
const listener = (bind: Bind, ipv6Only: boolean = true): ListenerSettings => {
  const servers = { defaultServer: 0, servers: [] };
  return { bind, backlog: 511, ipv6Only, reusePort: false, proxyProtocol: false, servers };
};

async function bound(
  binds: readonly Bind[],
  options: Partial<BindOptions> = {},
  table: SocketTable = new SocketTable(),
): Promise<readonly HeldListener[]> {
  const result = await table.bind(binds.map((bind) => listener(bind)), { ...plain, ...options });
  assert.ok(result.ok, result.ok ? "" : result.error.message);
  return result.value;
}

async function refused(
  binds: readonly Bind[],
  options: Partial<BindOptions> = {},
  table: SocketTable = new SocketTable(),
): Promise<string> {
  const result = await table.bind(binds.map((bind) => listener(bind)), { ...plain, ...options });
  assert.ok(!result.ok, "it should not be bound");
  return `${result.error.message}; ${result.error.hint ?? ""}`;
}

function portOf(held: HeldListener | undefined): number {
  return held?.address.kind === "tcp" ? held.address.port : 0;
}

async function accepts(port: number): Promise<boolean> {
  const socket = net.connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Somebody else's server; its port. */
async function stranger(
  options: net.ListenOptions = {},
): Promise<{ readonly port: number; readonly close: () => void }> {
  const server = net.createServer().listen({ port: 0, host: "127.0.0.1", ...options });
  await once(server, "listening");
  const address = server.address();
  return { port: typeof address === "object" ? (address?.port ?? 0) : 0, close: () => server.close() };
}

/** As an edge does: a server on a socket of the table. The name is what it says to whoever connects. */
async function serve(held: HeldListener | undefined, name: string = ""): Promise<net.Server> {
  const server = net.createServer((socket) => socket.end(name)).listen({ fd: held?.fds[0] ?? -1 });
  await once(server, "listening");
  return server;
}

async function whoAnswers(host: string, port: number): Promise<string> {
  const socket = net.connect(port, host).setEncoding("utf8");
  return (await socket.toArray()).join("");
}

test("a bound socket has a port and accepts nothing until somebody listens on its descriptor", async () => {
  const [held] = await bound([tcp("127.0.0.1", 0)]);
  const port = portOf(held);
  assert.ok(port > 0);
  assert.equal(await accepts(port), false);
  const server = await serve(held);
  assert.equal(await accepts(port), true);
  server.close();
});

test("several threads get sockets of their own on one port", async () => {
  const table = new SocketTable();
  const [held] = await bound([tcp("127.0.0.1", 0)], { threads: 3 }, table);
  assert.equal(new Set(held?.fds).size, 3);
  table.keep([]);
});

test("a port that somebody listens on is refused, also where the port could be shared", async () => {
  const other = await stranger({ reusePort: true });
  const holder = `node.* \\(process ${process.pid}\\)`;
  const expected = new RegExp(`port ${other.port} is in use by ${holder}; stop it, or choose`);
  assert.match(await refused([tcp("127.0.0.1", other.port)]), expected);
  assert.match(await refused([tcp("127.0.0.1", other.port)], { threads: 2 }), expected);
  assert.match(await refused([tcp("127.0.0.1", other.port)], { isReplaceable: true }), expected);
  other.close();
});

test("all binds or none: the first are let go when a later one fails", async () => {
  const other = await stranger();
  const path = join(directory, "none.sock");
  await refused([{ kind: "unix", path, mode: undefined }, tcp("127.0.0.1", other.port)]);
  assert.equal(existsSync(path), false);
  other.close();
});

test("a name is bound on all its addresses, an unknown one is refused", async () => {
  const table = new SocketTable();
  assert.ok((await bound([tcp("localhost", 0)], {}, table)).length >= 1);
  table.keep([]);
  assert.match(await refused([tcp("no-such-host.invalid", 0)]), /the name has no address/);
});

test("[::] and 0.0.0.0 live beside each other on one port, whether or not [::] takes IPv4, too", async (context) => {
  const probe = await new SocketTable().bind([listener(tcp("::1", 0))], plain);
  if (!probe.ok) return context.skip("this machine has no IPv6");
  for (const ipv6Only of [true, false]) {
    const { port, close } = await stranger({ host: "0.0.0.0" });
    close();
    const table = new SocketTable();
    const result = await table.bind([listener(tcp("0.0.0.0", port)), listener(tcp("::", port), ipv6Only)], plain);
    assert.ok(result.ok);
    table.keep([]);
  }
});

test("a wildcard and an address on one port are both bound, and the address gets what is its own", async () => {
  const { port, close } = await stranger({ host: "0.0.0.0" });
  close();
  for (const hosts of [["0.0.0.0", "127.0.0.1"], ["127.0.0.1", "0.0.0.0"]]) {
    const table = new SocketTable();
    const held = await bound(hosts.map((host) => tcp(host, port)), {}, table);
    const servers = await Promise.all(held.map((one, index) => serve(one, hosts[index])));
    assert.equal(await whoAnswers("127.0.0.1", port), "127.0.0.1");
    assert.equal(await whoAnswers("127.0.0.2", port), "0.0.0.0");
    for (const server of servers) server.close();
    table.keep([]);
  }
});

test("the same address twice is refused", async () => {
  const { port, close } = await stranger();
  close();
  assert.match(await refused([tcp("127.0.0.1", port), tcp("127.0.0.1", port)]), /127\.0\.0\.1:\d+ twice/);
  const path = join(directory, "twice.sock");
  const unix: Bind = { kind: "unix", path, mode: undefined };
  assert.match(await refused([unix, unix]), /twice\.sock twice/);
  assert.equal(existsSync(path), false);
});

test("the next configuration keeps what it names and binds what is new; the rest is closed when told", async () => {
  const { port, close } = await stranger({ host: "0.0.0.0" });
  close();
  const table = new SocketTable();
  const options = { isReplaceable: true };
  const path = join(directory, "kept.sock");
  const unix: Bind = { kind: "unix", path, mode: undefined };
  const first = await bound([unix, tcp("127.0.0.1", port)], options, table);
  const second = await bound([tcp("0.0.0.0", port), tcp("127.0.0.1", port)], { ...options, threads: 3 }, table);
  assert.deepEqual(second[1]?.fds, first[1]?.fds);
  assert.equal(second[0]?.fds.length, 3);
  assert.equal(existsSync(path), true);
  table.keep(second);
  assert.equal(existsSync(path), false);
  table.keep([]);
});

test("a configuration that cannot be bound leaves the sockets of the one before alone", async () => {
  const other = await stranger();
  const table = new SocketTable();
  const [first] = await bound([tcp("127.0.0.1", 0)], { isReplaceable: true }, table);
  const port = portOf(first);
  const server = await serve(first);
  const path = join(directory, "unused.sock");
  await refused([tcp("127.0.0.1", other.port), { kind: "unix", path, mode: undefined }], {}, table);
  assert.equal(await accepts(port), true);
  assert.equal(existsSync(path), false);
  server.close();
  table.keep([]);
  other.close();
});

test("every thread has a descriptor, and every descriptor a thread", () => {
  assert.deepEqual(shareOut([7], 1), [[7]]);
  assert.deepEqual(shareOut([7], 3), [[7], [7], [7]]);
  assert.deepEqual(shareOut([7, 8], 3), [[7], [8], [7]]);
  assert.deepEqual(shareOut([7, 8, 9, 10], 2), [[7, 9], [8, 10]]);
  assert.deepEqual(shareOut([7, 8, 9], 1), [[7, 8, 9]]);
});

test("an address of another machine is refused", async () => {
  assert.match(await refused([tcp("192.0.2.1", 0)]), /this machine has no such address/);
});

test("a Unix socket has mode 0666 less the mask, or the mode that was asked for, and goes at the end", async () => {
  const modes: readonly (readonly [number | undefined, number | undefined, number])[] = [
    [undefined, undefined, 0o666],
    [undefined, 0o027, 0o640],
    [0o600, undefined, 0o600],
    [0o660, 0o077, 0o660],
  ];
  for (const [mode, umask, expected] of modes) {
    const path = join(directory, "mode.sock");
    const table = new SocketTable();
    await bound([{ kind: "unix", path, mode }], { umask }, table);
    assert.equal(statSync(path).mode & 0o777, expected);
    table.keep([]);
    assert.equal(existsSync(path), false);
  }
});

test("a socket file that nobody listens on is replaced, one in use and other files are not", async () => {
  const path = join(directory, "stale.sock");
  const end = 'process.kill(process.pid, "SIGKILL")';
  const script = `require("net").createServer().listen(${JSON.stringify(path)}, () => ${end})`;
  await once(spawn(process.execPath, ["-e", script]), "exit");
  assert.equal(existsSync(path), true);
  const [held] = await bound([{ kind: "unix", path, mode: undefined }]);
  const server = await serve(held);
  assert.match(await refused([{ kind: "unix", path, mode: undefined }]), /another program listens there/);
  server.close();
  const file = join(directory, "file.sock");
  writeFileSync(file, "precious");
  assert.match(await refused([{ kind: "unix", path: file, mode: undefined }]), /a file that is no socket/);
  assert.match(
    await refused([{ kind: "unix", path: join(directory, "none", "a.sock"), mode: undefined }]),
    /create the directory/,
  );
});

test("a descriptor that is no socket is refused", async () => {
  assert.match(await refused([{ kind: "fd", fd: 4999 }]), /descriptor 4999: it is not open/);
  const fd = openSync("/dev/null", "r");
  assert.match(await refused([{ kind: "fd", fd }]), /it is no socket/);
  closeSync(fd);
});
