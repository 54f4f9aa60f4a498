// A whole site whose certificates come by themselves, from a real ACME server: what a browser meets before, while and
// after they come.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { requirePebble } from "../../tools/pebble.ts";
import { Pebble } from "../support/pebble.ts";
import { isAlive } from "../support/processes.ts";
import { Program, freePort } from "../support/program.ts";
import { eventually } from "../support/wait.ts";
import { type Answered, type Asked, ask } from "../tls/site.ts";

const patienceMs = 30_000;
const skip = await requirePebble();

/** Whom acme_on_demand asks. */
class Allowing implements AsyncDisposable {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(allows: (name: string) => boolean): Promise<Allowing> {
    const server = createServer((request, response) => {
      const name = new URL(request.url ?? "", "http://allow").searchParams.get("domain") ?? "";
      response.writeHead(allows(name) ? 200 : 403).end();
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Allowing(server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/allow`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

interface Ports {
  readonly http: number;
  readonly tls: number;
}

describe("a site with acme", { skip }, () => {
  const directory = mkdtempSync(join(tmpdir(), "tricorn-acme-site-"));
  after(() => rmSync(directory, { recursive: true }));
  let ports: Ports;
  let pebble: Pebble;
  before(async () => {
    ports = { http: await freePort(), tls: await freePort() };
    pebble = await Pebble.start(directory, { ports });
    pebble.resolve("a.example.org", "b.example.org", "c.example.org", "d.example.org");
  });
  after(async () => pebble[Symbol.asyncDispose]());

  /** @param state a directory of its own */
  function fileOf(state: string, server: string, http: string = ""): string {
    return `
      daemon off; pid %FOLDER%/tricorn.pid; error_log stderr info; events { } worker_processes 2;
      http {
        acme_state_path ${join(directory, state)};
        acme_issuer local { uri ${pebble.uri}; ssl_trusted_certificate ${pebble.trust}; accept_terms_of_service; }
        server { listen 127.0.0.1:${ports.http}; return 301 https://$host$request_uri; }
        ${http}
        server { listen 127.0.0.1:${ports.tls} ssl; ${server} location / { return 200 "$ssl_server_name"; } }
      }`;
  }

  const visit = (servername: string, more: Partial<Asked> = {}): Promise<Answered> =>
    ask({ port: ports.tls, servername, host: servername, ...more });

  /** Visits until there is a certificate. */
  async function issuerOf(name: string): Promise<string> {
    const found = await eventually(`a certificate for ${name}`, patienceMs, async () => {
      const { status, body, certificate } = await visit(name);
      const isFor = certificate?.subjectAltName?.split(", ").includes(`DNS:${name}`) === true;
      return isFor && status === 200 ? { body, issuer: certificate.issuer } : undefined;
    });
    assert.equal(found.body, name);
    return found.issuer;
  }

  for (const challenge of ["http-01", "tls-alpn-01"]) {
    test(`gets certificates by ${challenge}, one for each name, and has them at the next start`, async () => {
      const names = "server_name a.example.org b.example.org;";
      const file = fileOf(challenge, `acme local; acme_challenge ${challenge}; ${names}`);
      {
        await using program = await Program.start({ file });
        // Before there is any: no handshake, and plain HTTP redirects as ever.
        assert.match(await issuerOf("a.example.org"), /Pebble/);
        assert.match(await issuerOf("b.example.org"), /Pebble/);
        // Whoever asks for nothing, or a stranger, gets one of them.
        assert.equal((await ask({ port: ports.tls })).status, 200);
        assert.equal((await visit("stranger.example.org")).status, 200);
        assert.match(program.output, /certificate/);
      }
      const orders = pebble.count("POST /order-plz");
      await using program = await Program.start({ file });
      // At once: the first handshake of all has it.
      assert.equal((await visit("b.example.org")).body, "b.example.org");
      assert.equal(pebble.count("POST /order-plz"), orders);
      assert.ok(program.pid > 0);
    });
  }

  test("keeps what it has when the process that gets certificates is killed, and starts it again", async () => {
    await using program = await Program.start({
      file: fileOf("killed", "acme local; server_name a.example.org;"),
    });
    await issuerOf("a.example.org");
    const pid = program.acmePid;
    assert.ok(pid !== undefined);
    process.kill(pid, "SIGKILL");
    await eventually("another one", patienceMs, () => program.acmePid !== undefined && program.acmePid !== pid);
    assert.equal((await visit("a.example.org")).body, "a.example.org");
    assert.match(program.output, /was killed by SIGKILL and is started again/);
    assert.ok(isAlive(program.pid));
  });

  test("gets what a reload adds, without a gap for what was there, and ends when nothing is wanted", async () => {
    await using program = await Program.start({ file: fileOf("reload", "acme local; server_name a.example.org;") });
    await issuerOf("a.example.org");
    await program.configure(fileOf("reload", "acme local; server_name a.example.org c.example.org;"));
    program.signal("SIGHUP");
    const visiting = async (): Promise<ReadonlySet<number>> => {
      const statuses = new Set<number>();
      for (let count = 0; count < 40; count++) statuses.add((await visit("a.example.org")).status);
      return statuses;
    };
    const [issuer, statuses] = await Promise.all([issuerOf("c.example.org"), visiting()]);
    assert.match(issuer, /Pebble/);
    assert.deepEqual(statuses, new Set([200]));
    await program.configure(fileOf("reload", "ssl_reject_handshake on;"));
    program.signal("SIGHUP");
    await eventually("the process has ended", patienceMs, () => program.acmePid === undefined);
  });

  test("takes nginx's words for it", async () => {
    await using program = await Program.start({
      file: fileOf("nginx", `
        server_name d.example.org; acme_certificate local d.example.org key=rsa:2048;
        ssl_certificate $acme_certificate; ssl_certificate_key $acme_certificate_key;
      `),
    });
    await issuerOf("d.example.org");
    assert.equal((await visit("d.example.org")).certificate?.publicKey.asymmetricKeyType, "rsa");
    assert.match(program.output, /d\.example\.org/);
  });

  test("gets certificates for names that nobody has written, if somebody allows them", async () => {
    const asked: string[] = [];
    await using allowing = await Allowing.start((name) => {
      asked.push(name);
      return name === "c.example.org";
    });
    await using program = await Program.start({
      file: fileOf("demand", `acme local; acme_on_demand ask=${allowing.url}; server_name a.example.org _;`),
    });
    // The very first handshake waits for it; so does another one meanwhile, and nobody is asked twice.
    const names = ["c.example.org", "d.example.org", "c.example.org"];
    const [first, other, again] = await Promise.all(names.map((name) => visit(name)));
    assert.deepEqual([first?.body, again?.body], ["c.example.org", "c.example.org"]);
    assert.ok(first?.certificate?.subjectAltName?.includes("DNS:c.example.org") === true);
    assert.match(other?.refusal ?? "", /UNRECOGNIZED_NAME/);
    assert.match((await visit("d.example.org")).refusal ?? "", /UNRECOGNIZED_NAME/);
    assert.deepEqual(asked.sort(), ["c.example.org", "d.example.org"]);
    // Who asks for nothing gets what there is.
    assert.match(await issuerOf("a.example.org"), /Pebble/);
    assert.equal((await ask({ port: ports.tls })).status, 200);
    assert.match(program.output, /d\.example\.org/);
  });

  test("redirects plain HTTP while and after it works, but for the issuer's own requests", async () => {
    await using program = await Program.start({ file: fileOf("plain", "acme local; server_name a.example.org;") });
    await issuerOf("a.example.org");
    const asked = async (target: string): Promise<string> => {
      const response = await fetch(`http://127.0.0.1:${ports.http}${target}`, { redirect: "manual" });
      return `${response.status} ${response.headers.get("location") ?? ""}`;
    };
    assert.equal(await asked("/shop"), "301 https://127.0.0.1/shop");
    assert.equal(await asked("/.well-known/acme-challenge/unknown"),
      "301 https://127.0.0.1/.well-known/acme-challenge/unknown");
    assert.ok(program.pid > 0);
  });
});
