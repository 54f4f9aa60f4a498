import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Program, freePort } from "../support/program.ts";
import { Certificates, ask, pairOf, startTls } from "./site.ts";

describe("hsts", () => {
  const certificates = new Certificates();
  let program: Program;
  let plain = 0;
  before(async () => {
    plain = await freePort();
    program = await startTls(`
      hsts 1y include_subdomains preload;
      server {
        listen 127.0.0.1:%PORT% ssl; listen 127.0.0.1:${plain}; ${pairOf(certificates.sign("shop.test"))}
        location / { add_header X-A a; return 200 "ok"; }
        location /short { hsts 5m; return 404; }
        location /off { hsts off; return 200 "off"; }
      }`);
  });
  after(async () => {
    await program[Symbol.asyncDispose]();
    certificates[Symbol.dispose]();
  });
  const said = async (target: string): Promise<string | undefined> =>
    /Strict-Transport-Security: ([^\r]*)/.exec((await ask({ port: program.port, target })).text)?.[1];

  test("is said with every response over HTTPS, whatever is added beside it", async () => {
    assert.equal(await said("/"), "max-age=31536000; includeSubDomains; preload");
    assert.equal(await said("/short"), "max-age=300");
    assert.equal(await said("/off"), undefined);
  });

  test("is never said over plain HTTP (RFC 6797 §7.2)", async () => {
    const response = await fetch(`http://127.0.0.1:${plain}/`);
    assert.deepEqual([response.headers.get("strict-transport-security"), response.headers.get("x-a")], [null, "a"]);
  });
});
