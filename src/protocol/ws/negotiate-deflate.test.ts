import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { DeflateCodec, WsDeflate } from "./deflate.ts";
import { parseExtensions } from "./extensions.ts";
import { type DeflateOffer, acceptDeflateAnswer, formatDeflateOffer, negotiateDeflate } from "./negotiate-deflate.ts";

/** Nothing is compressed here. */
const codec: DeflateCodec = { deflate: () => assert.fail(), inflate: () => assert.fail() };

/** What is agreed on, in words: own and peer's window bits, "-" behind one that has no takeover. */
const words = ({ ownWindowBits, ownTakeover, peerWindowBits, peerTakeover }: WsDeflate): string =>
  `${ownWindowBits}${ownTakeover ? "" : "-"} ${peerWindowBits}${peerTakeover ? "" : "-"}`;

function answer(offers: string, windowBits: number = 12): readonly [line: string, agreed: string] | undefined {
  const result = negotiateDeflate(parseExtensions(offers) ?? assert.fail(offers), { windowBits, codec });
  return result === undefined ? undefined : [result.line.replace("permessage-deflate; ", ""), words(result.agreed)];
}

describe("a server's answer to offers of permessage-deflate", () => {
  const own = "server_max_window_bits=12";
  const answers: Readonly<Record<string, readonly [line: string, agreed: string]>> = {
    // A client without the parameter may use 15 bits, so that it must forget after each message.
    "": [`${own}; client_no_context_takeover`, "12 15-"],
    "client_max_window_bits": [`${own}; client_max_window_bits=12`, "12 12"],
    "client_max_window_bits=15": [`${own}; client_max_window_bits=12`, "12 12"],
    "client_max_window_bits=10": [`${own}; client_max_window_bits=10`, "12 10"],
    // zlib's client of 8 bits uses 9.
    "client_max_window_bits=8": [`${own}; client_max_window_bits=8`, "12 9"],
    "client_max_window_bits=\"11\"": [`${own}; client_max_window_bits=11`, "12 11"],
    "server_max_window_bits=15": [`${own}; client_no_context_takeover`, "12 15-"],
    "server_max_window_bits=9": ["server_max_window_bits=9; client_no_context_takeover", "9 15-"],
    "server_no_context_takeover": [`${own}; server_no_context_takeover; client_no_context_takeover`, "12- 15-"],
    "client_no_context_takeover": [`${own}; client_no_context_takeover`, "12 15-"],
    "client_no_context_takeover; client_max_window_bits":
      [`${own}; client_max_window_bits=12; client_no_context_takeover`, "12 12-"],
    "server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=13": [
      "server_max_window_bits=10; client_max_window_bits=12; server_no_context_takeover; client_no_context_takeover",
      "10- 12-",
    ],
  };
  for (const [offer, expected] of Object.entries(answers)) {
    test(`to ${offer === "" ? "no parameters" : offer}`, () => {
      assert.deepEqual(answer(offer === "" ? "permessage-deflate" : `permessage-deflate; ${offer}`), expected);
    });
  }

  test("never exceeds the server's own bound", () => {
    assert.deepEqual(answer("permessage-deflate; client_max_window_bits", 15),
      ["server_max_window_bits=15; client_max_window_bits=15", "15 15"]);
    assert.deepEqual(answer("permessage-deflate; client_max_window_bits=12; server_max_window_bits=12", 9),
      ["server_max_window_bits=9; client_max_window_bits=9", "9 9"]);
  });

  test("is none when no offer can be met", () => {
    const declined = ["server_max_window_bits", "server_max_window_bits=8", "server_max_window_bits=7",
      "server_max_window_bits=16", "server_max_window_bits=012", "server_max_window_bits=1e1",
      "client_max_window_bits=7", "client_max_window_bits=16", "client_max_window_bits=0", "client_max_window_bits=08",
      "client_max_window_bits=x", "server_no_context_takeover=1", "client_no_context_takeover=true", "unknown",
      "unknown=1", "Server_No_Context_Takeover", "client_max_window_bits; client_max_window_bits",
      "server_no_context_takeover; server_no_context_takeover", "server_max_window_bits=9; server_max_window_bits=10"];
    for (const offer of declined) assert.equal(answer(`permessage-deflate; ${offer}`), undefined, offer);
    assert.equal(answer("x-webkit-deflate-frame"), undefined);
    assert.equal(answer("Permessage-Deflate"), undefined);
    assert.equal(negotiateDeflate([], { windowBits: 12, codec }), undefined);
  });

  test("is to the first offer that can be met", () => {
    const [, agreed] = answer("x-other; a=b, permessage-deflate; server_max_window_bits=8, " +
      "permessage-deflate; server_max_window_bits=10; client_max_window_bits, permessage-deflate") ?? [];
    assert.equal(agreed, "10 12");
  });
});

describe("a client's offer of permessage-deflate", () => {
  const check = (offer: Omit<DeflateOffer, "codec">, said: string): string | undefined => {
    const [extension = assert.fail()] = parseExtensions(`permessage-deflate${said}`) ?? [];
    const agreed = acceptDeflateAnswer(extension, { ...offer, codec });
    return agreed === undefined ? undefined : words(agreed);
  };

  test("says its parameters", () => {
    assert.equal(formatDeflateOffer({ codec }), "permessage-deflate");
    assert.equal(formatDeflateOffer({ codec, clientBits: "any" }), "permessage-deflate; client_max_window_bits");
    assert.equal(
      formatDeflateOffer({ codec, clientBits: 10, serverBits: 11, serverNoTakeover: true, clientNoTakeover: true }),
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=11; " +
      "client_max_window_bits=10");
  });

  test("is met by answers that fit it", () => {
    assert.equal(check({}, ""), "15 15");
    assert.equal(check({}, "; server_max_window_bits=10"), "15 10");
    assert.equal(check({}, "; server_max_window_bits=8"), "15 9", "a decoder may have more");
    assert.equal(check({}, "; server_no_context_takeover; client_no_context_takeover"), "15- 15-");
    assert.equal(check({ clientBits: "any" }, "; client_max_window_bits=9"), "9 15");
    assert.equal(check({ clientBits: "any" }, "; client_max_window_bits=8"), "8 15");
    assert.equal(check({ clientBits: 11 }, "; client_max_window_bits=11"), "11 15");
    assert.equal(check({ clientBits: 11 }, ""), "11 15", "the server is ready for more");
    assert.equal(check({ serverBits: 12 }, "; server_max_window_bits=11"), "15 11");
    assert.equal(check({ serverNoTakeover: true }, "; server_no_context_takeover"), "15 15-");
    assert.equal(check({ clientNoTakeover: true }, ""), "15- 15", "it was no more than a hint, and a promise");
  });

  test("is not met by what it did not allow", () => {
    assert.equal(check({}, "; client_max_window_bits=12"), undefined);
    assert.equal(check({ clientBits: "any" }, "; client_max_window_bits"), undefined, "an answer has a value");
    assert.equal(check({ clientBits: 10 }, "; client_max_window_bits=11"), undefined);
    assert.equal(check({ serverBits: 10 }, "; server_max_window_bits=11"), undefined);
    assert.equal(check({ serverBits: 10 }, ""), undefined);
    assert.equal(check({ serverNoTakeover: true }, ""), undefined);
    assert.equal(check({}, "; server_max_window_bits"), undefined);
    assert.equal(check({}, "; server_max_window_bits=16"), undefined);
    assert.equal(check({}, "; server_no_context_takeover; server_no_context_takeover"), undefined);
    assert.equal(check({}, "; other"), undefined);
    const [other = assert.fail()] = parseExtensions("x-other") ?? [];
    assert.equal(acceptDeflateAnswer(other, { codec }), undefined);
  });

  test("and every answer of our server fit together", () => {
    for (const clientBits of [undefined, "any", 8, 9, 12, 15] as const) {
      for (const serverBits of [undefined, 9, 12, 15]) {
        for (const flags of [0, 1, 2, 3]) {
          const offer: DeflateOffer = {
            codec, serverNoTakeover: (flags & 1) === 1, clientNoTakeover: (flags & 2) === 2,
            ...(clientBits === undefined ? undefined : { clientBits }),
            ...(serverBits === undefined ? undefined : { serverBits }),
          };
          const extensions = parseExtensions(formatDeflateOffer(offer)) ?? [];
          const result = negotiateDeflate(extensions, { windowBits: 12, codec }) ?? assert.fail();
          const [said = assert.fail()] = parseExtensions(result.line) ?? [];
          const agreed = acceptDeflateAnswer(said, offer) ?? assert.fail(result.line);
          assert.ok(agreed.ownWindowBits <= result.agreed.peerWindowBits);
          assert.ok(agreed.peerWindowBits >= result.agreed.ownWindowBits);
          assert.equal(agreed.ownTakeover, result.agreed.peerTakeover);
          assert.equal(agreed.peerTakeover, result.agreed.ownTakeover);
        }
      }
    }
  });
});
