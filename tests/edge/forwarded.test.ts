// Who the client is and what of its fields an application gets to see: only trusted peers speak for others.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { requestText } from "../support/connection.ts";
import { Program } from "../support/program.ts";

/** Another peer than 127.0.0.1, which --forwarded-allow-ips trusts from the start. */
const stranger = "127.0.0.2";

/** What of a request an application sees, in the words of both interfaces. */
interface Seen {
  readonly address: string;
  readonly port: number;
  readonly scheme: string;
  readonly https: string | undefined;
  /** By CGI name, HTTP_*. */
  readonly fields: ReadonlyMap<string, string>;
}

async function see(
  program: Program, fields: Readonly<Record<string, string>>, localAddress: string = "127.0.0.1",
): Promise<Seen> {
  using connection = await program.connect({ localAddress });
  const response = await connection.get("/anything", fields);
  assert.equal(response.status, 200);
  const seen = JSON.parse(response.text) as Record<string, string> & {
    headers?: [string, string][];
    client?: [string, number];
  };
  if (seen.headers === undefined) {
    const names = Object.keys(seen).filter((name) => name.startsWith("HTTP_"));
    return {
      address: seen["REMOTE_ADDR"] ?? "",
      port: Number(seen["REMOTE_PORT"] ?? 0),
      scheme: seen["wsgi.url_scheme"] ?? "",
      https: seen["HTTPS"],
      fields: new Map(names.map((name) => [name, seen[name] ?? ""])),
    };
  }
  const cgi = (name: string): string => `HTTP_${name.toUpperCase().replaceAll("-", "_")}`;
  return {
    address: seen.client?.[0] ?? "",
    port: seen.client?.[1] ?? 0,
    scheme: seen["scheme"] ?? "",
    https: seen["scheme"] === "https" ? "on" : undefined,
    fields: new Map(seen.headers.map(([name, value]) => [cgi(name), value])),
  };
}

for (const kind of ["wsgi", "asgi"] as const) {
  const app = `${kind}_app:app`;

  describe(`before ${kind.toUpperCase()}`, () => {
    test("a trusted peer's X-Forwarded-For and -Proto are believed", async () => {
      await using program = await Program.start({ app });
      const plain = await see(program, {});
      assert.deepEqual([plain.address, plain.scheme, plain.https], ["127.0.0.1", "http", undefined]);
      assert.ok(plain.port > 0);
      const told = await see(program, { "X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https" });
      assert.deepEqual([told.address, told.port, told.scheme, told.https], ["192.0.2.7", 0, "https", "on"]);
      assert.equal(told.fields.get("HTTP_X_FORWARDED_FOR"), "192.0.2.7");
      const six = await see(program, { "X-Forwarded-For": "2001:db8::7" });
      assert.equal(six.address, "2001:db8::7");
      const http = await see(program, { "X-Forwarded-Proto": "http" });
      assert.deepEqual([http.address, http.scheme], ["127.0.0.1", "http"]);
    });

    test("the chain is read from the right, up to the first address that is not trusted", async () => {
      const options = ["--forwarded-allow-ips", "127.0.0.1,10.0.0.0/8"];
      await using program = await Program.start({ app, options });
      const { address } = await see(program, { "X-Forwarded-For": "6.6.6.6, 192.0.2.7, 10.1.2.3" });
      assert.equal(address, "192.0.2.7", "what the client wrote itself, on the left, counts for nothing");
    });

    test("nonsense in a trusted peer's fields changes nothing", async () => {
      await using program = await Program.start({ app });
      for (const fields of [
        { "X-Forwarded-For": "unknown" }, { "X-Forwarded-For": "" }, { "X-Forwarded-For": "1.2.3.4.5" },
        { "X-Forwarded-Proto": "gopher" }, { "X-Forwarded-Proto": "" },
      ]) {
        const seen = await see(program, fields);
        assert.deepEqual([seen.address, seen.scheme], ["127.0.0.1", "http"], JSON.stringify(fields));
      }
    });

    test("an untrusted peer's forwarding fields are not believed, and do not reach the application", async () => {
      await using program = await Program.start({ app });
      const fields = {
        "X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.test",
        "X-Forwarded-Port": "1", "X-Forwarded-Prefix": "/x", "X-Real-IP": "192.0.2.7", Forwarded: "for=192.0.2.7",
      };
      const seen = await see(program, fields, stranger);
      assert.deepEqual([seen.address, seen.scheme, seen.https], [stranger, "http", undefined]);
      const spoofed = [...seen.fields.keys()].filter((name) => /FORWARDED|REAL_IP/.test(name));
      assert.deepEqual(spoofed, []);
    });

    test("a stranger that resets at once, so that the kernel forgets who it was, is not believed", async () => {
      await using program = await Program.start({ app });
      for (let n = 0; n < 100; n++) {
        const connection = await program.connect({ localAddress: stranger });
        connection.send(requestText({ target: "/who", fields: { "X-Forwarded-For": "192.0.2.7" } }));
        connection.reset();
      }
      await sleep(300);
      using observer = await program.connect();
      const seen = JSON.parse((await observer.get("/events")).text) as string[];
      assert.deepEqual(seen.filter((address) => address !== stranger), []);
    });

    test("trust and distrust do not mix for two peers that send the same bytes", async () => {
      await using program = await Program.start({ app });
      const fields = { "X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https" };
      for (let time = 0; time < 5; time++) {
        assert.equal((await see(program, fields)).address, "192.0.2.7");
        const seen = await see(program, fields, stranger);
        assert.deepEqual([seen.address, seen.fields.has("HTTP_X_FORWARDED_FOR")], [stranger, false]);
      }
    });

    test("--forwarded-allow-ips '*' trusts everybody, --no-proxy-headers nobody", async () => {
      const fields = { "X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https" };
      await using everybody = await Program.start({ app, options: ["--forwarded-allow-ips", "*"] });
      assert.equal((await see(everybody, fields, stranger)).address, "192.0.2.7");
      await using nobody = await Program.start({ app, options: ["--no-proxy-headers"] });
      const seen = await see(nobody, fields);
      assert.deepEqual([seen.address, seen.scheme], ["127.0.0.1", "http"]);
    });

    test("Proxy and fields with underscores never reach the application", async () => {
      await using program = await Program.start({ app });
      const fields = {
        Proxy: "http://evil.test", pRoXy: "http://evil.test", X_Forwarded_For: "6.6.6.6", Content_Length: "9",
        "X-Good": "1",
      };
      const seen = await see(program, fields);
      assert.equal(seen.fields.get("HTTP_X_GOOD"), "1");
      for (const name of ["HTTP_PROXY", "HTTP_X_FORWARDED_FOR", "HTTP_CONTENT_LENGTH"]) {
        assert.equal(seen.fields.has(name), false, name);
      }
      assert.equal(seen.address, "127.0.0.1");
    });

    test("fields with underscores pass where the operator wants them, Proxy never", async () => {
      await using program = await Program.start({ app, options: ["--underscores-in-headers"] });
      const seen = await see(program, { X_Legacy: "1", Proxy: "http://evil.test" });
      assert.equal(seen.fields.get("HTTP_X_LEGACY"), "1");
      assert.equal(seen.fields.has("HTTP_PROXY"), false);
    });

    test("a request with many fields of one name is joined as the interface wants it", async () => {
      await using program = await Program.start({ app });
      using connection = await program.connect();
      connection.send(requestText({ target: "/anything" }).replace("\r\n\r\n",
        "\r\nAccept: a\r\nAccept: b\r\nCookie: x=1\r\nCookie: y=2\r\n\r\n"));
      const { text } = await connection.response();
      const seen = JSON.parse(text) as Record<string, unknown> & { headers?: [string, string][] };
      if (seen.headers === undefined) {
        assert.deepEqual([seen["HTTP_ACCEPT"], seen["HTTP_COOKIE"]], ["a,b", "x=1; y=2"]);
      } else {
        assert.deepEqual(seen.headers.filter(([name]) => name === "accept"), [["accept", "a"], ["accept", "b"]]);
        assert.deepEqual(seen.headers.filter(([name]) => name === "cookie"), [["cookie", "x=1; y=2"]]);
      }
    });
  });
}
