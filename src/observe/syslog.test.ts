import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { test } from "node:test";
import { eventually } from "../../tests/support/wait.ts";
import { parseSyslog } from "./syslog-target.ts";
import { SYSLOG_MESSAGE_SIZE_MAX, SYSLOG_PENDING_SIZE_MAX, Syslog } from "./syslog.ts";

function serverOf(text: string, reports: string[] = []): Syslog {
  const target = parseSyslog(`syslog:${text}`);
  assert.ok(target.ok);
  return new Syslog(target.value, (level, said) => reports.push(`${level} ${said}`));
}

test("no more than a megabyte waits for a name to be found", async () => {
  const server = serverOf("server=nobody.invalid,nohostname,tag=");
  const headerSize = "<190>Nov 21 12:05:09 : ".length;
  for (let n = 0; n < 200; n++) server.send("x".repeat(10_000));
  assert.equal(200 - server.droppedCount, Math.floor(SYSLOG_PENDING_SIZE_MAX / (10_000 + headerSize)));
  await server.close();
  assert.equal(server.droppedCount, 200);
});

test("what a datagram cannot hold is cut, and a server may be named by IPv6", async (context) => {
  const socket = createSocket("udp6");
  const messages: Buffer[] = [];
  socket.on("message", (bytes) => messages.push(bytes));
  try {
    socket.bind(0, "::1");
    await once(socket, "listening");
  } catch {
    socket.close();
    return context.skip("no IPv6 here");
  }
  const server = serverOf(`server=[::1]:${socket.address().port}`);
  server.send("x".repeat(100_000));
  server.send("short", 0);
  await server.close();
  await eventually("both came", 5000, () => messages.length === 2);
  socket.close();
  assert.equal(messages[0]?.length, SYSLOG_MESSAGE_SIZE_MAX);
  assert.match(messages[1]?.toString() ?? "", /^<184>.* nginx: short$/);
  assert.equal(server.droppedCount, 0);
});
