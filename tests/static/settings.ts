// Settings and requests for tests of src/handlers/static: nginx's defaults, and what a test is about.
import type { FieldSection } from "../../src/http/field-section.ts";
import type { StaticAnswer, StaticRequest, StaticSettings } from "../../src/handlers/static/index.ts";
import { RequestReader, SectionMemory } from "../../src/protocol/h1/index.ts";
import { fromLatin1 } from "../../src/std/bytes.ts";
import { limits } from "../protocol/engine.ts";

export function settingsOf(some: Partial<StaticSettings> = {}): StaticSettings {
  return {
    mapping: { kind: "root", directory: "/srv", prefix: "" },
    index: ["index.html"],
    variableIndex: undefined,
    types: { html: "text/html", txt: "text/plain" },
    defaultType: "application/octet-stream",
    isUtf8: false,
    etag: true,
    ifModifiedSince: "exact",
    maxRanges: 16,
    gzipStatic: "off",
    brotliStatic: "off",
    zstdStatic: "off",
    gzipVary: false,
    autoindex: undefined,
    absoluteRedirect: true,
    portInRedirect: true,
    serverNameInRedirect: false,
    sendfile: true,
    openFileCache: undefined,
    symlinks: { mode: "off", from: [] },
    limitRate: [],
    limitRateAfter: [],
    ...some,
  };
}

/** A request as the router gives it on. @param lines its fields, each with its CRLF */
export function requestOf(path: string, lines: string = "", some: Partial<StaticRequest> = {}): StaticRequest {
  return {
    method: "GET", path, args: "", fields: fieldsOf(lines), mayCompress: true, scheme: "http", host: "localhost",
    serverName: "", localAddress: "127.0.0.1", localPort: 80, ...some,
  };
}

function fieldsOf(lines: string): FieldSection {
  const reader = new RequestReader(limits, new SectionMemory());
  reader.receive(fromLatin1(`GET / HTTP/1.1\r\nHost: localhost\r\n${lines}\r\n`));
  const event = reader.next();
  if (typeof event === "string" || event.kind !== "request") throw new Error("these are no fields");
  return event.fields;
}

/** The status of an answer, 0 for an internal redirect. */
export function statusOf(answer: StaticAnswer): number {
  if (answer.kind === "internal") return 0;
  return "head" in answer ? answer.head.status : answer.status;
}

/** The value of a field of an answer. */
export function fieldOf(answer: StaticAnswer, name: string): string | undefined {
  if (answer.kind === "redirect") return name === "Location" ? answer.location : undefined;
  const fields = "head" in answer ? answer.head.fields : answer.kind === "status" ? answer.fields : [];
  return fields.find(([known]) => known === name)?.[1];
}

/** The body of an answer as text, one character a byte; a file's parts are read, and the file released. */
export function bodyOf(answer: StaticAnswer, read: (fd: number, start: number, end: number) => string): string {
  if (answer.kind === "ready") return answer.body.latin1Slice();
  if (answer.kind !== "file") return "";
  const { file, parts } = answer;
  const text = parts.map((part) =>
    part.kind === "bytes" ? part.bytes.latin1Slice() : file === undefined ? "" : read(file.fd, part.start, part.end));
  file?.release();
  return text.join("");
}
