import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { RANGE_PORTS_MAX, listenRow } from "./listen.ts";

/** The addresses of a `listen`, or what is wrong with it. */
function addresses(word: string): unknown {
  const listen = listenRow.arguments.parse([word], "listen");
  return listen.ok ? listen.value.addresses : listen.error.nginx;
}

function ports(word: string): unknown {
  const found = addresses(word);
  return Array.isArray(found) ? found.map(({ port }: { readonly port: number }) => port) : found;
}

test("a listen may say http2, which is no option of the socket", () => {
  const says = (...words: readonly string[]): unknown => {
    const listen = listenRow.arguments.parse(words, "listen");
    return listen.ok ? [listen.value.http2, listen.value.options] : listen.error.nginx;
  };
  assert.deepEqual(says("8000", "http2"), [true, undefined]);
  assert.deepEqual(says("8000"), [false, undefined]);
});

describe("a range of ports", () => {
  test("is a socket for each of them", () => {
    assert.deepEqual(addresses("127.0.0.1:8182-8183"), [
      { kind: "tcp", host: "127.0.0.1", port: 8182 }, { kind: "tcp", host: "127.0.0.1", port: 8183 },
    ]);
    assert.deepEqual(addresses("[::1]:8182-8182"), [{ kind: "tcp", host: "::1", port: 8182 }]);
    assert.deepEqual(ports("8182-8184"), [8182, 8183, 8184]);
    assert.deepEqual(ports("*:65534-65535"), [65_534, 65_535]);
    assert.deepEqual(addresses("unix:/run/a:1-2"), [{ kind: "unix", path: "/run/a:1-2" }]);
  });

  // What the nginx of Debian 12 says.
  test("is refused in nginx's words", () => {
    const cases: Readonly<Record<string, string>> = {
      "127.0.0.1:8183-8182": "invalid port range",
      "8183-8182": "invalid port range",
      "127.0.0.1:0-2": "invalid port",
      "127.0.0.1:65530-65536": "invalid port",
      "127.0.0.1:8182-": "invalid port",
      "127.0.0.1:-8182": "invalid port",
      "127.0.0.1:8182-8184-5": "invalid port",
      "127.0.0.1:8182-818x": "invalid port",
    };
    for (const [word, message] of Object.entries(cases)) {
      assert.equal(addresses(word), `${message} in "${word}" of the "listen" directive`);
    }
  });

  test("has a bound", () => {
    const [at, above] = [`10000-${9_999 + RANGE_PORTS_MAX}`, `10000-${10_000 + RANGE_PORTS_MAX}`];
    assert.equal((addresses(at) as readonly unknown[]).length, RANGE_PORTS_MAX);
    assert.equal(addresses(above), `more than 1024 ports in "${above}" of the "listen" directive`);
  });
});
