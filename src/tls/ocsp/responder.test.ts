import { deepEqual, equal, match } from "node:assert/strict";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer } from "node:net";
import { buffer } from "node:stream/consumers";
import { describe, test } from "node:test";
import { askResponder, type Question, RESPONSE_SIZE_MAX } from "./responder.ts";

const OCSP = { "Content-Type": "application/ocsp-response" };
const small = Buffer.from([0xfb, 0xef, 0xbe, 1]);
const large = Buffer.alloc(300, 7);

describe("a responder is asked", () => {
  test("by GET with the request in the path, where it is small", async () => {
    await using side = await Side.listen((request, response) => {
      response.writeHead(200, OCSP).end(`${request.method} ${request.url} ${request.headers.connection}`);
    });
    equal(await outcome(side, "/"), "GET /%2B%2B%2B%2BAQ%3D%3D close");
    equal(await outcome(side, ""), "GET /%2B%2B%2B%2BAQ%3D%3D close");
    equal(await outcome(side, "/a/b"), "GET /a/b/%2B%2B%2B%2BAQ%3D%3D close");
  });

  test("by POST where it is large, or where the URL has a query", async () => {
    await using side = await Side.listen((request, response) => {
      void echo(request).then((text) => response.writeHead(200, OCSP).end(text));
    });
    equal(await outcome(side, "/a", { request: large }), "POST /a application/ocsp-request 300");
    equal(await outcome(side, "/a?b"), "POST /a?b application/ocsp-request 4");
  });

  test("by POST where it does not take GET", async () => {
    await using side = await Side.listen((request, response) => {
      if (request.method === "GET") response.writeHead(405).end();
      else void echo(request).then((text) => response.writeHead(200, OCSP).end(text));
    });
    equal(await outcome(side, "/a"), "POST /a application/ocsp-request 4");
  });

  test("once: 405 for POST is its answer", async () => {
    await using side = await Side.listen((_request, response) => void response.writeHead(405).end());
    equal(await outcome(side, "/a"), "OCSP responder sent status 405");
    equal(side.asked, 2);
  });
});

describe("a responder's answer", () => {
  test("must say that it is one", async () => {
    await using side = await Side.listen((request, response) => {
      response.writeHead(200, request.url?.startsWith("/none") ? {} : { "Content-Type": "text/html" });
      response.end("<html>Welcome</html>");
    });
    equal(await outcome(side, "/"), 'OCSP responder sent invalid "Content-Type" header: "text/html"');
    equal(await outcome(side, "/none"), 'OCSP responder sent invalid "Content-Type" header: ""');
  });

  test("must be a success", async () => {
    await using side = await Side.listen((_request, response) => void response.writeHead(503, OCSP).end("busy"));
    equal(await outcome(side, "/"), "OCSP responder sent status 503");
  });

  test("may have 64 KiB, and is read no further", async () => {
    await using side = await Side.listen((request, response) => {
      response.writeHead(200, { "Content-Type": "Application/OCSP-Response; x=y" });
      response.end(Buffer.alloc(RESPONSE_SIZE_MAX + (request.url?.startsWith("/more") ? 1 : 0)));
    });
    const question = { request: small, signal: new AbortController().signal };
    const answer = await askResponder({ ...question, responder: new URL(side.url) });
    equal(answer.ok && answer.value.length, RESPONSE_SIZE_MAX);
    equal(await outcome(side, "/more"), "OCSP responder sent more than 65536 bytes");
  });

  test("of endless bytes is read no further", async () => {
    await using side = await Side.listen((_request, response) => {
      response.writeHead(200, OCSP);
      const more = (): void => {
        if (!response.destroyed) response.write(Buffer.alloc(10_000), () => setImmediate(more));
      };
      more();
    });
    equal(await outcome(side, "/"), "OCSP responder sent more than 65536 bytes");
  });

  test("must be whole", async () => {
    await using side = await Side.listen((_request, response) => {
      response.writeHead(200, { ...OCSP, "Content-Length": 10 });
      response.write("12345", () => response.destroy());
    });
    equal(await outcome(side, "/"), "OCSP responder prematurely closed connection");
  });

  test("has a time in which to come, however slowly it begins", async () => {
    await using silent = await Side.listen(() => undefined);
    equal(await outcome(silent, "/", { timeoutMs: 50 }), "OCSP responder timed out");
    await using slow = await Side.listen((_request, response) => {
      response.writeHead(200, OCSP).write("1");
    });
    equal(await outcome(slow, "/", { timeoutMs: 50 }), "OCSP responder timed out");
  });

  test("has a head of 8 KiB at most", async () => {
    await using side = await Side.listen((_request, response) => {
      response.writeHead(200, { ...OCSP, "X-Padding": "x".repeat(9000) }).end();
    });
    match(await outcome(side, "/"), /^OCSP responder: .*Header/);
  });

  test("is no HTTP at all, or nobody is there", async () => {
    const tcp = createTcpServer((socket) => {
      socket.on("error", () => undefined).resume().end("SSH-2.0-x\r\n");
    });
    await new Promise<void>((resolve) => void tcp.listen(0, "127.0.0.1", resolve));
    const url = urlOf(tcp);
    match(await outcome({ url }, "/"), /^OCSP responder: Parse Error/);
    await new Promise((resolve) => tcp.close(resolve));
    match(await outcome({ url }, "/"), /^OCSP responder: connect ECONNREFUSED/);
  });
});

describe("a redirect", () => {
  test("is followed on the same host, twice", async () => {
    await using side = await Side.listen((request, response) => {
      const left = Number(/^\/(\d)/.exec(request.url ?? "")?.[1]);
      if (left === 0) response.writeHead(200, OCSP).end("here");
      else response.writeHead(302, { Location: `/${left - 1}` }).end();
    });
    equal(await outcome(side, "/2"), "here");
    equal(await outcome(side, "/3"), "OCSP responder redirected too many times");
  });

  test("is not followed to another host, port or scheme", async () => {
    let location = "";
    await using side = await Side.listen((_request, response) => {
      response.writeHead(301, { Location: location }).end();
    });
    for (location of ["http://127.0.0.2/", "http://127.0.0.1:1/", "https://127.0.0.1/", "file:///etc/passwd"]) {
      equal(await outcome(side, "/"), `OCSP responder redirected to "${location}"`);
    }
    equal(side.asked, 4);
  });
});

test("a question that nobody waits for is given up", async () => {
  await using side = await Side.listen(() => abort.abort());
  const abort = new AbortController();
  match(await outcome(side, "/", { signal: abort.signal }), /abort/);
});

test("a proxy of the environment is not used", async () => {
  await using side = await Side.listen((request, response) => void response.writeHead(200, OCSP).end(request.url));
  const before = process.env["http_proxy"];
  process.env["http_proxy"] = "http://127.0.0.1:1/";
  try {
    equal(await outcome(side, "/"), "/%2B%2B%2B%2BAQ%3D%3D");
  } finally {
    if (before === undefined) delete process.env["http_proxy"];
    else process.env["http_proxy"] = before;
  }
});

/** A responder on a free port. */
class Side implements AsyncDisposable {
  readonly #server: Server;
  readonly url: string;
  asked = 0;

  private constructor(server: Server) {
    this.#server = server;
    this.url = urlOf(server);
    server.on("request", () => (this.asked += 1));
  }

  static async listen(listener: RequestListener): Promise<Side> {
    const server = createServer(listener);
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    return new Side(server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }
}

function urlOf(server: Server | TcpServer): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function echo(request: IncomingMessage): Promise<string> {
  const { length } = await buffer(request);
  deepEqual(request.headers["content-length"], String(length));
  return `${request.method} ${request.url} ${request.headers["content-type"]} ${length}`;
}

async function outcome(side: { readonly url: string }, path: string, more: Partial<Question> = {}): Promise<string> {
  const question = { request: small, signal: new AbortController().signal, ...more };
  const answer = await askResponder({ responder: new URL(`${side.url}${path}`), ...question });
  return answer.ok ? answer.value.toString() : answer.error.nginx;
}
