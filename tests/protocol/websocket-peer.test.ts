// Our server's end against Node's own WebSocket client (undici), and our client's end against our server's, over TCP.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, type Socket, connect, createServer } from "node:net";
import { after, before, describe, test } from "node:test";
import { deflateCodec } from "../../src/filters/index.ts";
import type { FieldLine } from "../../src/http/response-head.ts";
import { RequestReader, SectionMemory } from "../../src/protocol/h1/index.ts";
import {
  OutgoingMessage, WsReader, WsSender, acceptKey, checkHandshakeResponse, closeFrame, formatHandshake, negotiateDeflate,
  pongFrame, readHandshake,
} from "../../src/protocol/ws/index.ts";
import type { ClientHandshake } from "../../src/protocol/ws/index.ts";
import { asBytes } from "../../src/std/bytes.ts";
import { limits } from "./engine.ts";
import { bytesOf } from "./websocket.ts";

const MESSAGE_SIZE_MAX = 4_194_304;
const sha1 = (text: string): string => createHash("sha1").update(text).digest("base64");

/** Upgrades a connection and sends every message back; refuses what it should. */
function serve(socket: Socket): void {
  const requests = new RequestReader(limits, new SectionMemory());
  socket.on("error", () => undefined);
  socket.once("data", (bytes: Buffer) => {
    requests.receive(asBytes(bytes));
    const head = requests.next();
    assert.ok(typeof head === "object" && head.kind === "request");
    const handshake = readHandshake(head);
    if ("status" in handshake) return void socket.end(`HTTP/1.1 ${handshake.status} No\r\nContent-Length: 0\r\n\r\n`);
    const deflate = negotiateDeflate(handshake.extensions, { windowBits: 12, codec: deflateCodec });
    let answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      `Sec-WebSocket-Accept: ${acceptKey(handshake.key, sha1)}\r\n`;
    const [subprotocol] = handshake.subprotocols;
    if (subprotocol !== undefined) answer += `Sec-WebSocket-Protocol: ${subprotocol}\r\n`;
    if (deflate !== undefined) answer += `Sec-WebSocket-Extensions: ${deflate.line}\r\n`;
    socket.write(`${answer}\r\n`);
    const settings = { role: "server", messageSizeMax: MESSAGE_SIZE_MAX, deflate: deflate?.agreed } as const;
    echo(socket, new WsReader(settings), new WsSender(deflate?.agreed));
  });
}

function echo(socket: Socket, reader: WsReader, sender: WsSender): void {
  const message = new OutgoingMessage();
  socket.on("data", (bytes: Buffer) => {
    reader.receive(asBytes(bytes));
    for (let event = reader.next(); event !== "need-data"; event = reader.next()) {
      if (event.kind === "message") {
        message.reset(event.bytes, event.start, event.end, event.text, false);
        socket.write(bytesOf(sender.frame(message)));
      } else if (event.kind === "ping") {
        socket.write(bytesOf(pongFrame(event.bytes)));
      } else if (event.kind === "close") {
        socket.end(bytesOf(event.code === 1005 ? closeFrame(undefined) : closeFrame(event.code, event.reason)));
      } else if (event.kind === "violation") {
        socket.end(bytesOf(closeFrame(event.code, event.reason)));
      }
    }
    reader.keepRest();
  });
}

const server = createServer(serve);
let port = 0;
before(async () => {
  await once(server.listen(0, "127.0.0.1"), "listening");
  port = (server.address() as AddressInfo).port;
});
after(() => server.close());

/** Texts of every length of a head, and larger than a read; some that DEFLATE likes. */
const texts = ["", "a", "x".repeat(125), "x".repeat(126), "ä🎩".repeat(200), "again and ".repeat(60),
  "again and ".repeat(70),
  "y".repeat(65_535), randomBytes(60_000).toString("base64"), "z".repeat(1_000_000)];

describe("Node's WebSocket client", () => {
  test("gets its messages back, compressed and not, and its close", async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`, ["chat", "other"]);
    socket.binaryType = "arraybuffer";
    const received: unknown[] = [];
    const done = Promise.withResolvers<CloseEvent>();
    socket.addEventListener("open", () => {
      for (const text of texts) {
        socket.send(text);
        socket.send(Buffer.from(text));
      }
    });
    socket.addEventListener("message", ({ data }) => {
      received.push(data instanceof ArrayBuffer ? Buffer.from(data).toString("hex") : data);
      if (received.length === texts.length * 2) socket.close(3001, "dönn");
    });
    socket.addEventListener("close", done.resolve);
    const { code, reason, wasClean } = await done.promise;
    assert.deepEqual(received, texts.flatMap((text) => [text, Buffer.from(text).toString("hex")]));
    assert.deepEqual({ code, reason, wasClean }, { code: 3001, reason: "dönn", wasClean: true });
    assert.equal(socket.protocol, "chat");
    assert.match(socket.extensions, /permessage-deflate/);
  });

  test("is told 1009 when its message is too large", async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
    const done = Promise.withResolvers<CloseEvent>();
    socket.addEventListener("open", () => socket.send(randomBytes(MESSAGE_SIZE_MAX * 2)));
    socket.addEventListener("close", done.resolve);
    assert.equal((await done.promise).code, 1009);
  });
});

describe("our client's end", () => {
  /** Does the handshake, and gives the socket with what was agreed on. */
  async function open(handshake: ClientHandshake): Promise<{ socket: Socket; deflate: ReturnType<typeof agreement> }> {
    const socket = connect(port, "127.0.0.1");
    socket.write(formatHandshake(handshake));
    const [bytes] = await once(socket, "data") as [Buffer];
    return { socket, deflate: agreement(handshake, bytes.toString("latin1")) };
  }

  function agreement(handshake: ClientHandshake, head: string): ConstructorParameters<typeof WsSender>[0] {
    const [line = "", ...lines] = head.split("\r\n").slice(0, -2);
    const fields = lines.map((text): FieldLine => {
      const [name = "", ...value] = text.split(": ");
      return [name, value.join(": ")];
    });
    const checked = checkHandshakeResponse(handshake, Number(line.split(" ")[1]), fields, sha1);
    assert.ok(checked.kind === "agreement", JSON.stringify(checked));
    assert.equal(checked.subprotocol, handshake.subprotocols[0]);
    return checked.deflate;
  }

  for (const compressed of [true, false]) {
    test(`gets its messages back ${compressed ? "compressed" : "as they are"}, and its close`, async () => {
      const { socket, deflate } = await open({
        target: "/", host: `127.0.0.1:${port}`, key: randomBytes(16).toString("base64"), subprotocols: ["a", "b"],
        deflate: compressed ? { codec: deflateCodec, clientBits: "any" } : undefined, fields: [],
      });
      assert.equal(deflate !== undefined, compressed);
      const sender = new WsSender(deflate, () => randomBytes(4).readInt32BE(0));
      const reader = new WsReader({ role: "client", messageSizeMax: MESSAGE_SIZE_MAX, deflate });
      const message = new OutgoingMessage();
      for (const text of texts) {
        const bytes = asBytes(Buffer.from(text));
        message.reset(bytes, 0, bytes.length, true, false);
        socket.write(bytesOf(sender.frame(message)));
      }
      socket.write(bytesOf(closeFrame(1000, "done", 0x1234567)));
      const received: string[] = [];
      const closed = Promise.withResolvers<number>();
      socket.on("data", (bytes: Buffer) => {
        reader.receive(asBytes(bytes));
        for (let event = reader.next(); event !== "need-data"; event = reader.next()) {
          if (event.kind === "message") received.push(event.bytes.toString("utf8", event.start, event.end));
          else if (event.kind === "close") closed.resolve(event.code);
          else closed.reject(new Error(JSON.stringify(event)));
        }
        reader.keepRest();
      });
      assert.equal(await closed.promise, 1000);
      assert.deepEqual(received, texts);
      socket.destroy();
    });
  }
});
