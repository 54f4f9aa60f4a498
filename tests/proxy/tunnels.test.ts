// Connections that have become another protocol: they outlive a reload, and end with the program.
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, type Server, type Socket, connect, createServer } from "node:net";
import { after, before, describe, test } from "node:test";
import { Program } from "../support/program.ts";
import { eventually } from "../support/wait.ts";

const waitMs = 10_000;

describe("a tunnel", () => {
  let upstream: Server;
  let file: (word: string) => string;
  before(async () => {
    upstream = createServer((socket) => {
      socket.once("data", () => {
        socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n");
        socket.on("data", (bytes) => socket.write(bytes));
      });
      socket.on("error", () => undefined);
    }).listen(0, "127.0.0.1");
    await once(upstream, "listening");
    const { port } = upstream.address() as AddressInfo;
    file = (word) => `daemon off; pid %FOLDER%/tricorn.pid; worker_shutdown_timeout 4s; events { }
      http {
        server {
          listen 127.0.0.1:%PORT%;
          location = /word { return 200 ${word}; }
          location / {
            proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection Upgrade;
            proxy_pass http://127.0.0.1:${port};
          }
        }
      }`;
  });
  after(() => upstream.close());

  test("goes on through a reload, and no longer than worker_shutdown_timeout", async () => {
    await using proxy = await Program.start({ file: file("first") });
    const tunnel = await Tunnel.open(proxy.port);
    assert.equal(await tunnel.echo("one"), "one");
    await proxy.configure(file("second"));
    proxy.signal("SIGHUP");
    const ask = async (): Promise<string> => (await fetch(`http://127.0.0.1:${proxy.port}/word`)).text();
    await eventually("the new file holds", waitMs, async () => await ask() === "second");
    assert.equal(await tunnel.echo("two"), "two");
    await eventually("its time is over", waitMs, () => tunnel.isClosed);
  });

  test("ends with the program", async () => {
    await using proxy = await Program.start({ file: file("only") });
    const tunnel = await Tunnel.open(proxy.port);
    assert.equal(await tunnel.echo("one"), "one");
    const sinceMs = performance.now();
    proxy.signal("SIGTERM");
    await eventually("it is closed", waitMs, () => tunnel.isClosed);
    assert.ok(performance.now() - sinceMs < 3500, "it did not wait for the other end");
  });
});

/** The client's end. */
class Tunnel {
  readonly #socket: Socket;
  #text = "";
  isClosed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => (this.#text += text));
    socket.on("error", () => undefined);
    socket.on("close", () => (this.isClosed = true));
  }

  static async open(port: number): Promise<Tunnel> {
    const tunnel = new Tunnel(connect(port, "127.0.0.1"));
    tunnel.#socket.write("GET / HTTP/1.1\r\nHost: a.test\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n");
    await eventually("101", waitMs, () => /^HTTP\/1\.1 101 [^]*\r\n\r\n$/.test(tunnel.#text));
    tunnel.#text = "";
    return tunnel;
  }

  async echo(text: string): Promise<string> {
    this.#text = "";
    this.#socket.write(text);
    await eventually("an echo", waitMs, () => this.#text.length >= text.length);
    return this.#text;
  }
}
