import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync } from "node:fs";
import * as net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Bind } from "../config/model.ts";
import { bindAll, type BindOptions, type BoundListener } from "./sockets.ts";

const directory = mkdtempSync(join(tmpdir(), "tricorn-test-"));
after(() => rmSync(directory, { recursive: true }));

const plain: BindOptions = { threads: 1, umask: undefined, owner: undefined };
const tcp = (host: string, port: number): Bind => ({ kind: "tcp", host, port });

async function bound(binds: readonly Bind[], options: BindOptions = plain): Promise<readonly BoundListener[]> {
  const result = await bindAll(binds, options);
  assert.ok(result.ok, result.ok ? "" : result.error.message);
  return result.value;
}

async function refused(bind: Bind, options: BindOptions = plain): Promise<string> {
  const result = await bindAll([bind], options);
  assert.ok(!result.ok, "it should not be bound");
  return `${result.error.message}; ${result.error.hint ?? ""}`;
}

function portOf(listener: BoundListener | undefined): number {
  return listener?.address.kind === "tcp" ? listener.address.port : 0;
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

test("a bound socket has a port and accepts nothing until somebody listens on its descriptor", async () => {
  const [listener] = await bound([tcp("127.0.0.1", 0)]);
  const port = portOf(listener);
  assert.ok(port > 0);
  assert.equal(await accepts(port), false);
  const server = net.createServer((socket) => socket.end()).listen({ fd: listener?.fds[0] ?? -1 });
  await once(server, "listening");
  assert.equal(await accepts(port), true);
  server.close();
});

test("several threads get sockets of their own on one port", async () => {
  const [listener] = await bound([tcp("127.0.0.1", 0)], { ...plain, threads: 3 });
  assert.equal(new Set(listener?.fds).size, 3);
  listener?.close();
});

test("a port that somebody listens on is refused, also where the port could be shared", async () => {
  const server = net.createServer().listen({ port: 0, host: "127.0.0.1", reusePort: true });
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  const expected = new RegExp(`port ${port} is in use by node.* \\(process ${process.pid}\\); stop it, or choose`);
  assert.match(await refused(tcp("127.0.0.1", port)), expected);
  assert.match(await refused(tcp("127.0.0.1", port), { ...plain, threads: 2 }), expected);
  server.close();
});

test("all binds or none: the first are let go when a later one fails", async () => {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const taken = typeof address === "object" ? (address?.port ?? 0) : 0;
  const path = join(directory, "none.sock");
  const result = await bindAll([{ kind: "unix", path, mode: undefined }, tcp("127.0.0.1", taken)], plain);
  assert.equal(result.ok, false);
  assert.equal(existsSync(path), false);
  server.close();
});

test("a name is bound on all its addresses, an unknown one is refused", async () => {
  const listeners = await bound([tcp("localhost", 0)]);
  assert.ok(listeners.length >= 1);
  for (const listener of listeners) listener.close();
  assert.match(await refused(tcp("no-such-host.invalid", 0)), /the name has no address/);
});

test("[::] and 0.0.0.0 live beside each other on one port", async (context) => {
  const probe = await bindAll([tcp("::1", 0)], plain);
  if (!probe.ok) return context.skip("this machine has no IPv6");
  for (const listener of probe.value) listener.close();
  const [first] = await bound([tcp("0.0.0.0", 0)]);
  const port = portOf(first);
  first?.close();
  for (const listener of await bound([tcp("0.0.0.0", port), tcp("::", port)])) listener.close();
});

test("an address of another machine is refused", async () => {
  assert.match(await refused(tcp("192.0.2.1", 0)), /this machine has no such address/);
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
    const [listener] = await bound([{ kind: "unix", path, mode }], { ...plain, umask });
    assert.equal(statSync(path).mode & 0o777, expected);
    listener?.close();
    assert.equal(existsSync(path), false);
  }
});

test("a socket file that nobody listens on is replaced, one in use and other files are not", async () => {
  const path = join(directory, "stale.sock");
  const end = 'process.kill(process.pid, "SIGKILL")';
  const script = `require("net").createServer().listen(${JSON.stringify(path)}, () => ${end})`;
  await once(spawn(process.execPath, ["-e", script]), "exit");
  assert.equal(existsSync(path), true);
  const [listener] = await bound([{ kind: "unix", path, mode: undefined }]);
  const server = net.createServer().listen({ fd: listener?.fds[0] ?? -1 });
  await once(server, "listening");
  assert.match(await refused({ kind: "unix", path, mode: undefined }), /another program listens there/);
  server.close();
  const file = join(directory, "file.sock");
  writeFileSync(file, "precious");
  assert.match(await refused({ kind: "unix", path: file, mode: undefined }), /a file that is no socket/);
  assert.match(
    await refused({ kind: "unix", path: join(directory, "none", "a.sock"), mode: undefined }),
    /create the directory/,
  );
});

test("a descriptor that is no socket is refused", async () => {
  assert.match(await refused({ kind: "fd", fd: 4999 }), /descriptor 4999: it is not open/);
  const fd = openSync("/dev/null", "r");
  assert.match(await refused({ kind: "fd", fd }), /it is no socket/);
  closeSync(fd);
});
