/**
 * One question to a responder, over HTTP (RFC 6960 appendix A): GET where the request is small, so that caches on the
 * way may answer, else POST. The responder is not trusted: its time, the size of its answer and its redirects are
 * bounded, and a redirect cannot lead to another host, which might be one of this machine's neighbours.
 */
import { Agent, type IncomingMessage, request as httpRequest } from "node:http";
import { asBytes, type Bytes, concatBytes } from "../../std/bytes.ts";
import { err, ok, type Result } from "../../std/result.ts";
import type { OcspFault } from "./fault.ts";

/** From the connection to the last byte, redirects included. nginx: 60 s for each step. */
const TIMEOUT_MS = 10_000;
/** Responses have one or two kilobytes, four with a chain of big keys. */
export const RESPONSE_SIZE_MAX = 65_536;
const HEAD_SIZE_MAX = 8192;
const REDIRECTS_MAX = 2;
/** RFC 6960 A.1: GET may be used for requests whose encoded URL is shorter. */
const GET_LENGTH_MAX = 255;

/** Statuses of responders that take the other method. */
const METHOD_REFUSED: readonly number[] = [405, 501];
const REDIRECT: readonly number[] = [301, 302, 303, 307, 308];

export interface Question {
  /** An http URL. */
  readonly responder: URL;
  /** DER of an OCSPRequest. */
  readonly request: Uint8Array;
  /** Given up when it is aborted. */
  readonly signal: AbortSignal;
  readonly timeoutMs?: number | undefined;
}

type Answer = Result<Bytes, OcspFault>;

/** One exchange: what came, or where to go on. */
type Step =
  | { readonly kind: "answer"; readonly answer: Answer }
  | { readonly kind: "status"; readonly status: number; readonly location: string | undefined };

/** Asks. Never throws. @returns the body of a response that says to be an OCSP response, unread */
export async function askResponder({ responder, request, signal, timeoutMs = TIMEOUT_MS }: Question): Promise<Answer> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const either = AbortSignal.any([signal, timeout]);
  const small = getUrl(responder, request);
  let method: "GET" | "POST" = small === undefined ? "POST" : "GET";
  let url = small ?? responder;
  let redirects = 0;
  for (;;) {
    const step = await exchange({ url, body: method === "POST" ? request : undefined, signal: either });
    if (timeout.aborted) return refuse("OCSP responder timed out", "check that this machine reaches it");
    if (step.kind === "answer") return step.answer;
    if (METHOD_REFUSED.includes(step.status) && method === "GET") {
      [method, url] = ["POST", responder];
      continue;
    }
    if (!REDIRECT.includes(step.status) || step.location === undefined) {
      return refuse(`OCSP responder sent status ${step.status}`, "look at its URL, and ask whoever runs it");
    }
    redirects += 1;
    const next = URL.parse(step.location, url);
    if (redirects > REDIRECTS_MAX || next?.protocol !== "http:" || next.host !== responder.host) {
      const nginx = redirects > REDIRECTS_MAX ? "too many times" : `to "${step.location.slice(0, 200)}"`;
      return refuse(`OCSP responder redirected ${nginx}`, "name the right one with ssl_stapling_responder");
    }
    url = next;
  }
}

/** RFC 6960 A.1: the URL, a slash, and the request in base64, of which "+", "/" and "=" are escaped. */
function getUrl(responder: URL, request: Uint8Array): URL | undefined {
  if (responder.search !== "") return undefined;
  const url = new URL(responder);
  const encoded = encodeURIComponent(asBytes(request).toString("base64"));
  url.pathname += `${url.pathname.endsWith("/") ? "" : "/"}${encoded}`;
  return url.href.length < GET_LENGTH_MAX ? url : undefined;
}

interface Exchange {
  readonly url: URL;
  readonly body: Uint8Array | undefined;
  readonly signal: AbortSignal;
}

async function exchange({ url, body, signal }: Exchange): Promise<Step> {
  const { promise, resolve } = Promise.withResolvers<Step>();
  const posted = { "Content-Type": "application/ocsp-request", "Content-Length": body?.length ?? 0 };
  const client = httpRequest(url, {
    method: body === undefined ? "GET" : "POST",
    headers: { Accept: "application/ocsp-response", Connection: "close", ...(body === undefined ? {} : posted) },
    // One of its own: the common one may have been told of a proxy by the environment.
    agent: new Agent(), maxHeaderSize: HEAD_SIZE_MAX, signal,
  });
  client.on("error", (error) => {
    const answer = refuse(`OCSP responder: ${error.message}`, "check that this machine reaches it");
    resolve({ kind: "answer", answer });
  });
  client.on("response", (response) => {
    const { statusCode: status = 0, headers: { location } } = response;
    if (status === 200) return void readAnswer(response).then((answer) => resolve({ kind: "answer", answer }));
    resolve({ kind: "status", status, location });
    response.destroy();
  });
  client.end(body);
  return promise;
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const type = response.headers["content-type"] ?? "";
  const isOcsp = /^application\/ocsp-response *(?:;|$)/i.test(type);
  if (!isOcsp) {
    response.destroy();
    const nginx = `OCSP responder sent invalid "Content-Type" header: "${type.slice(0, 200)}"`;
    return refuse(nginx, "what answers there is no OCSP responder");
  }
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const part of response as AsyncIterable<Uint8Array>) {
      size += part.length;
      // Leaving the loop closes the connection.
      if (size > RESPONSE_SIZE_MAX) {
        return refuse(`OCSP responder sent more than ${RESPONSE_SIZE_MAX} bytes`, "ask whoever runs it");
      }
      parts.push(part);
    }
  } catch {
    return refuse("OCSP responder prematurely closed connection", "ask whoever runs it");
  }
  return ok(concatBytes(parts));
}

function refuse(nginx: string, hint: string): { readonly ok: false; readonly error: OcspFault } {
  return err({ nginx, hint });
}
