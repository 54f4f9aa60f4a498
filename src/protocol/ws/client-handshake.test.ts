import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import type { FieldLine } from "../../http/response-head.ts";
import { checkHandshakeResponse, formatHandshake } from "./client-handshake.ts";
import type { ClientHandshake } from "./client-handshake.ts";

const sha1 = (text: string): string => createHash("sha1").update(text).digest("base64");
const codec = { deflate: (): never => assert.fail(), inflate: (): never => assert.fail() };
const asked: ClientHandshake = {
  target: "/chat?room=1", host: "server.example.com", key: "dGhlIHNhbXBsZSBub25jZQ==",
  subprotocols: ["chat", "superchat"], deflate: { codec, clientBits: "any" },
  fields: [["Origin", "http://example.com"]],
};
const accept: FieldLine = ["Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="];
const switching: readonly FieldLine[] = [["Upgrade", "websocket"], ["Connection", "Upgrade"]];

/** Why a response is refused; else "agreed", the subprotocol, and the window bits of both directions. */
function outcome(fields: readonly FieldLine[], status = 101, handshake = asked): string {
  const checked = checkHandshakeResponse(handshake, status, fields, sha1);
  if (checked.kind === "refusal") return checked.reason;
  const { subprotocol, deflate } = checked;
  const bits = deflate === undefined ? "-" : `${deflate.ownWindowBits} ${deflate.peerWindowBits}`;
  return `agreed ${subprotocol ?? "-"} ${bits}`;
}

describe("a client's opening handshake", () => {
  test("asks as RFC 6455 §4.1 says", () => {
    assert.equal(formatHandshake(asked), [
      "GET /chat?room=1 HTTP/1.1", "Host: server.example.com", "Upgrade: websocket", "Connection: Upgrade",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Protocol: chat, superchat",
      "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits", "Origin: http://example.com", "", "",
    ].join("\r\n"));
    const least = formatHandshake({ ...asked, subprotocols: [], deflate: undefined, fields: [] });
    assert.doesNotMatch(least, /Protocol|Extensions|Origin/);
  });

  test("takes an answer that fits", () => {
    assert.equal(outcome([...switching, accept]), "agreed - -");
    assert.equal(outcome([["UPGRADE", "WebSocket"], ["connection", "keep-alive, upgrade"], accept]), "agreed - -");
    assert.equal(outcome([...switching, accept, ["Sec-WebSocket-Protocol", "superchat"]]), "agreed superchat -");
    assert.equal(
      outcome([...switching, accept, ["Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits=10"]]),
      "agreed - 10 15");
  });

  test("fails when the server does not switch", () => {
    for (const status of [100, 200, 301, 401, 426, 500]) {
      assert.equal(outcome([...switching, accept], status), `status ${status}`);
    }
  });

  test("fails without Upgrade or Connection", () => {
    const [upgrade, connection] = switching;
    assert.ok(upgrade !== undefined && connection !== undefined);
    assert.equal(outcome([connection, accept]), "Upgrade not websocket");
    assert.equal(outcome([["Upgrade", "h2c"], connection, accept]), "Upgrade not websocket");
    assert.equal(outcome([["Upgrade", "websocket, h2c"], connection, accept]), "Upgrade not websocket");
    assert.equal(outcome([upgrade, accept]), "Upgrade not named in Connection");
    assert.equal(outcome([upgrade, ["Connection", "close"], accept]), "Upgrade not named in Connection");
  });

  test("fails when the key is not answered", () => {
    const expected = "Sec-WebSocket-Accept does not answer the key";
    assert.equal(outcome(switching), expected);
    assert.equal(outcome([...switching, accept, accept]), expected);
    assert.equal(outcome([...switching, ["Sec-WebSocket-Accept", asked.key]]), expected);
    assert.equal(outcome([...switching, ["Sec-WebSocket-Accept", accept[1].toLowerCase()]]), expected);
  });

  test("fails upon a subprotocol that was not offered", () => {
    const expected = "a subprotocol that was not offered";
    assert.equal(outcome([...switching, accept, ["Sec-WebSocket-Protocol", "other"]]), expected);
    assert.equal(outcome([...switching, accept, ["Sec-WebSocket-Protocol", "Chat"]]), expected);
    assert.equal(outcome([...switching, accept, ["Sec-WebSocket-Protocol", "chat, superchat"]]), expected);
    assert.equal(outcome([...switching, accept, ["Sec-WebSocket-Protocol", ""]]), expected);
    const chat: FieldLine = ["Sec-WebSocket-Protocol", "chat"];
    assert.equal(outcome([...switching, accept, chat, chat]), "several Sec-WebSocket-Protocol");
  });

  test("fails upon extensions that were not offered", () => {
    const expected = "extensions that were not offered";
    const answered = (value: string, handshake = asked): string =>
      outcome([...switching, accept, ["Sec-WebSocket-Extensions", value]], 101, handshake);
    assert.equal(answered("permessage-deflate", { ...asked, deflate: undefined }), expected);
    assert.equal(answered("permessage-deflate, permessage-deflate"), expected);
    assert.equal(answered("permessage-deflate, x-other"), expected);
    assert.equal(answered("permessage-deflate;"), expected, "not of the grammar");
    assert.equal(answered("x-other"), "extension parameters that were not offered");
    assert.equal(answered("permessage-deflate; client_max_window_bits"), "extension parameters that were not offered");
  });
});
