// A site with TLS, and clients of node:tls that say exactly what they are told.
import { once } from "node:events";
import type { X509Certificate } from "node:crypto";
import * as net from "node:net";
import * as tls from "node:tls";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Authority, type Certificate } from "../support/certificates.ts";
import { Program } from "../support/program.ts";

const waitTimeoutMs = 10_000;

/** Certificates of one test file, in a folder that is removed with it. */
export class Certificates implements Disposable {
  readonly directory: string = mkdtempSync(join(tmpdir(), "tricorn-tls-"));
  readonly root: Authority = new Authority(this.directory, "root");

  /** An authority that `root` has signed, or nobody. */
  authority(name: string, issuer?: Authority): Authority {
    return new Authority(this.directory, name, issuer);
  }

  sign(host: string): Certificate {
    return this.root.sign(host);
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** The two directives of a certificate. */
export function pairOf({ certificate, key }: Certificate): string {
  return `ssl_certificate ${certificate}; ssl_certificate_key ${key};`;
}

/** Starts the program with this in its http block. */
export function startTls(http: string, main: string = ""): Promise<Program> {
  return Program.start({
    file: `daemon off; pid %FOLDER%/tricorn.pid; error_log stderr info; events { worker_connections 4096; } ${main}
      http { ${http} }`,
  });
}

export interface Asked extends tls.ConnectionOptions {
  readonly port: number;
  readonly target?: string;
  readonly host?: string;
  /** Bytes before the handshake. */
  readonly before?: string;
  /** Keep the connection's session for another one. */
  readonly onSession?: (session: Buffer) => void;
}

export interface Answered {
  /** Of the handshake, when it fails: node's code. */
  readonly refusal: string | undefined;
  readonly text: string;
  readonly status: number;
  readonly body: string;
  readonly socket: tls.TLSSocket;
  readonly subject: string | undefined;
  /** The server's. */
  readonly certificate: X509Certificate | undefined;
  readonly isReused: boolean;
}

/** One request on a connection of its own, read to its end. */
export async function ask(
  { port, target = "/", host = "localhost", before, onSession, ...options }: Asked,
): Promise<Answered> {
  const plain = net.connect(port, "127.0.0.1");
  await once(plain, "connect");
  if (before !== undefined) plain.write(before, "latin1");
  const socket = tls.connect({ socket: plain, rejectUnauthorized: false, ...options });
  const parts: Buffer[] = [];
  let refusal: string | undefined;
  let certificate: X509Certificate | undefined;
  let isReused = false;
  if (onSession !== undefined) socket.on("session", onSession);
  socket.on("error", (error: Error & { readonly code?: string }) => (refusal ??= error.code ?? error.message));
  socket.once("secureConnect", () => {
    certificate = socket.getPeerX509Certificate();
    isReused = socket.isSessionReused();
    socket.write(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  });
  socket.on("data", (part: Buffer) => parts.push(part));
  const timer = setTimeout(() => socket.destroy(new Error("no answer")), waitTimeoutMs);
  await new Promise<void>((resolve) => {
    socket.once("end", () => resolve()).once("close", () => resolve());
    plain.once("close", () => resolve());
  });
  clearTimeout(timer);
  socket.destroy();
  const text = Buffer.concat(parts).toString("latin1");
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);
  const body = text.split("\r\n\r\n")[1] ?? "";
  return { refusal, text, status, body, socket, subject: certificate?.subject, certificate, isReused };
}

/** Bytes on a TCP connection, and all that comes back until it ends; or the first that does. */
export async function exchange(
  port: number, bytes: string | Uint8Array, until: "end" | "first" = "end",
): Promise<Buffer> {
  const socket = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const parts: Buffer[] = [];
  socket.on("error", () => undefined).on("data", (part: Buffer) => parts.push(part));
  socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
  const timer = setTimeout(() => socket.destroy(), waitTimeoutMs);
  await new Promise<void>((resolve) => {
    socket.once("end", () => resolve()).once("close", () => resolve());
    if (until === "first") socket.once("data", () => resolve());
  });
  clearTimeout(timer);
  socket.destroy();
  return Buffer.concat(parts);
}

/** A ClientHello in one record, with what is asked for. */
export function clientHello(
  {
    serverName, protocols = [], more = [], ciphers = [0xc02b, 0xc02f], versions = [0x0303], compressions = [0],
    groups = [29, 23], sessionId = Buffer.alloc(0),
  }: {
    readonly serverName?: string | Uint8Array;
    readonly protocols?: readonly string[];
    /** Numbers of IANA's registries. */
    readonly ciphers?: readonly number[];
    readonly groups?: readonly number[];
    /** Of supported_versions: without any, there is no such extension. */
    readonly versions?: readonly number[];
    readonly compressions?: readonly number[];
    readonly sessionId?: Uint8Array;
    /** Further extensions: their numbers and contents. */
    readonly more?: readonly (readonly [number, Uint8Array])[];
  },
): Buffer {
  const extensions = [
    ...(serverName === undefined ? [] : [extension(0, vector(2, Buffer.concat([
      Buffer.of(0), vector(2, typeof serverName === "string" ? Buffer.from(serverName, "latin1") : serverName),
    ])))]),
    ...(protocols.length === 0 ? [] : [
      extension(16, vector(2, Buffer.concat(protocols.map((name) => vector(1, Buffer.from(name, "latin1")))))),
    ]),
    extension(10, vector(2, uint16s(groups))),
    extension(13, vector(2, Buffer.of(4, 3, 8, 4, 4, 1))),
    ...(versions.length === 0 ? [] : [extension(43, vector(1, uint16s(versions)))]),
    ...more.map(([number, content]) => extension(number, content)),
  ];
  const body = Buffer.concat([
    Buffer.of(3, 3), Buffer.alloc(32, 7), vector(1, sessionId), vector(2, uint16s(ciphers)),
    vector(1, Buffer.from(compressions)), vector(2, Buffer.concat(extensions)),
  ]);
  const message = Buffer.concat([Buffer.of(1, 0, body.length >> 8, body.length & 0xff), body]);
  return records(message, 16_384);
}

/** A handshake message in records of at most `size` bytes. */
export function records(message: Uint8Array, size: number): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < message.length; at += size) {
    parts.push(Buffer.of(22, 3, 1), vector(2, message.subarray(at, at + size)));
  }
  return Buffer.concat(parts);
}

function extension(number: number, content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(number >> 8, number & 0xff), vector(2, content)]);
}

function uint16s(numbers: readonly number[]): Buffer {
  return Buffer.from(numbers.flatMap((number) => [number >> 8, number & 0xff]));
}

function vector(lengthSize: 1 | 2, content: Uint8Array): Buffer {
  const length = lengthSize === 1 ? Buffer.of(content.length) : Buffer.of(content.length >> 8, content.length & 0xff);
  return Buffer.concat([length, content]);
}
