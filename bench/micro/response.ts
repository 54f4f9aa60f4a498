// `node bench/micro/response.ts`: from a worker's frame to the text that goes to the client, no sockets.
import { ResponseDecoder } from "../../src/app/response-decoder.ts";
import { filterHeaders } from "../../src/filters/index.ts";
import { ResponseHead } from "../../src/http/response-head.ts";
import { formatHeadLines } from "../../src/protocol/h1/index.ts";
import { FROM_WORKER, FrameReader, MarshalReader, MarshalWriter } from "../../src/protocol/wire/index.ts";
import { type Bytes, NO_BYTES, copyBytes, fromLatin1 } from "../../src/std/bytes.ts";
import { measure } from "./stopwatch.ts";

const settings = { serverHeader: "tricorn", dateHeader: true };
const body = fromLatin1('{"colours":["black","red","green"],"corners":3,"name":"tricorn"}');
const perBatch = 32;

/** What a worker writes in one call: `perBatch` whole responses; `n` makes their heads new ones. */
function batch(n: number): Bytes {
  const writer = new MarshalWriter();
  for (let i = 0; i < perBatch; i++) {
    writer.begin(1024);
    writer.smallTuple(5);
    writer.int(FROM_WORKER.response);
    writer.int(i + 1);
    writer.bytes(body);
    writer.unicode("200 OK");
    writer.list(5);
    field(writer, "Content-Type", "application/json");
    field(writer, "Content-Length", String(body.length));
    field(writer, "X-Frame-Options", "DENY");
    field(writer, "Referrer-Policy", "same-origin");
    field(writer, "X-Request-Id", String(n * perBatch + i).padStart(12, "0"));
    writer.end();
  }
  return copyBytes(writer.take() ?? NO_BYTES);
}

function field(writer: MarshalWriter, name: string, value: string): void {
  writer.smallTuple(2);
  writer.unicode(name);
  writer.unicode(value);
}

const regular = [batch(0)];
/** More heads than are remembered. */
const strangers = Array.from({ length: 128 }, (_, n) => batch(n));

function answer(batches: readonly Bytes[]): (times: number) => number {
  const decoder = new ResponseDecoder();
  const frames = new FrameReader();
  const reader = new MarshalReader(NO_BYTES, 0, 0);
  return (times) => {
    let sum = 0;
    for (let done = 0, n = 0; done < times; n++) {
      frames.receive(batches[n % batches.length] ?? NO_BYTES);
      for (; frames.next(); done++) {
        reader.reset(frames.bytes, frames.start, frames.end);
        sum += textOf(reader, decoder).length;
      }
    }
    return sum;
  };
}

/** As WorkerLink and H1Connection do it between them. */
function textOf(reader: MarshalReader, decoder: ResponseDecoder): string {
  reader.sequence();
  reader.int();
  reader.int();
  const bytes = reader.bytes();
  const head = decoder.decode(reader);
  if (!(head instanceof ResponseHead)) throw new Error(head.refused);
  head.prepared ??= prepare(head);
  return `${head.prepared.lines}Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n${bytes.latin1Slice()}`;
}

function prepare(head: ResponseHead): NonNullable<ResponseHead["prepared"]> {
  const { fields, needsDate } = filterHeaders(head, settings);
  return { lines: formatHeadLines(head.status, head.reason, fields), needsDate, settings };
}

measure(`a response of 5 fields and ${body.length} bytes`, [
  { name: "decoded and formatted, head seen before", run: answer(regular) },
  { name: "decoded and formatted, new head each time", run: answer(strangers) },
]);
