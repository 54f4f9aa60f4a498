// HTTPS while developing: one word, and a certificate that the machine itself signs.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { Program } from "../support/program.ts";
import { ask } from "../tls/site.ts";

describe("--https", () => {
  const directory = mkdtempSync(join(tmpdir(), "tricorn-development-"));
  after(() => rmSync(directory, { recursive: true }));
  const options = ["--https", "--acme-state-path", directory];
  const authority = join(directory, "authority/ca.pem");

  test("serves an application with a certificate of this machine, and says once how to trust it", async () => {
    {
      await using program = await Program.start({ app: "wsgi_app:app", options });
      assert.ok(existsSync(authority));
      const { status, certificate, refusal } = await ask({
        port: program.port, target: "/tls", servername: "localhost", ca: readFileSync(authority),
        rejectUnauthorized: true,
      });
      assert.deepEqual([status, refusal], [200, undefined]);
      assert.match(certificate?.subjectAltName ?? "", /DNS:localhost.*IP Address:127\.0\.0\.1/);
      assert.match(program.output, /To trust the certificates of this server, once:/);
      assert.match(program.output, /listening +https:/);
    }
    // The next one has the same, and no authority was made.
    const before = readFileSync(authority);
    await using again = await Program.start({ app: "asgi_app:app", options });
    assert.deepEqual(readFileSync(authority), before);
    const { status } = await ask({
      port: again.port, target: "/tls", servername: "localhost", ca: before, rejectUnauthorized: true,
    });
    assert.equal(status, 200);
  });
});
