// `node bench/micro/static-server.ts DIRECTORY PORT`: serves a directory through src/net, src/protocol/h1 and
// src/handlers/static the way the edge does, and nothing else: no limits, no log. For bench/micro/static.ts.
import { createServer } from "node:net";
import type { FieldSection } from "../../src/http/field-section.ts";
import type { RequestHead } from "../../src/http/request-head.ts";
import type { ResponseHead } from "../../src/http/response-head.ts";
import { FileCache, FileMemory, StaticHandler } from "../../src/handlers/static/index.ts";
import type { FileAnswer, ReadyAnswer, StaticAnswer, StaticRequest } from "../../src/handlers/static/index.ts";
import {
  ByteStream, Clock, FileBody, RateLimit, ReadBuffers, loadSendfile, makeReadBuffer,
} from "../../src/net/index.ts";
import type { BodySink, SocketHandle, StreamReceiver } from "../../src/net/index.ts";
import { RequestReader, SectionMemory, formatHeadLines } from "../../src/protocol/h1/index.ts";
import { parseRequestUri } from "../../src/route/index.ts";
import type { Bytes } from "../../src/std/bytes.ts";

const [, , directory = ".", port = "8000", cache = "on", sendfileSetting = "on"] = process.argv;
const limits = { requestLineSizeMax: 8190, fieldCountMax: 128, fieldSizeMax: 8190, headSizeMax: 32_768 };
const clock = new Clock();
const sections = new SectionMemory();
const buffers = new ReadBuffers();
const sendfile = loadSendfile();
const readBuffer = makeReadBuffer();
const files = new FileCache({
  // nginx's defaults of `open_file_cache max=1000`.
  openFileCache: cache === "on"
    ? { max: 1000, inactiveMs: 60_000, validMs: 60_000, minUses: 1, errors: false } : undefined,
  symlinks: { mode: "off", from: "" },
  memory: new FileMemory(),
  clock,
});
const handler = new StaticHandler({
  mapping: { kind: "root", directory, prefix: "" }, index: ["index.html"], variableIndex: undefined,
  types: { html: "text/html" }, defaultType: "text/plain", isUtf8: false,
  etag: true, ifModifiedSince: "exact", maxRanges: 16,
  gzipStatic: "off", brotliStatic: "off", zstdStatic: "off", gzipVary: false, autoindex: undefined,
  absoluteRedirect: true, portInRedirect: true, serverNameInRedirect: false, sendfile: sendfileSetting === "on",
  openFileCache: undefined, symlinks: { mode: "off", from: [] }, limitRate: [], limitRateAfter: [],
}, files);

/** One request as the handler sees it. */
class Exchange implements StaticRequest {
  readonly method: string;
  readonly path: string;
  readonly args: string;
  readonly fields: FieldSection;
  readonly mayCompress = true;
  readonly scheme = "http";
  readonly host = "localhost";
  readonly serverName = "";
  readonly localAddress = "127.0.0.1";
  readonly localPort = Number(port);

  constructor(head: RequestHead) {
    const uri = parseRequestUri(head.path, true);
    this.method = head.method;
    this.path = uri?.path ?? "/";
    this.args = head.query;
    this.fields = head.fields;
  }
}

class Connection implements StreamReceiver, BodySink {
  readonly #stream: ByteStream;
  readonly #reader = new RequestReader(limits, sections);
  #body: FileBody | undefined = undefined;
  #busy = false;
  #reading = false;

  constructor(stream: ByteStream) {
    this.#stream = stream;
  }

  onBytes(bytes: Bytes): void {
    this.#reader.receive(bytes);
    this.#read();
    this.#reader.keepRest();
  }

  onEnd(): void {
    this.#stream.end();
  }

  onDrain(): void {
    return;
  }

  onClose(): void {
    this.#body?.close();
  }

  get descriptor(): number {
    return this.#stream.idleDescriptor;
  }

  write(bytes: Bytes, taken: () => void): void {
    this.#stream.writeBytes(bytes, taken);
  }

  passed(): void {
    return;
  }

  #read(): void {
    if (this.#reading) return;
    this.#reading = true;
    while (!this.#busy) {
      const event = this.#reader.next();
      if (event === "need-data") break;
      if (event === "paused") this.#reader.startNextCycle();
      else if (event.kind === "request") this.#begin(new Exchange(event));
      else if (event.kind === "violation") return this.#stream.destroy();
    }
    this.#reading = false;
  }

  #begin(request: StaticRequest): void {
    const answer = handler.answer(request);
    if (!(answer instanceof Promise)) return this.#respond(answer);
    this.#busy = true;
    void answer.then((late) => {
      this.#busy = false;
      this.#respond(late);
      if (!this.#busy) this.#next();
    });
  }

  #next(): void {
    this.#reader.startNextCycle();
    this.#read();
    this.#reader.keepRest();
  }

  #respond(answer: StaticAnswer): void {
    if (answer.kind === "ready") this.#ready(answer);
    else if (answer.kind === "file") this.#file(answer);
    else this.#stream.writeLatin1(`HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n${clock.dateLine}\r\n`);
  }

  #ready({ head, body, text }: ReadyAnswer): void {
    const lines = linesOf(head);
    if (text !== undefined) {
      this.#stream.writeLatin1(text.of(lines, headEnd(), body));
      return;
    }
    this.#stream.cork();
    this.#stream.writeLatin1(lines + headEnd());
    this.#stream.writeBytes(body);
    this.#stream.uncork();
  }

  #file({ head, parts, file, rate, sendfile: mayPass }: FileAnswer): void {
    this.#busy = true;
    this.#stream.writeLatin1(linesOf(head) + headEnd());
    this.#body = new FileBody(this, {
      file, parts, buffers,
      sendfile: mayPass ? sendfile : undefined,
      limit: rate === undefined ? undefined : new RateLimit(rate, performance.now()),
      onDone: (outcome) => {
        this.#busy = false;
        if (outcome.kind === "complete") this.#next();
        else this.#stream.reset();
      },
    });
    this.#body.start();
  }
}

function linesOf(head: ResponseHead): string {
  const { prepared } = head;
  if (prepared !== undefined) return prepared.lines;
  const lines = formatHeadLines(head.status, head.reason, [...head.fields, ["Server", "tricorn"]]);
  head.prepared = { lines, needsDate: true, settings: server };
  return lines;
}

const server = createServer({ allowHalfOpen: true });
server.listen(Number(port), "127.0.0.1", () => {
  // As src/net/listener.ts does it, on a socket of our own.
  const handle: unknown = Reflect.get(server, "_handle");
  (handle as { onconnection: (error: number, connection: SocketHandle | undefined) => void }).onconnection =
    (_, connection) => {
      if (connection === undefined) return;
      const stream = ByteStream.accept(connection, readBuffer, true);
      stream.start(new Connection(stream));
    };
});

let dateLine = "";
let end = "";

/** Date and the empty line, joined once a second. */
function headEnd(): string {
  if (dateLine !== clock.dateLine) {
    dateLine = clock.dateLine;
    end = `${dateLine}\r\n`;
  }
  return end;
}
