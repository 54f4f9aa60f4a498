/**
 * The head of a request as a header block of HTTP/2 (RFC 9113 §8.3.1), from the field lines that a request of HTTP/1.1
 * would have: Host becomes :authority, and what speaks of a connection is left out (§8.2.2).
 *
 * A client mostly repeats its fields: what the last ones became is kept.
 */
import type { FieldLine } from "../../http/response-head.ts";
import { encodeBlock } from "../../protocol/h2/index.ts";
import { NO_BYTES, concatBytes } from "../../std/bytes.ts";
import type { Bytes } from "../../std/bytes.ts";

export interface H2Request {
  readonly method: string;
  readonly scheme: "http" | "https";
  readonly path: string;
  /** Field lines with their CRLFs; values were judged before. */
  readonly text: string;
  /** −1: nothing is said of a length. */
  readonly bodySize: number;
  /** Does the client take trailers? */
  readonly takesTrailers: boolean;
}

/** RFC 9113 §8.2.2; and what belongs to the upgrade of RFC 7540 §3.2. */
const connectionNames: ReadonlySet<string> = new Set([
  "connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade", "http2-settings",
]);
const TRAILERS: FieldLine = ["te", "trailers"];

export class H2RequestBlocks {
  #text: string | undefined = undefined;
  #takesTrailers = false;
  #authority: string | undefined = undefined;
  #fields: Bytes = NO_BYTES;

  make({ method, scheme, path, text, bodySize, takesTrailers }: H2Request): Bytes {
    if (text !== this.#text || takesTrailers !== this.#takesTrailers) this.#read(text, takesTrailers);
    const first: FieldLine[] = [[":method", method], [":scheme", scheme], [":path", path]];
    // RFC 9113 §8.3.1: an empty one must not be; where the configuration takes Host away, there is none.
    if (this.#authority !== undefined) first.push([":authority", this.#authority]);
    if (bodySize >= 0) first.push(["content-length", String(bodySize)]);
    return concatBytes([encodeBlock(first), this.#fields]);
  }

  #read(text: string, takesTrailers: boolean): void {
    this.#text = text;
    this.#takesTrailers = takesTrailers;
    this.#authority = undefined;
    const fields: FieldLine[] = takesTrailers ? [TRAILERS] : [];
    for (const line of text.split("\r\n")) {
      const colon = line.indexOf(":");
      if (colon <= 0) continue;
      const name = line.slice(0, colon).toLowerCase();
      const value = line.slice(colon + 1).trim();
      if (name === "host") this.#authority ??= value;
      else if (name === "te") {
        // RFC 9113 §8.2.2: TE MUST NOT contain any value other than "trailers".
        if (value.toLowerCase() === "trailers" && !fields.includes(TRAILERS)) fields.push(TRAILERS);
      } else if (!connectionNames.has(name)) fields.push([name, value]);
    }
    this.#fields = encodeBlock(fields);
  }
}
