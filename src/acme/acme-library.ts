/**
 * The client library, with our own transport under it.
 *
 * acme-client does the protocol (JWS, nonces, accounts, orders, CSRs). Its transport would sleep in real time for as
 * long as a Retry-After says and knows neither trusted certificates nor bounds, and of a refusal it leaves a sentence
 * only. So each request of it comes here: the connection that it belongs to is known by AsyncLocalStorage, and a
 * refusal is thrown as the AcmeProblem that it is.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { axios } from "acme-client";
import { type HttpsClient, type HttpsResponse, throwRefusal } from "./https.ts";

/** The library's requests within `run` go over this. */
export interface LibraryTransport {
  readonly https: HttpsClient;
  /** For a Retry-After without a date to compare with. */
  readonly now: () => number;
  /** Called with each answer. */
  readonly onResponse: (url: string, response: HttpsResponse) => void;
}

const transports = new AsyncLocalStorage<LibraryTransport>();
let isInstalled = false;

/** Runs what calls the library. Its rejections are AcmeProblems, but for the library's own complaints. */
export function withTransport<T>(transport: LibraryTransport, run: () => Promise<T>): Promise<T> {
  if (!isInstalled) install();
  return transports.run(transport, run);
}

/** The library has one axios for all of a process; this process is for nothing else. */
function install(): void {
  isInstalled = true;
  axios.defaults.adapter = async (config) => {
    const transport = transports.getStore();
    if (transport === undefined) throw new Error("the library was called without a transport");
    const { url = "", method = "get" } = config;
    const data: unknown = config.data;
    const response = await transport.https.fetch({
      url, method: method.toUpperCase(), headers: { "Content-Type": "application/jose+json" },
      body: typeof data === "string" ? data : undefined,
    });
    transport.onResponse(url, response);
    throwRefusal(response, transport.now());
    const { status, headers, body } = response;
    return { status, statusText: "", headers, config, data: body };
  };
}
