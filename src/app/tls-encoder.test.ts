import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { encodeHead, loadHeads, loadTls, proxy, requestOf, settings, stranger } from "../../tests/protocol/encoding.ts";
import { BASES_MAX } from "../protocol/wire/index.ts";
import { EnvironEncoder } from "./environ.ts";
import { ScopeEncoder } from "./scope.ts";
import type { TlsFacts } from "../http/tls-facts.ts";
import { type WorkerBase, WorkerBases } from "./worker-bases.ts";

const plain: TlsFacts = {
  protocol: "TLSv1.3", cipher: "TLS_AES_128_GCM_SHA256", cipherSuite: 0x1301, serverName: "example.org",
  serverCertificate: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", client: undefined,
};
const certified: TlsFacts = {
  ...plain, protocol: "TLSv1.2", cipher: "ECDHE-RSA-AES128-GCM-SHA256", cipherSuite: 0xc02f, client: {
    chain: ["its own", "its issuer's"], verify: "SUCCESS", subject: "CN=Zo\u00eb,O=Example", issuer: "CN=CA",
    serial: "0A", validFrom: "Nov 21 10:00:00 2026 GMT", validTo: "Nov 21 10:00:00 2027 GMT",
  },
};
const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const https = { ...stranger, scheme: "https" } as const;

describe("what a scope says of TLS", () => {
  const encoder = new ScopeEncoder(settings);

  test("is ASGI's extension", () => {
    assert.deepEqual(loadTls(encoder, plain), {
      scheme: "https", tls: {
        dict: [
          ["server_cert", plain.serverCertificate], ["client_cert_chain", []], ["client_cert_name", null],
          ["client_cert_error", null], ["tls_version", 0x0304], ["cipher_suite", 0x1301],
        ],
      },
    });
  });

  test("names who showed a certificate, and what is wrong with it", () => {
    const { client } = certified;
    assert.ok(client !== undefined);
    const failed = loadTls(encoder, {
      ...certified, cipherSuite: undefined, protocol: "TLSv9",
      client: { ...client, verify: "FAILED:self-signed certificate" },
    });
    assert.deepEqual(failed["tls"], {
      dict: [
        ["server_cert", plain.serverCertificate], ["client_cert_chain", ["its own", "its issuer's"]],
        ["client_cert_name", "CN=Zo\u00eb,O=Example"], ["client_cert_error", "self-signed certificate"],
        ["tls_version", null], ["cipher_suite", null],
      ],
    });
  });

  test("is not said again with each request, unless a proxy says something else", () => {
    const schemes = [
      requestOf(get, { peer: https, tls: plain }), requestOf(get, { peer: proxy }), requestOf(get),
      requestOf(get, { tls: plain }),
    ];
    assert.deepEqual(loadHeads(encoder, schemes).map(({ scheme }) => scheme), [undefined, "https", undefined, "http"]);
  });
});

describe("what an environ says of TLS", () => {
  const encoder = new EnvironEncoder(settings);

  test("is named as Apache names it", () => {
    assert.deepEqual(loadTls(encoder, plain), {
      "wsgi.url_scheme": "https", HTTPS: "on", SSL_PROTOCOL: "TLSv1.3", SSL_CIPHER: "TLS_AES_128_GCM_SHA256",
      SSL_TLS_SNI: "example.org", SSL_CLIENT_VERIFY: "NONE",
    });
    const { SSL_CLIENT_S_DN: subject, SSL_CLIENT_CERT: certificate, SSL_CLIENT_M_SERIAL: serial } =
      loadTls(encoder, certified);
    // PEP 3333: a character is a byte.
    assert.deepEqual([subject, certificate, serial], ["CN=Zo\u00c3\u00ab,O=Example", "its own", "0A"]);
  });

  test("is not said again with each request, unless a proxy says something else", () => {
    const schemes = [
      requestOf(get, { peer: https, tls: plain }), requestOf(get, { peer: proxy }), requestOf(get, { tls: plain }),
    ];
    const said = loadHeads(encoder, schemes).map((environ) => [environ["wsgi.url_scheme"], environ["HTTPS"]]);
    assert.deepEqual(said, [[undefined, undefined], ["https", "on"], ["http", "off"]]);
    assert.ok(encodeHead(encoder, requestOf(get, { peer: https, tls: plain })).length > 0);
  });
});

describe("the bases of a worker", () => {
  const numberOf = (base: number | WorkerBase): number => (typeof base === "number" ? base : base.number);

  function basesOf(listeners: number): { readonly bases: WorkerBases; readonly told: WorkerBase[] } {
    const told: WorkerBase[] = [];
    return { bases: new WorkerBases(listeners, (base) => told.push(base)), told };
  }

  test("are told once for each listener and kind of connection", () => {
    const { bases, told } = basesOf(2);
    const numbers = [[0, plain], [1, plain], [0, certified], [0, plain], [1, plain]] as const;
    assert.deepEqual(numbers.map(([listener, tls]) => bases.of(listener, tls, false)).map(numberOf), [2, 3, 4, 2, 3]);
    assert.equal(told.length, 3);
  });

  test("are the listener's own without TLS by HTTP/1.1, and others by HTTP/2", () => {
    const { bases, told } = basesOf(3);
    const kinds = [[undefined, false], [undefined, true], [plain, true], [plain, false]] as const;
    for (let count = 0; count < 2; count++) {
      assert.deepEqual(kinds.map(([tls, isHttp2]) => numberOf(bases.of(2, tls, isHttp2))), [2, 3, 4, 5]);
    }
    assert.deepEqual(told.map(({ tls, isHttp2 }) => [tls, isHttp2]), kinds.slice(1));
  });

  test("begin anew when there are too many, and those that went are told again", () => {
    const { bases, told } = basesOf(1);
    const first = bases.of(0, plain, false);
    for (let count = 1; count < BASES_MAX; count++) bases.of(0, { ...plain }, false);
    assert.equal(bases.of(0, plain, false), first);
    assert.equal(numberOf(bases.of(0, certified, false)), 1);
    const again = bases.of(0, plain, false);
    assert.notEqual(again, first);
    assert.equal(numberOf(again), 2);
    assert.equal(told.length, BASES_MAX + 2);
  });
});
