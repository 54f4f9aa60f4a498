// Connections that begin with the PROXY protocol's header: who the client is, to variables, logs and applications.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { requestText } from "../support/connection.ts";
import { type Program, freePort } from "../support/program.ts";
import { eventually } from "../support/wait.ts";
import { echoOf, interfaces, linesOf, startSite } from "./site.ts";

const first = "PROXY TCP4 192.0.2.9 198.51.100.1 4711 443\r\n";
const tlvs = "\x01\0\x02h2\x02\0\x06a.test";
/** TCP over IPv6, from 2001:db8::9 port 4711 to 2001:db8::1 port 443, with TLVs. */
const second = "\r\n\r\n\0\r\nQUIT\n\x21\x21\0\x32" + `\x20\x01\x0d\xb8${"\0".repeat(11)}\x09` +
  `\x20\x01\x0d\xb8${"\0".repeat(11)}\x01` + "\x12\x67\x01\xbb" + tlvs;
const local = "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

describe("a socket with proxy_protocol", () => {
  let program: Program;
  let port = 0;
  let sharedPort = 0;
  let plainPort = 0;
  before(async () => {
    [port, sharedPort, plainPort] = [await freePort(), await freePort(), await freePort()];
    program = await startSite({
      http: `
        log_format who '$uri $remote_addr:$remote_port $proxy_protocol_addr';
        client_header_timeout 1s;
        server {
          listen 127.0.0.1:${port} proxy_protocol;
          access_log %FOLDER%/who.log who;
          set_real_ip_from 127.0.0.1; real_ip_header proxy_protocol;
          location /said {
            set $server "$proxy_protocol_server_addr $proxy_protocol_server_port $server_addr";
            set $tlvs "[$proxy_protocol_tlv_alpn $proxy_protocol_tlv_0x02]";
            return 200 "$proxy_protocol_addr $proxy_protocol_port $server $tlvs";
          }
          location /real { return 200 "$remote_addr:$remote_port $realip_remote_addr"; }
          location /denied { deny 192.0.2.0/24; }
          location /wsgi { app_pass wsgi; }
          location /asgi { app_pass asgi; }
        }
        server { listen 127.0.0.1:${port}; server_name others.test; set_real_ip_from 10.0.0.0/8;
          real_ip_header proxy_protocol; return 200 "$remote_addr $proxy_protocol_addr"; }
        server { listen 127.0.0.1:${port}; server_name field.test; set_real_ip_from 127.0.0.1;
          return 200 "$remote_addr $proxy_protocol_addr"; }
        server { listen 127.0.0.1:${sharedPort}; return 200 "$proxy_protocol_addr"; }
        server { listen 127.0.0.1:${sharedPort} proxy_protocol; server_name second.test; }
        server { listen 127.0.0.1:${plainPort}; return 200 "[$proxy_protocol_addr$proxy_protocol_tlv_alpn]"; }`,
      server: "",
    });
  });
  after(() => program.stop());

  async function textOf(header: string, target: string, to: number = port, host: string = "any.test"): Promise<string> {
    using connection = await program.connect({ port: to });
    connection.send(header + requestText({ target, fields: { Host: host } }));
    return (await connection.response()).text;
  }

  test("reads both versions", async () => {
    assert.equal(await textOf(first, "/said"), "192.0.2.9 4711 198.51.100.1 443 127.0.0.1 [ ]");
    assert.equal(await textOf(second, "/said"), "2001:db8::9 4711 2001:db8::1 443 127.0.0.1 [h2 a.test]");
  });

  test("reads them from pieces", async () => {
    for (const [header, address] of [[first, "192.0.2.9"], [second, "2001:db8::9"]] as const) {
      using connection = await program.connect({ port });
      for (const byte of header) await connection.sendAll(Buffer.from(byte, "latin1"));
      await connection.sendAll(Buffer.from("GE"));
      await connection.sendAll(Buffer.from(requestText({ target: "/real" }).slice(2)));
      assert.equal((await connection.response()).text, `${address}:4711 127.0.0.1`);
    }
  });

  test("knows the connection's own addresses where the header says nothing", async () => {
    for (const header of ["PROXY UNKNOWN\r\n", local]) {
      assert.equal(await textOf(header, "/said"), "    127.0.0.1 [ ]");
      assert.match(await textOf(header, "/real"), /^127\.0\.0\.1:\d+ 127\.0\.0\.1$/);
    }
  });

  test("believes only the proxies of set_real_ip_from, and only with real_ip_header proxy_protocol", async () => {
    assert.equal(await textOf(first, "/real"), "192.0.2.9:4711 127.0.0.1");
    assert.equal(await textOf(first, "/", port, "others.test"), "127.0.0.1 192.0.2.9");
    assert.equal(await textOf(first, "/", port, "field.test"), "127.0.0.1 192.0.2.9");
    using connection = await program.connect({ port });
    connection.send(first);
    assert.equal((await connection.get("/denied")).status, 403);
  });

  for (const kind of interfaces) {
    test(`tells the ${kind} application and the access log who the client is`, async () => {
      using connection = await program.connect({ port });
      connection.send(second);
      assert.equal(echoOf(await connection.get(`/${kind}`)).client, "2001:db8::9");
      const line = `/${kind} 2001:db8::9:4711 2001:db8::9`;
      await eventually("its line", 5000, async () => (await linesOf(program, "who.log")).includes(line));
    });
  }

  test("knows the addresses at every request of the connection", async () => {
    using connection = await program.connect({ port });
    connection.send(first + requestText({ target: "/real" }).repeat(2));
    for (let asked = 0; asked < 2; asked++) {
      assert.equal((await connection.response()).text, "192.0.2.9:4711 127.0.0.1");
    }
    assert.equal((await connection.get("/real")).text, "192.0.2.9:4711 127.0.0.1");
  });

  test("takes one header only", async () => {
    using connection = await program.connect({ port });
    connection.send(first + first);
    assert.equal((await connection.response()).status, 400);
  });

  test("closes connections without the header, and says why in the error log", async () => {
    const third = second.replace("\x21\x21", "\x31\x21");
    const wrong = [requestText({ target: "/" }), "PROXY TCP4 here there 1 2\r\n", third];
    for (const bytes of wrong) {
      using connection = await program.connect({ port });
      connection.send(bytes);
      assert.equal(await connection.rest(), "");
    }
    const reasons = ['broken header: "GET / HTTP/1.1"', 'broken header: "PROXY TCP4 here there 1 2"',
      "unknown PROXY protocol version: 3"];
    for (const reason of reasons) {
      const line = `${reason} while reading PROXY protocol, client: 127.0.0.1`;
      await eventually(line, 5000, () => program.output.includes(line));
    }
    assert.equal(await textOf(first, "/real"), "192.0.2.9:4711 127.0.0.1");
  });

  test("waits client_header_timeout for header and request together", async () => {
    for (const begun of ["", "PROXY TC", second.slice(0, 20), first]) {
      using connection = await program.connect({ port });
      if (begun !== "") connection.send(begun);
      assert.equal(await connection.rest(5000), "", JSON.stringify(begun));
    }
  });

  test("is one where any of its servers says so", async () => {
    assert.equal(await textOf(first, "/", sharedPort), "192.0.2.9");
    using connection = await program.connect({ port: sharedPort });
    connection.send(requestText({}));
    assert.equal(await connection.rest(), "");
  });

  test("does not keep the program from ending", async () => {
    await using ending = await startSite({
      http: "server { listen 127.0.0.1:0 proxy_protocol; client_header_timeout 60s; return 200 x; }",
      server: "",
      apps: "",
    });
    using begun = await ending.connect();
    begun.send("PROXY TCP");
    ending.signal("SIGTERM");
    assert.equal(await begun.rest(), "");
    await eventually("its end", 10_000, () => ending.exitStatus !== undefined);
    assert.equal(ending.exitStatus, 0);
  });

  test("leaves other sockets alone", async () => {
    assert.equal(await textOf("", "/", plainPort), "[]");
    using connection = await program.connect({ port: plainPort });
    connection.send(first);
    assert.equal((await connection.response()).status, 400);
  });
});
