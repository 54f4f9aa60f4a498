import assert from "node:assert/strict";
import { once } from "node:events";
import * as http2 from "node:http2";
import { after, before, describe, test } from "node:test";
import { linesOf } from "../site/site.ts";
import type { Program } from "../support/program.ts";
import { eventually } from "../support/wait.ts";
import { Client, startH2Site } from "./client.ts";

const TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10;

/** A frame of a client, masked with zeros. */
function frame(opcode: number, payload: string | Buffer): Buffer {
  const body = Buffer.from(payload);
  const length = body.length < 126
    ? Buffer.of(0x80 | body.length)
    : Buffer.of(0xff, 0, 0, 0, 0, body.length >>> 24, body.length >>> 16, body.length >>> 8, body.length);
  return Buffer.concat([Buffer.of(0x80 | opcode), length, Buffer.alloc(4), body]);
}

interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
  readonly isLast: boolean;
}

/** A WebSocket on a stream (RFC 8441). */
class Socket {
  readonly stream: http2.ClientHttp2Stream;
  #bytes = Buffer.alloc(0);
  isOver = false;

  constructor(stream: http2.ClientHttp2Stream) {
    this.stream = stream;
    stream.on("data", (part: Buffer) => (this.#bytes = Buffer.concat([this.#bytes, part])));
    stream.on("close", () => (this.isOver = true));
    stream.on("error", () => undefined);
  }

  static async open(
    client: Client, path: string, more: http2.OutgoingHttpHeaders = {},
  ): Promise<{ readonly socket: Socket; readonly head: http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader }> {
    const stream = client.session.request({
      ":method": "CONNECT", ":protocol": "websocket", ":path": path, "sec-websocket-version": "13", ...more,
    }, { endStream: false });
    const socket = new Socket(stream);
    const [head] = await once(stream, "response") as [http2.IncomingHttpHeaders];
    return { socket, head };
  }

  send(opcode: number, payload: string | Buffer): void {
    this.stream.write(frame(opcode, payload));
  }

  /** The next message, or control frame. */
  async next(): Promise<Frame> {
    const first = await this.#frame();
    let { payload, isLast } = first;
    while (!isLast) {
      const more = await this.#frame();
      payload = Buffer.concat([payload, more.payload]);
      ({ isLast } = more);
    }
    return { opcode: first.opcode, payload, isLast };
  }

  #frame(): Promise<Frame> {
    return eventually("a frame comes", 10_000, () => {
      const bytes = this.#bytes;
      if (bytes.length < 2) return undefined;
      const short = (bytes[1] ?? 0) & 127;
      const start = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (bytes.length < start) return undefined;
      const size = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : bytes.readUInt32BE(6);
      if (bytes.length < start + size) return undefined;
      this.#bytes = bytes.subarray(start + size);
      const first = bytes[0] ?? 0;
      return { opcode: first & 15, payload: bytes.subarray(start, start + size), isLast: first >= 128 };
    });
  }

  async text(): Promise<string> {
    return (await this.next()).payload.toString("latin1");
  }
}

describe("a WebSocket over HTTP/2", () => {
  let program: Program;
  before(async () => {
    program = await startH2Site({
      http: `map $http_upgrade $connection_upgrade { default upgrade; '' close; }
        log_format short '$request|$status';`,
      server: `
        access_log %FOLDER%/access.log short;
        location = /file { return 200 "no WebSocket"; }
        location /asgi { app_pass asgi; }
        location /wsgi { app_pass wsgi; }
        location /passed/ { proxy_pass http://127.0.0.1:%PORT%/asgi/; proxy_http_version 1.1; }
        location /said/ { proxy_pass http://127.0.0.1:%PORT%/asgi/; proxy_http_version 1.1;
          proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade; }`,
    });
  });
  after(() => program.stop());

  for (const [path, version] of [["/asgi", "2"], ["/passed/ws", "1.1"], ["/said/ws", "1.1"]] as const) {
    test(`at ${path} carries messages both ways, large ones too, and closes in order`, async () => {
      using client = await Client.connect(program);
      const { socket, head } = await Socket.open(client, path, { "sec-websocket-protocol": "chat, other" });
      assert.equal(head[":status"], 200);
      assert.deepEqual([head["sec-websocket-protocol"], head["x-version"]], ["chat", version]);
      for (const name of ["upgrade", "connection", "sec-websocket-accept"]) assert.equal(head[name], undefined);
      socket.send(TEXT, "hello");
      assert.equal(await socket.text(), "HELLO");
      const large = Buffer.alloc(700_000, "abc");
      socket.send(BINARY, large);
      const { opcode, payload } = await socket.next();
      assert.deepEqual([opcode, payload.equals(large)], [BINARY, true]);
      socket.send(PING, "p");
      assert.deepEqual(await socket.next().then((pong) => [pong.opcode, String(pong.payload)]), [PONG, "p"]);
      socket.send(CLOSE, Buffer.of(3, 232));
      assert.equal((await socket.next()).opcode, CLOSE);
      socket.stream.end();
      await eventually("the stream ends", 5000, () => socket.isOver);
    });
  }

  test("is logged with the status that its client got", async () => {
    using client = await Client.connect(program);
    const lineOf = (request: string): Promise<string> => eventually("the line is there", 5000, async () =>
      (await linesOf(program, "access.log")).find((text) => text.startsWith(request)));
    for (const path of ["/asgi?logged", "/said/logged"]) {
      const { socket } = await Socket.open(client, path);
      socket.send(CLOSE, Buffer.of(3, 232));
      await socket.next();
      socket.stream.end();
      assert.equal(await lineOf(`GET ${path} `), `GET ${path} HTTP/2.0|200`);
    }
    // What was asked of our own server in HTTP/1.1 was answered so.
    assert.equal(await lineOf("GET /asgi/logged "), "GET /asgi/logged HTTP/1.1|101");
  });

  test("stands beside others and beside requests on one connection", async () => {
    using client = await Client.connect(program);
    const opening = Array.from({ length: 20 }, () => Socket.open(client, "/asgi"));
    const sockets = (await Promise.all(opening)).map(({ socket }) => socket);
    for (const [index, socket] of sockets.entries()) socket.send(TEXT, `text ${index}`);
    const answers = await Promise.all(sockets.map((socket) => socket.text()));
    assert.deepEqual(answers, sockets.map((_, index) => `TEXT ${index}`));
    assert.equal((await client.ask("/wsgi")).status, 200);
  });

  test("that the application closes is closed", async () => {
    using client = await Client.connect(program);
    const { socket } = await Socket.open(client, "/asgi");
    socket.send(TEXT, "bye");
    const { opcode, payload } = await socket.next();
    assert.deepEqual([opcode, payload.readUInt16BE(0), payload.toString("latin1", 2)], [CLOSE, 1000, "bye"]);
    socket.send(CLOSE, Buffer.of(3, 232));
    socket.stream.end();
    await eventually("the stream ends", 5000, () => socket.isOver);
  });

  test("that is reset is gone for the application", async () => {
    using client = await Client.connect(program);
    const { socket } = await Socket.open(client, "/asgi?reset");
    socket.stream.close(http2.constants.NGHTTP2_CANCEL);
    await eventually("the application is told", 10_000, () => program.output.includes("reset disconnected with 1006"));
  });

  test("whose connection breaks is gone for the application", async () => {
    const client = await Client.connect(program);
    await Promise.all(["one", "two"].map((name) => Socket.open(client, `/asgi?${name}`)));
    client[Symbol.dispose]();
    await eventually("the application is told", 10_000, () =>
      ["one", "two"].every((name) => program.output.includes(`${name} disconnected with 1006`)));
  });

  test("that the application refuses is 403", async () => {
    using client = await Client.connect(program);
    for (const path of ["/asgi/refuse", "/passed/refuse"]) {
      const { head } = await Socket.open(client, path);
      assert.equal(head[":status"], 403, path);
    }
  });

  test("where nobody speaks it becomes no tunnel", async () => {
    using client = await Client.connect(program);
    for (const path of ["/file", "/wsgi"]) {
      const opening = Socket.open(client, path);
      await assert.rejects(opening, { code: "ERR_HTTP2_STREAM_ERROR" }, path);
    }
    assert.equal((await client.ask("/file")).status, 200);
  });

  test("of another protocol is 501, and one of another version is told which", async () => {
    using client = await Client.connect(program);
    const { head } = await Socket.open(client, "/asgi", { ":protocol": "connect-udp" });
    assert.equal(head[":status"], 501);
    const old = await Socket.open(client, "/asgi", { "sec-websocket-version": "12" });
    assert.deepEqual([old.head[":status"], old.head["sec-websocket-version"]], [426, "13"]);
  });

  test("hears when the server ends", async () => {
    await using other = await startH2Site({ server: "location / { app_pass asgi; }" });
    using client = await Client.connect(other);
    const { socket } = await Socket.open(client, "/");
    other.signal("SIGTERM");
    const { opcode, payload } = await socket.next();
    assert.deepEqual([opcode, payload.readUInt16BE(0)], [CLOSE, 1012]);
    socket.send(CLOSE, payload);
    socket.stream.end();
    await eventually("the program has ended", 10_000, () => other.exitStatus !== undefined);
    assert.deepEqual(client.goAways[0], 0);
  });
});
