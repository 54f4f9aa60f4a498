// Who may reach an application, and whom the application and the logs take them for.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Program } from "../support/program.ts";
import { eventually } from "../support/wait.ts";
import { type Echo, echoOf, interfaces, linesOf, startSite } from "./site.ts";

for (const kind of interfaces) {
  describe(`before the ${kind} application`, () => {
    let program: Program;
    before(async () => {
      program = await startSite({
        http: "log_format who '$uri $remote_addr $realip_remote_addr $scheme';",
        server: `
          access_log %FOLDER%/who.log who;
          location /allow { allow 127.0.0.1; deny all; app_pass ${kind}; }
          location /deny { deny 127.0.0.1; allow all; app_pass ${kind}; }
          location /any { satisfy any; allow 127.0.0.1; deny all; app_pass ${kind}; }
          location /read { limit_except GET { deny all; } app_pass ${kind}; }
          location /write { limit_except GET POST { allow 127.0.0.2; deny all; } app_pass ${kind}; }
          location /real { set_real_ip_from 127.0.0.0/8; real_ip_header X-Forwarded-For; app_pass ${kind}; }
          location /real-denied { set_real_ip_from 127.0.0.0/8; real_ip_header X-Real-IP; deny 192.0.2.0/24;
            app_pass ${kind}; }
          location /deep { set_real_ip_from 127.0.0.0/8; set_real_ip_from 198.51.100.0/24; real_ip_recursive on;
            real_ip_header X-Forwarded-For; app_pass ${kind}; }
          location /others { set_real_ip_from 10.0.0.0/8; real_ip_header X-Real-IP; app_pass ${kind}; }
          location /trusts { forwarded_allow_ips 127.0.0.1; app_pass ${kind}; }
          location /plain { app_pass ${kind}; }`,
      });
    });
    after(() => program.stop());

    let marks = 0;

    interface Asked {
      readonly from?: string;
      readonly method?: string;
      readonly fields?: Readonly<Record<string, string>>;
    }

    async function statusOf(target: string, { from = "127.0.0.1", method = "GET", fields = {} }: Asked = {}):
      Promise<number> {
      using connection = await program.connect({ localAddress: from });
      return (await connection.ask({ target, method, fields })).status;
    }

    async function seen(target: string, fields: Readonly<Record<string, string>>): Promise<Echo & { log: string }> {
      using connection = await program.connect();
      const mark = `${target}-${++marks} `;
      const response = await connection.get(mark.trimEnd(), fields);
      assert.equal(response.status, 200);
      const line = await eventually("a line", 5000, async () =>
        (await linesOf(program, "who.log")).find((each) => each.startsWith(mark)));
      return { ...echoOf(response), log: line.slice(mark.length) };
    }

    test("allow and deny decide, in their order", async () => {
      assert.equal(await statusOf("/allow"), 200);
      assert.equal(await statusOf("/allow", { from: "127.0.0.2" }), 403);
      assert.equal(await statusOf("/deny"), 403);
      assert.equal(await statusOf("/deny", { from: "127.0.0.2" }), 200);
      assert.equal(await statusOf("/any"), 200);
      assert.equal(await statusOf("/any", { from: "127.0.0.2" }), 403);
      await eventually("the log says why", 5000, () =>
        /access forbidden by rule, client: 127\.0\.0\.2, .*"GET \/any/.test(program.output));
    });

    test("limit_except leaves the application to other methods or addresses", async () => {
      const read = await Promise.all(["GET", "HEAD", "POST", "DELETE"].map((method) => statusOf("/read", { method })));
      assert.deepEqual(read, [200, 200, 403, 403]);
      const write = await Promise.all(["POST", "PUT"].map((method) => statusOf("/write", { method })));
      assert.deepEqual(write, [200, 403]);
      assert.equal(await statusOf("/write", { method: "PUT", from: "127.0.0.2" }), 200);
    });

    test("realip gives everybody the client that a trusted peer names", async () => {
      const one = await seen("/real", { "X-Forwarded-For": "192.0.2.9" });
      assert.deepEqual([one.client, one.log], ["192.0.2.9", "192.0.2.9 127.0.0.1 http"]);
      const deep = await seen("/deep", { "X-Forwarded-For": "192.0.2.1, 203.0.113.5, 198.51.100.7" });
      assert.deepEqual([deep.client, deep.log], ["203.0.113.5", "203.0.113.5 127.0.0.1 http"]);
      const others = await seen("/others", { "X-Real-IP": "192.0.2.9" });
      assert.deepEqual([others.client, others.log], ["127.0.0.1", "127.0.0.1 127.0.0.1 http"]);
      assert.equal(await statusOf("/real-denied", { fields: { "X-Real-IP": "192.0.2.9" } }), 403);
      assert.equal(await statusOf("/real-denied", { fields: { "X-Real-IP": "198.51.100.9" } }), 200);
    });

    test("forwarded_allow_ips gives address and scheme, and the fields", async () => {
      const fields = { "X-Forwarded-For": "192.0.2.9", "X-Forwarded-Proto": "https" };
      const trusted = await seen("/trusts", fields);
      assert.deepEqual([trusted.client, trusted.scheme], ["192.0.2.9", "https"]);
      assert.equal(trusted.log, "192.0.2.9 127.0.0.1 https");
      assert.ok(Object.keys(trusted.fields).some((name) => /x.forwarded.for/i.test(name)));
      const plain = await seen("/plain", fields);
      assert.deepEqual([plain.client, plain.scheme, plain.log], ["127.0.0.1", "http", "127.0.0.1 127.0.0.1 http"]);
      assert.ok(!Object.keys(plain.fields).some((name) => /x.forwarded/i.test(name)), "nobody vouches for them");
    });
  });
}
