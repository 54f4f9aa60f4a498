// A client of HTTP/2 that is not ours, nghttp2 as node:http2 has it; and a site that speaks it in cleartext.
import { once } from "node:events";
import * as http2 from "node:http2";
import { join } from "node:path";
import { venvPython } from "../../tools/venv.ts";
import type { Program } from "../support/program.ts";
import { type SiteText, startSite } from "../site/site.ts";

const directory = join(import.meta.dirname, "apps");

/** A site with applications `wsgi` and `asgi` of tests/h2/apps, whose first socket speaks HTTP/2. */
export function startH2Site({ server, ...site }: SiteText): Promise<Program> {
  const app = (name: string): string => `app ${name} {
    module speaking:${name}; chdir ${directory}; python ${venvPython}; ${name === "asgi" ? "lifespan off;" : ""}
  }`;
  return startSite({ apps: `${app("wsgi")} ${app("asgi")}`, server: `http2 on; ${server}`, ...site });
}

export interface Answer {
  readonly status: number;
  readonly headers: http2.IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
  /** Statuses of informational responses, with their fields. */
  readonly informational: readonly (http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader)[];
  readonly trailers: http2.IncomingHttpHeaders | undefined;
}

export interface Asked {
  readonly headers?: http2.OutgoingHttpHeaders;
  readonly body?: Uint8Array | string;
}

export class Client implements Disposable {
  readonly session: http2.ClientHttp2Session;
  /** Codes of GOAWAYs that came. */
  readonly goAways: number[] = [];

  private constructor(session: http2.ClientHttp2Session) {
    this.session = session;
    session.on("goaway", (code: number) => this.goAways.push(code));
    session.on("error", () => undefined);
  }

  static async connect(program: Program, options: http2.ClientSessionOptions = {}): Promise<Client> {
    return Client.over(http2.connect(`http://127.0.0.1:${program.port}`, options));
  }

  /** A client on a connection that begins. */
  static async over(session: http2.ClientHttp2Session): Promise<Client> {
    const client = new Client(session);
    // What may be asked for is known then.
    await once(session, "remoteSettings");
    return client;
  }

  /** Starts a request; its body, if it has one, is to be written. */
  begin(path: string, headers: http2.OutgoingHttpHeaders = {}, hasBody: boolean = false): http2.ClientHttp2Stream {
    return this.session.request({ ":path": path, ...headers }, { endStream: !hasBody });
  }

  /** Asks and reads the answer; rejects when the stream is reset. */
  async ask(path: string, { headers = {}, body }: Asked = {}): Promise<Answer> {
    const method = body === undefined ? "GET" : "POST";
    const stream = this.begin(path, { ":method": method, ...headers }, body !== undefined);
    if (body !== undefined) stream.end(body);
    return answerOf(stream);
  }

  [Symbol.dispose](): void {
    this.session.destroy();
  }
}

/** The whole answer of a stream. */
export async function answerOf(stream: http2.ClientHttp2Stream): Promise<Answer> {
  const informational: Answer["informational"][number][] = [];
  let trailers: http2.IncomingHttpHeaders | undefined;
  let head: http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader = {};
  stream.on("headers", (headers) => informational.push(headers));
  stream.on("response", (headers) => (head = headers));
  stream.on("trailers", (headers) => (trailers = headers));
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  const body = Buffer.concat(parts);
  return { status: head[":status"] ?? 0, headers: head, body, text: body.toString("latin1"), informational, trailers };
}
