import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { RequestListener } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { Authority } from "../../tests/support/certificates.ts";
import { HttpsClient, type HttpsResponse, retryAfter } from "./https.ts";

describe("a request to an issuer", () => {
  const directory = mkdtempSync(join(tmpdir(), "acme-https-"));
  const authority = new Authority(directory, "authority");
  const own = authority.sign("127.0.0.1");
  const trust = readFileSync(authority.certificate, "utf8");
  after(() => rmSync(directory, { recursive: true, force: true }));

  /** Asks a server. @param client trusts it, unless it says otherwise */
  async function ask(
    answer: RequestListener, client: HttpsClient = new HttpsClient(trust, true), method: string = "GET",
  ): Promise<HttpsResponse> {
    const server = createServer({ cert: readFileSync(own.certificate), key: readFileSync(own.key) }, answer);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
      const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/a`;
      return await client.fetch({ url, method, headers: { "Content-Type": "text/x" }, body: undefined });
    } finally {
      client.close();
      server.closeAllConnections();
      server.close();
    }
  }

  test("says who asks, and gets status, fields and text", async () => {
    const response = await ask((request, answer) => {
      answer.writeHead(201, { "X-Agent": request.headers["user-agent"] }).end(request.headers["content-type"]);
    });
    assert.deepEqual([response.status, response.body], [201, "text/x"]);
    assert.match(response.headers["x-agent"] ?? "", /^tricorn\/\d/);
  });

  test("does not believe a certificate that is not of who is trusted, unless it is told to", async () => {
    const said = ask((_, answer) => void answer.end(), new HttpsClient(undefined, true));
    await assert.rejects(said, /127\.0\.0\.1 cannot be asked: (?:unable to|self-signed)/);
    assert.equal((await ask((_, answer) => void answer.end("x"), new HttpsClient(undefined, false))).body, "x");
  });

  test("takes a megabyte and no more", async () => {
    const size = 1024 * 1024;
    assert.equal((await ask((_, answer) => void answer.end("x".repeat(size)))).body.length, size);
    await assert.rejects(ask((_, answer) => void answer.end("x".repeat(size + 1))), /more than 1048576 bytes/);
  });

  test("follows three redirects of a GET, none of a POST, and none away from HTTPS", async () => {
    const turns = (count: number): RequestListener => (request, answer) => {
      const turn = Number(/\d+/.exec(request.url ?? "")?.[0] ?? 0);
      if (turn === count) answer.end("there");
      else answer.writeHead(302, { Location: `/${turn + 1}` }).end();
    };
    assert.equal((await ask(turns(3))).body, "there");
    await assert.rejects(ask(turns(4)), /is not followed/);
    assert.equal((await ask(turns(1), undefined, "POST")).status, 302);
    const away: RequestListener = (_, answer) => void answer.writeHead(301, { Location: "http://127.0.0.1/" }).end();
    await assert.rejects(ask(away), /not followed/);
  });
});

describe("Retry-After", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");

  test("is seconds, or a date that counts from the server's own", () => {
    assert.equal(retryAfter({ "retry-after": "120" }, now), 120_000);
    const date = "Thu, 01 Jan 2026 01:00:00 GMT";
    assert.equal(retryAfter({ "retry-after": date }, now), 3_600_000);
    assert.equal(retryAfter({ "retry-after": date, date: "Thu, 01 Jan 2026 00:30:00 GMT" }, now + 1e12), 1_800_000);
    assert.equal(retryAfter({ "retry-after": date, date: "Thu, 01 Jan 2026 02:00:00 GMT" }, now), 0);
  });

  test("that is neither counts for none", () => {
    for (const text of ["soon", "-1", "1.5x", ""]) {
      assert.equal(retryAfter({ "retry-after": text }, now), undefined, text);
    }
    assert.equal(retryAfter({}, now), undefined);
  });
});
