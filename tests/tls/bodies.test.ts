// What passes through TLS: large bodies both ways, connections that are cut, WebSockets, applications.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type TLSSocket, connect } from "node:tls";
import { appBlock } from "../site/site.ts";
import { residentSize } from "../support/processes.ts";
import type { Program } from "../support/program.ts";
import { eventually, held as heldSize } from "../support/wait.ts";
import { Certificates, ask, pairOf, startTls } from "./site.ts";

const mega = 1024 * 1024;

describe("over TLS", () => {
  const certificates = new Certificates();
  after(() => certificates[Symbol.dispose]());
  const large = randomBytes(20 * mega);
  let program: Program;
  before(async () => {
    program = await startTls(`
      server {
        listen 127.0.0.1:%PORT% ssl; root %FOLDER%/www; client_max_body_size 100m;
        ${pairOf(certificates.sign("a.test"))}
        location /wsgi { app_pass wsgi; } location /asgi { app_pass asgi; }
      }
    `, appBlock("wsgi", "saying:wsgi") + appBlock("asgi", "saying:asgi", "lifespan off;"));
    mkdirSync(join(program.folder, "www"));
    writeFileSync(join(program.folder, "www/large.bin"), large);
    writeFileSync(join(program.folder, "www/small.txt"), "small");
  });
  after(() => program.stop());

  const open = async (): Promise<TLSSocket> => {
    const socket = connect({ port: program.port, host: "127.0.0.1", rejectUnauthorized: false });
    await once(socket, "secureConnect");
    return socket;
  };

  test("a large file arrives whole, also for a client that reads slowly, and memory stays", async () => {
    const before = residentSize([program.edgePid]);
    const socket = await open();
    socket.write("GET /large.bin HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n");
    const hash = createHash("sha256");
    let size = 0, head = "";
    let largest = 0;
    for await (const part of socket as AsyncIterable<Buffer>) {
      let bytes = part;
      if (!head.includes("\r\n\r\n")) {
        const text = part.toString("latin1");
        const end = text.indexOf("\r\n\r\n");
        head += text.slice(0, end + 4);
        bytes = part.subarray(end + 4);
      }
      hash.update(bytes);
      size += bytes.length;
      largest = Math.max(largest, residentSize([program.edgePid]) - before);
    }
    assert.equal(size, large.length);
    assert.equal(hash.digest("hex"), createHash("sha256").update(large).digest("hex"));
    assert.ok(largest < 40 * mega, `${largest} bytes more`);
  });

  test("many requests share a connection, and those sent ahead are answered in order", async () => {
    const socket = await open();
    let text = "";
    socket.on("data", (part: Buffer) => (text += part.toString("latin1")));
    const request = "GET /small.txt HTTP/1.1\r\nHost: a.test\r\n\r\n";
    socket.write(request.repeat(100));
    await eventually("all have come", 5000, () => text.split("small").length === 101);
    socket.write(request.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"));
    await once(socket, "end");
    assert.equal(text.split("HTTP/1.1 200 OK").length, 102);
    socket.destroy();
  });

  test("applications are told that it is https, and get large bodies", async () => {
    for (const name of ["wsgi", "asgi"]) {
      const { status, body } = await ask({ port: program.port, target: `/${name}/x` });
      assert.equal(status, 200);
      assert.match(body, /https/);
      const socket = await open();
      const fields = `Host: a.test\r\nConnection: close\r\nContent-Length: ${large.length}\r\n`;
      socket.write(`POST /${name} HTTP/1.1\r\n${fields}\r\n`);
      socket.write(large);
      let text = "";
      for await (const part of socket as AsyncIterable<Buffer>) text += part.toString("latin1");
      assert.match(text, new RegExp(String(large.length)), text.slice(0, 1000));
    }
  });

  test("a body that is cut without close_notify is not taken for whole", async () => {
    const socket = await open();
    socket.on("error", () => undefined);
    socket.write("POST /wsgi HTTP/1.1\r\nHost: a.test\r\nContent-Length: 100\r\n\r\nhalf");
    socket.write("of it");
    const handle: unknown = Reflect.get(socket, "_handle");
    const tcp = Reflect.get(handle as object, "_parent") as { close(): void };
    await eventually("it is written", 5000, () => socket.writableLength === 0);
    tcp.close();
    assert.equal((await ask({ port: program.port, target: "/small.txt" })).body, "small");
  });

  test("an idle connection costs less than 110 KB in the edge", async (context) => {
    const held: TLSSocket[] = [];
    const more = async (count: number): Promise<number> => {
      for (let index = 0; index < count; index++) {
        const socket = await open();
        socket.write("GET /small.txt HTTP/1.1\r\nHost: a.test\r\n\r\n");
        await once(socket, "data");
        held.push(socket);
      }
      return heldSize(() => residentSize([program.edgePid]));
    };
    const first = await more(100);
    const each = ((await more(300)) - first) / 300;
    context.diagnostic(`${Math.round(each)} bytes`);
    assert.ok(each < 110_000, `${Math.round(each)} bytes for each`);
    for (const socket of held) socket.destroy();
  });

  test("broken records end the connection", async () => {
    const socket = await open();
    socket.on("error", () => undefined);
    const handle: unknown = Reflect.get(socket, "_handle");
    const tcp = Reflect.get(handle as object, "_parent") as {
      writeLatin1String(request: object, text: string): number;
    };
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    tcp.writeLatin1String({ oncomplete: () => undefined }, "\x17\x03\x03\0\x20" + "x".repeat(32));
    await closed;
    assert.equal((await ask({ port: program.port, target: "/small.txt" })).body, "small");
  });

  test("a WebSocket passes", async () => {
    const socket = await open();
    socket.write("GET /asgi/ws HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    let text = "";
    socket.on("data", (part: Buffer) => (text += part.toString("latin1")));
    await eventually("it says what it is", 5000, () => text.includes("wss"));
    assert.match(text, /^HTTP\/1\.1 101 /);
    assert.match(text, /asgi \/asgi\/ws \S* wss/);
    socket.destroy();
  });
});
