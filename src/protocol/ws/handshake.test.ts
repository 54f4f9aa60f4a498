import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import type { RequestHead } from "../../http/request-head.ts";
import { fromLatin1 } from "../../std/bytes.ts";
import { RequestReader, SectionMemory } from "../h1/index.ts";
import { acceptKey, asksForWebSocket, readHandshake } from "./handshake.ts";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const limits = { requestLineSizeMax: 8190, fieldCountMax: 128, fieldSizeMax: 8190, headSizeMax: 32_768 };
type Fields = Readonly<Record<string, string | readonly string[]>>;
const usual: Fields = {
  "Host": "a", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": KEY, "Sec-WebSocket-Version": "13",
};

/** A handshake whose fields differ from the usual ones; an empty list leaves a field out. */
function headOf(fields: Fields = {}, line = "GET /chat HTTP/1.1"): RequestHead {
  let text = `${line}\r\n`;
  for (const [name, values] of Object.entries({ ...usual, ...fields })) {
    for (const value of [values].flat()) text += `${name}: ${value}\r\n`;
  }
  const reader = new RequestReader(limits, new SectionMemory());
  reader.receive(fromLatin1(`${text}\r\n`));
  const event = reader.next();
  assert.ok(typeof event === "object" && event.kind === "request", JSON.stringify(event));
  return event;
}

/** Status and reason of a refusal, or "accepted". */
function outcome(...given: Parameters<typeof headOf>): string {
  const handshake = readHandshake(headOf(...given));
  return "status" in handshake ? `${handshake.status} ${handshake.reason}` : "accepted";
}

describe("the opening handshake", () => {
  test("of RFC 6455 §1.2 is accepted", () => {
    assert.deepEqual(
      readHandshake(headOf({ "Origin": "http://example.com", "Sec-WebSocket-Protocol": "chat, superchat" })),
      { key: KEY, subprotocols: ["chat", "superchat"], extensions: [] },
    );
    const sha1 = (text: string): string => createHash("sha1").update(text).digest("base64");
    assert.equal(acceptKey(KEY, sha1), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  });

  test("is known by its Upgrade, which Connection must name", () => {
    const asks = (...given: Parameters<typeof headOf>): boolean => asksForWebSocket(headOf(...given));
    assert.ok(asks());
    assert.ok(asks({ Upgrade: "WebSocket", Connection: "keep-alive, UPGRADE" }));
    assert.ok(asks({ Upgrade: "h2c, websocket" }));
    assert.ok(asks({ Upgrade: ["h2c", "websocket"], Connection: ["keep-alive", "upgrade"] }));
    assert.ok(asks({}, "POST / HTTP/1.1"), "which is then refused");
    assert.equal(asks({ Upgrade: [] }), false);
    assert.equal(asks({ Upgrade: "h2c" }), false);
    assert.equal(asks({ Upgrade: "websocket2" }), false);
    assert.equal(asks({ Connection: "keep-alive" }), false);
    assert.equal(asks({}, "GET / HTTP/1.0"), false, "RFC 9110 §7.8: ignored in HTTP/1.0");
  });

  test("needs GET, HTTP/1.1, Upgrade and no body", () => {
    assert.equal(outcome({}, "POST / HTTP/1.1"), "400 method not GET");
    assert.equal(outcome({}, "HEAD / HTTP/1.1"), "400 method not GET");
    assert.equal(outcome({}, "GET / HTTP/1.0"), "400 HTTP version below 1.1");
    assert.equal(outcome({}, "GET / HTTP/1.2"), "accepted");
    assert.equal(outcome({ "Content-Length": "1" }), "400 body in a handshake");
    assert.equal(outcome({ "Content-Length": "0" }), "accepted");
    assert.equal(outcome({ "Transfer-Encoding": "chunked" }), "400 body in a handshake");
    assert.equal(outcome({ Upgrade: [] }), "400 no Upgrade, or not named in Connection");
    assert.equal(outcome({ Connection: "close" }), "400 no Upgrade, or not named in Connection");
    assert.equal(outcome({ Upgrade: "h2c" }), "400 Upgrade to something else");
  });

  test("has one key, base64 of sixteen bytes", () => {
    assert.equal(outcome({ "Sec-WebSocket-Key": [] }), "400 Sec-WebSocket-Key missing or repeated");
    assert.equal(outcome({ "Sec-WebSocket-Key": [KEY, KEY] }), "400 Sec-WebSocket-Key missing or repeated");
    for (const key of ["", "x", KEY.slice(1), `${KEY}=`, KEY.replace("==", "="), `${KEY.slice(0, 22)}A=`,
      `${KEY}, ${KEY}`, "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25j-_==", "dGhlIHNhbXBsZSBub25j Q==",
      "dGhlIHNhbXBsZSBub25jZ\xe9=="]) {
      assert.equal(outcome({ "Sec-WebSocket-Key": key }), "400 Sec-WebSocket-Key malformed", key);
    }
    for (const key of ["AAAAAAAAAAAAAAAAAAAAAA==", "/+/+/+/+/+/+/+/+/+/+/w=="]) {
      assert.equal(outcome({ "Sec-WebSocket-Key": key }), "accepted");
    }
  });

  test("has version 13; another is told which we speak", () => {
    for (const version of ["0", "7", "8", "12", "14", "99", "255"]) {
      assert.equal(outcome({ "Sec-WebSocket-Version": version }), `426 Sec-WebSocket-Version ${version}`);
    }
    assert.equal(outcome({ "Sec-WebSocket-Version": "8", "Sec-WebSocket-Key": [] }), "426 Sec-WebSocket-Version 8");
    for (const version of ["", "013", "13.0", "+13", "13, 8", "256", "1000", "x", "0x0d", "13;", "-1"]) {
      assert.equal(outcome({ "Sec-WebSocket-Version": version }), "400 Sec-WebSocket-Version malformed", version);
    }
    assert.equal(outcome({ "Sec-WebSocket-Version": [] }), "400 Sec-WebSocket-Version missing or repeated");
    assert.equal(outcome({ "Sec-WebSocket-Version": ["13", "13"] }), "400 Sec-WebSocket-Version missing or repeated");
  });

  test("lists subprotocols, in one field or several, in their order", () => {
    const subprotocols = (values: string | readonly string[]): readonly string[] => {
      const handshake = readHandshake(headOf({ "Sec-WebSocket-Protocol": values }));
      return "status" in handshake ? [handshake.reason] : handshake.subprotocols;
    };
    assert.deepEqual(subprotocols("graphql-ws"), ["graphql-ws"]);
    assert.deepEqual(subprotocols("b ,\ta,c"), ["b", "a", "c"]);
    assert.deepEqual(subprotocols(["c, b", "a"]), ["c", "b", "a"]);
    assert.deepEqual(subprotocols("v1.Chat+json"), ["v1.Chat+json"]);
    for (const value of ["", ",", "a,", ",a", "a,,b", "a b", "a/b", "a;b", "\"a\"", "a@b", "\xe4", "a\xa0",
      ["a", ""]]) {
      assert.deepEqual(subprotocols(value), ["Sec-WebSocket-Protocol malformed"], JSON.stringify(value));
    }
  });

  test("lists extensions, in one field or several, in their order", () => {
    const handshake = readHandshake(headOf({
      "Sec-WebSocket-Extensions": ["permessage-deflate; client_max_window_bits, a", "b; c=\"d\""],
    }));
    assert.deepEqual("status" in handshake ? handshake : handshake.extensions, [
      { name: "permessage-deflate", parameters: [["client_max_window_bits", undefined]] },
      { name: "a", parameters: [] },
      { name: "b", parameters: [["c", "d"]] },
    ]);
    for (const value of ["", "a;", "a,,b", "a=b", "permessage-deflate; client_max_window_bits="]) {
      assert.equal(outcome({ "Sec-WebSocket-Extensions": value }), "400 Sec-WebSocket-Extensions malformed", value);
    }
  });

  test("may have names in any case, and other fields", () => {
    assert.equal(outcome({
      "Sec-WebSocket-Key": [], "sec-websocket-key": KEY, "Sec-WebSocket-Version": [], "SEC-WEBSOCKET-VERSION": "13",
      "Sec-WebSocket-Accept": "x", "Origin": "null", "Cookie": "a=b",
    }), "accepted");
  });
});
