// A real ACME server for tests (Pebble), the names that it looks up, what it connects to, and a front before it that
// can say what Pebble never says: that there were too many orders, that something is broken.
import { type ChildProcess, spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { type IncomingMessage, type Server, type ServerResponse, createServer as createHttpServer } from "node:http";
import { type Server as HttpsServer, createServer as createHttpsServer, request } from "node:https";
import { type AddressInfo, createServer as createNetServer } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { type Server as TlsServer, createSecureContext, createServer as createTlsServer } from "node:tls";
import { pebblePath } from "../../tools/pebble.ts";
import type { Challenge } from "../../src/acme/messages.ts";
import { Authority } from "./certificates.ts";
import { NameServer } from "./name-server.ts";
import { eventually } from "./wait.ts";

export interface PebbleOptions {
  /** Of certificates; 90 days. */
  readonly lifetimeSeconds?: number;
  /** kid → HMAC key, base64url: then no account is made without one. */
  readonly externalAccounts?: Readonly<Record<string, string>>;
  /** So many chains beside the first one for each certificate; none. */
  readonly otherChains?: number;
  /** Of nonces that are good, so many in a hundred are refused, as they may be; none. */
  readonly refusedNonces?: number;
  /** Names that it refuses to sign for. */
  readonly blocked?: readonly string[];
  /** Where it looks for answers to challenges, instead of on the machine beside it. */
  readonly ports?: { readonly http: number; readonly tls: number };
}

/** What the front says in Pebble's place: undefined for nothing. */
export type Intercept = (request: { readonly method: string; readonly path: string }) =>
  { readonly status: number; readonly headers?: Record<string, string>; readonly body: string } | undefined;

/** Pebble, its name server, and a machine on which ports 80 and 443 answer its challenges. */
export class Pebble implements AsyncDisposable {
  readonly names: NameServer;
  /** The edge's part: what is asked for is answered, until it is removed. */
  readonly challenges: Map<string, Challenge> = new Map<string, Challenge>();
  /** Called when one was answered. */
  onAnswered: (id: string) => void = () => undefined;
  /** Requests that came to the front: "POST /order-plz". */
  readonly requests: string[] = [];
  intercept: Intercept = () => undefined;
  /** The machine is there, but says nothing of these challenges. */
  refuses: readonly Challenge["kind"][] = [];
  readonly #authority: Authority;
  readonly #child: ChildProcess;
  readonly #front: HttpsServer;
  readonly #machine: readonly (Server | TlsServer)[];
  readonly #managementPort: number;
  readonly #output: string[] = [];

  private constructor(parts: {
    readonly names: NameServer; readonly authority: Authority; readonly child: ChildProcess;
    readonly front: HttpsServer; readonly machine: readonly (Server | TlsServer)[]; readonly managementPort: number;
  }) {
    this.names = parts.names;
    this.#authority = parts.authority;
    this.#child = parts.child;
    this.#front = parts.front;
    this.#machine = parts.machine;
    this.#managementPort = parts.managementPort;
    for (const stream of [parts.child.stdout, parts.child.stderr]) {
      stream?.on("data", (chunk: Buffer) => this.#output.push(chunk.toString()));
    }
  }

  /** @param directory for its certificate and its settings */
  static async start(directory: string, options: PebbleOptions = {}): Promise<Pebble> {
    const names = await NameServer.listen();
    const authority = new Authority(directory, "authority");
    const own = authority.sign("127.0.0.1");
    const tls = { cert: readFileSync(own.certificate), key: readFileSync(own.key) };
    const [port, managementPort] = await freePorts(2);
    const http = createHttpServer((incoming, outgoing) => pebble.#answerHttp(incoming, outgoing));
    const alpn = createTlsServer({
      ...tls,
      ALPNProtocols: ["acme-tls/1"],
      SNICallback: (name, done) => done(null, pebble.#answerTls(name)),
    }, (socket) => socket.end());
    alpn.on("tlsClientError", () => undefined);
    const front = createHttpsServer(tls, (incoming, outgoing) => void pebble.#forward(port, incoming, outgoing));
    for (const server of [http, alpn, front]) {
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
    }
    const settings = {
      pebble: {
        listenAddress: `127.0.0.1:${port}`, managementListenAddress: `127.0.0.1:${managementPort}`,
        certificate: own.certificate, privateKey: own.key, httpPort: options.ports?.http ?? portOf(http),
        tlsPort: options.ports?.tls ?? portOf(alpn),
        ocspResponderURL: "", keyAlgorithm: "ecdsa", retryAfter: { authz: 1, order: 1 },
        externalAccountBindingRequired: options.externalAccounts !== undefined,
        externalAccountMACKeys: options.externalAccounts ?? {}, domainBlocklist: options.blocked ?? [],
        profiles: {
          default: { description: "usual", validityPeriod: options.lifetimeSeconds ?? 90 * 86_400 },
          shortlived: { description: "six days", validityPeriod: 6 * 86_400 },
        },
      },
    };
    const settingsPath = join(directory, "pebble.json");
    writeFileSync(settingsPath, JSON.stringify(settings));
    const child = spawn(pebblePath, ["-config", settingsPath, "-dnsserver", names.address, "-strict"], {
      // It would wait up to 15 s before it looks, believe some names without a look, and refuse one nonce of twenty.
      env: {
        ...process.env, PEBBLE_VA_NOSLEEP: "1", PEBBLE_AUTHZREUSE: "0",
        PEBBLE_WFE_NONCEREJECT: String(options.refusedNonces ?? 0),
        PEBBLE_ALTERNATE_ROOTS: String(options.otherChains ?? 0),
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const pebble = new Pebble({ names, authority, child, front, machine: [http, alpn], managementPort });
    await eventually("Pebble listens", 20_000, () => {
      if (child.exitCode !== null) throw new Error(`Pebble ends: ${pebble.output}`);
      return pebble.output.includes("ACME directory available");
    });
    return pebble;
  }

  /** The directory's URL, by way of the front. */
  get uri(): string {
    return `https://127.0.0.1:${portOf(this.#front)}/dir`;
  }

  /** The file of who signed its own certificate. */
  get trust(): string {
    return this.#authority.certificate;
  }

  get output(): string {
    return this.#output.join("");
  }

  /** Lets names lead to this machine. */
  resolve(...hosts: readonly string[]): void {
    for (const host of hosts) this.names.say(host, [{ type: "A", address: "127.0.0.1" }]);
  }

  /** How many requests like this came. @param what "POST /order-plz" */
  count(what: string): number {
    return this.requests.filter((line) => line === what).length;
  }

  /** Whose name ends one of its chains. @param number 0 is the first chain's */
  async root(number: number): Promise<X509Certificate> {
    return new X509Certificate(await this.#manage("GET", `/roots/${number}`));
  }

  /** Says when a certificate is to be renewed. */
  async setRenewalWindow(chain: string, start: Date, end: Date): Promise<void> {
    const window = { start: start.toISOString(), end: end.toISOString() };
    const said = { suggestedWindow: window, explanationURL: "https://issuer.example/why" };
    const body = JSON.stringify({ certificate: chain, ariResponse: JSON.stringify(said) });
    await this.#manage("POST", "/set-renewal-info/", body);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    for (const server of [this.#front, ...this.#machine]) {
      if ("closeAllConnections" in server) server.closeAllConnections();
      server.close();
    }
    await this.names[Symbol.asyncDispose]();
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, "exit");
  }

  async #manage(method: string, path: string, body?: string): Promise<string> {
    const options = { method, ca: readFileSync(this.trust), headers: { "User-Agent": "test" } };
    const sent = request(`https://127.0.0.1:${this.#managementPort}${path}`, options).end(body);
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    const answer = await text(response);
    if (response.statusCode !== 200) throw new Error(`Pebble does not take ${path}: ${answer}`);
    return answer;
  }

  /** Port 80 of the machine. */
  #answerHttp({ url = "" }: IncomingMessage, response: ServerResponse): void {
    const token = /^\/\.well-known\/acme-challenge\/(.+)$/.exec(url)?.[1];
    const found = [...this.challenges.values()].find((one) => one.kind === "http-01" && one.token === token);
    if (found?.kind !== "http-01" || this.refuses.includes(found.kind)) {
      response.writeHead(404).end("not here");
      return;
    }
    this.onAnswered(found.id);
    response.end(found.keyAuthorization);
  }

  /** Port 443 of the machine. */
  #answerTls(name: string): ReturnType<typeof createSecureContext> | undefined {
    const found = [...this.challenges.values()].find((one) => one.kind === "tls-alpn-01" && one.name === name);
    if (found?.kind !== "tls-alpn-01" || this.refuses.includes(found.kind)) return undefined;
    this.onAnswered(found.id);
    return createSecureContext({ cert: found.certificate, key: found.key });
  }

  /** With the front's own Host, by which Pebble makes its URLs. */
  async #forward(port: number, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method = "", url: path = "", headers } = incoming;
    this.requests.push(`${method} ${path}`);
    const said = this.intercept({ method, path });
    if (said !== undefined) {
      incoming.resume();
      // Where the front breaks what it was told, the connection is what breaks.
      if (said.status === 0) return void outgoing.destroy();
      return void outgoing.writeHead(said.status, said.headers).end(said.body);
    }
    const sent = request({ host: "127.0.0.1", port, method, path, headers, ca: readFileSync(this.trust) });
    incoming.pipe(sent);
    sent.on("error", () => outgoing.destroy());
    const [response] = (await once(sent, "response")) as [IncomingMessage];
    outgoing.writeHead(response.statusCode ?? 500, response.headers);
    response.pipe(outgoing);
  }
}

function portOf(server: Server | TlsServer | HttpsServer): number {
  return (server.address() as AddressInfo).port;
}

/** Free ports for a program that takes numbers only. */
async function freePorts(count: number): Promise<readonly [number, number]> {
  const servers = Array.from({ length: count }, () => createNetServer());
  const ports: number[] = [];
  for (const server of servers) {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    ports.push((server.address() as AddressInfo).port);
  }
  for (const server of servers) server.close();
  return [ports[0] ?? 0, ports[1] ?? 0];
}
