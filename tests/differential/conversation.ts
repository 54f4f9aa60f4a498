// What a client writes, and everything that it hears until the server closes the connection.
import { connect } from "node:net";

/** How long a connection may be silent before it counts as left open. */
export const patienceMs = 4000;

export interface Conversation {
  readonly bytes: Buffer;
  /** Did the server close it, or was it still open after a time of silence? */
  readonly end: "closed" | "open";
}

/**
 * Sends the parts, each after the first when something new has come for those before, and reads to the end.
 * @param where a port of 127.0.0.1 or the path of a Unix socket
 */
export function converse(where: number | string, parts: readonly Buffer[]): Promise<Conversation> {
  return new Promise((resolve) => {
    const received: Buffer[] = [];
    const left = [...parts];
    const socket = typeof where === "number" ? connect(where, "127.0.0.1") : connect(where);
    socket.setNoDelay(true);
    const finish = (end: Conversation["end"]): void => {
      socket.destroy();
      resolve({ bytes: Buffer.concat(received), end });
    };
    const speak = (): void => {
      const part = left.shift();
      if (part !== undefined) socket.write(part);
    };
    socket.setTimeout(patienceMs, () => finish("open"));
    socket.once("connect", speak);
    socket.on("data", (bytes: Buffer) => {
      received.push(bytes);
      speak();
    });
    // A server may close with unread bytes in its buffer, which the system tells with a reset.
    socket.once("error", () => finish("closed"));
    socket.once("close", () => finish("closed"));
  });
}

/**
 * A request in short: "GET /path | Field: value | Other: value || body". Host and Connection: close are added; with a
 * version ("GET /path HTTP/1.0") nothing is. What has a line end in it is sent as it is, one character a byte.
 */
export function requestBytes(short: string): Buffer {
  if (/[\r\n]/.test(short)) return Buffer.from(short, "latin1");
  const bodyAt = short.indexOf(" || ");
  const body = bodyAt < 0 ? "" : short.slice(bodyAt + 4);
  const [line = "", ...fields] = (bodyAt < 0 ? short : short.slice(0, bodyAt)).split(" | ");
  const lines = [...fields];
  const isWritten = (name: string): boolean => fields.some((field) => field.toLowerCase().startsWith(`${name}:`));
  const hasVersion = / HTTP\/[\d.]+$/.test(line);
  if (!hasVersion && !isWritten("host")) lines.unshift("Host: site.test");
  if (!hasVersion && !isWritten("connection")) lines.push("Connection: close");
  if (body !== "" && !isWritten("content-length") && !isWritten("transfer-encoding")) {
    lines.push(`Content-Length: ${body.length}`);
  }
  const text = [hasVersion ? line : `${line} HTTP/1.1`, ...lines].map((each) => `${each}\r\n`).join("");
  return Buffer.from(`${text}\r\n${body}`, "latin1");
}
