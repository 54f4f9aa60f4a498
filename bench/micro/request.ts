// `node bench/micro/request.ts`: from the bytes of a request to the bytes of the frame for the worker, no sockets.
import { EnvironEncoder } from "../../src/app/environ.ts";
import type { AppRequest } from "../../src/app/app-request.ts";
import { ScopeEncoder } from "../../src/app/scope.ts";
import { type EncoderSettings, type RequestEncoder, encodedFields } from "../../src/app/request-encoder.ts";
import type { RequestHead } from "../../src/http/request-head.ts";
import { RequestReader, SectionMemory } from "../../src/protocol/h1/index.ts";
import { MarshalWriter } from "../../src/protocol/wire/index.ts";
import { type Bytes, NO_BYTES, fromLatin1 } from "../../src/std/bytes.ts";
import { measure } from "./stopwatch.ts";

const limits = { requestLineSizeMax: 8190, fieldCountMax: 128, fieldSizeMax: 8190, headSizeMax: 32_768 };
const settings: EncoderSettings = {
  listeners: [{ kind: "tcp", host: "127.0.0.1", port: 8000 }],
  rootPath: "",
  underscoresInHeaders: false,
  software: "tricorn",
};
const peer = { address: "127.0.0.1", port: 40_000, scheme: "http", trusted: true } as const;

/** A browser's request; `n` makes its fields new ones. */
function requestBytes(n: number): Bytes {
  return fromLatin1(
    "GET /hats?sort=price HTTP/1.1\r\nHost: shop.example\r\n" +
      "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0\r\n" +
      "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n" +
      "Accept-Language: en-GB,en;q=0.8,de;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n" +
      "Cache-Control: max-age=0\r\nReferer: http://shop.example/\r\nUpgrade-Insecure-Requests: 1\r\n" +
      "Sec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-User: ?1\r\n" +
      `Cookie: sessionid=4x1v0ou7m8lq2c5s9e3rtw6yhzb7kd0n; number=${String(n).padStart(8, "0")}\r\n\r\n`,
  );
}

/** So many different requests that the memory for sections keeps none of them. */
const strangers = Array.from({ length: 4096 }, (_, n) => requestBytes(n));
const regular = [requestBytes(0)];

function read(requests: readonly Bytes[]): (times: number) => number {
  const reader = new RequestReader(limits, new SectionMemory());
  return (times) => {
    let sum = 0;
    for (let i = 0; i < times; i++) sum += readOne(reader, requests[i % requests.length] ?? NO_BYTES).path.length;
    return sum;
  };
}

function readOne(reader: RequestReader, bytes: Bytes): RequestHead {
  reader.receive(bytes);
  const event = reader.next();
  reader.keepRest();
  reader.startNextCycle();
  if (typeof event === "string" || event.kind !== "request") throw new Error("the request was not read");
  return event;
}

/** Reading and encoding; frames of one turn gather and leave together, as on the wire. */
function translate(requests: readonly Bytes[], encoder: RequestEncoder): (times: number) => number {
  const reader = new RequestReader(limits, new SectionMemory());
  const writer = new MarshalWriter();
  return (times) => {
    let sum = 0;
    for (let i = 0; i < times; i++) {
      const request = exchangeOf(readOne(reader, requests[i % requests.length] ?? NO_BYTES));
      const fields = encodedFields(encoder, request.head.fields, request.peer.trusted);
      sum += writer.begin(encoder.headSizeMax(request) + fields.length + 64)?.length ?? 0;
      writer.smallTuple(7);
      writer.int(1);
      writer.int(i);
      writer.int(0);
      encoder.writeHead(writer, request);
      writer.bytes(NO_BYTES);
      writer.raw(fields);
      writer.end();
      if (i % 32 === 31) sum += writer.take()?.length ?? 0;
    }
    return sum;
  };
}

/** What the encoders look at. */
function exchangeOf(head: RequestHead): AppRequest {
  const seen: Pick<AppRequest, "head" | "peer" | "listener" | "body"> = {
    head, peer, listener: 0, body: { kind: "whole", bytes: NO_BYTES },
  };
  return seen as AppRequest;
}

const environ = (requests: readonly Bytes[]): ((times: number) => number) =>
  translate(requests, new EnvironEncoder(settings));
const scope = (requests: readonly Bytes[]): ((times: number) => number) =>
  translate(requests, new ScopeEncoder(settings));

measure(`a request of ${regular[0]?.length ?? 0} bytes and 13 fields`, [
  { name: "read, fields seen before", run: read(regular) },
  { name: "read, new fields each time", run: read(strangers) },
  { name: "read and encoded as environ, fields seen before", run: environ(regular) },
  { name: "read and encoded as environ, new fields each time", run: environ(strangers) },
  { name: "read and encoded as scope, fields seen before", run: scope(regular) },
  { name: "read and encoded as scope, new fields each time", run: scope(strangers) },
]);
