/** One request over HTTPS, bounded in time and size: what the client library's own transport is replaced by. */
import { Agent, request } from "node:https";
import { parseHttpDate } from "../http/date.ts";
import { SOFTWARE } from "../std/version.ts";
import { isRecord, parseJson } from "./json.ts";
import { problem, problemOf } from "./problem.ts";

/** Directories, orders and chains are some KB; anything above is no answer of an issuer. */
const BODY_SIZE_MAX = 1024 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;
const REDIRECTS_MAX = 3;

export interface HttpsRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

export interface HttpsResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Connections to one issuer, which are kept while it is asked something. */
export class HttpsClient {
  readonly #agent: Agent;

  /** @param trust authorities, PEM, in the place of the system's; @param verify false: any certificate will do */
  constructor(trust: string | undefined, verify: boolean) {
    this.#agent = new Agent({
      keepAlive: true, maxSockets: 4, timeout: REQUEST_TIMEOUT_MS, rejectUnauthorized: verify,
      ...(trust === undefined ? {} : { ca: trust }),
    });
  }

  /**
   * Rejects with an AcmeProblem where no answer came. GET follows redirects, which directories have; what is signed
   * names its URL, and is not sent to another.
   */
  async fetch(request: HttpsRequest): Promise<HttpsResponse> {
    let response = await this.#fetchOnce(request);
    for (let redirects = 0, { url } = request; request.method === "GET" && isRedirect(response); redirects++) {
      const location = response.headers["location"] ?? "";
      const next = URL.canParse(location, url) ? new URL(location, url) : undefined;
      if (next?.protocol !== "https:" || redirects === REDIRECTS_MAX) {
        throw problem(`${url} leads to ${location}, where it is not followed`);
      }
      url = next.href;
      response = await this.#fetchOnce({ ...request, url });
    }
    return response;
  }

  async #fetchOnce({ url, method, headers, body }: HttpsRequest): Promise<HttpsResponse> {
    const { hostname } = new URL(url);
    const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    try {
      return await new Promise<HttpsResponse>((resolve, reject) => {
        const options = { agent: this.#agent, method, signal, headers: { ...headers, "User-Agent": SOFTWARE } };
        const sent = request(url, options, (response) => {
          const chunks: Buffer[] = [];
          let size = 0;
          response.on("data", (chunk: Buffer) => {
            size += chunk.length;
            if (size > BODY_SIZE_MAX) sent.destroy(new Error(`its answer has more than ${BODY_SIZE_MAX} bytes`));
            else chunks.push(chunk);
          });
          response.on("error", reject);
          response.on("end", () => resolve({
            status: response.statusCode ?? 0,
            headers: Object.fromEntries(Object.entries(response.headers).map(([name, value]) =>
              [name, Array.isArray(value) ? value.join(", ") : (value ?? "")])),
            body: Buffer.concat(chunks).toString(),
          }));
        });
        sent.on("error", reject);
        sent.end(body);
      });
    } catch (thrown) {
      const reason = signal.aborted ? `no answer within ${REQUEST_TIMEOUT_MS / 1000} s` : textOf(thrown);
      throw problem(`${hostname} cannot be asked: ${reason}`);
    }
  }

  close(): void {
    this.#agent.destroy();
  }
}

function isRedirect({ status }: HttpsResponse): boolean {
  return [301, 302, 303, 307, 308].includes(status);
}

function textOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if (thrown.message !== "" || !("code" in thrown)) return thrown.message;
  // Of several addresses that all failed, only the code is left.
  return String(thrown.code);
}

/** What the server's clock says, milliseconds since 1970. */
export function serverTime(headers: Readonly<Record<string, string>>): number | undefined {
  const seconds = parseHttpDate(headers["date"] ?? "");
  return seconds === undefined ? undefined : seconds * 1000;
}

/**
 * Retry-After in milliseconds (RFC 9110 §10.2.3). A date counts from the server's own Date, so that our clock may be
 * wrong.
 * @param now for a server without Date, milliseconds since 1970
 * @returns undefined where there is none
 */
export function retryAfter(headers: Readonly<Record<string, string>>, now: number): number | undefined {
  const text = headers["retry-after"];
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const then = parseHttpDate(text);
  if (then === undefined) return undefined;
  return Math.max(0, then * 1000 - (serverTime(headers) ?? now));
}

/** Throws what an answer refuses, unless it is a nonce: that the library knows to try again with another (§6.5). */
export function throwRefusal({ status, headers, body }: HttpsResponse, now: number): void {
  if (status < 400) return;
  const document = parseJson(body);
  if (isRecord(document) && document["type"] === "urn:ietf:params:acme:error:badNonce") return;
  throw problemOf(document, status, retryAfter(headers, now) ?? 0);
}
