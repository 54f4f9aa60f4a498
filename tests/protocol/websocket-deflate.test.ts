// permessage-deflate (RFC 7692) between our ends and, as another implementation, zlib's streams: they keep a context
// for a connection's life, as most peers do, where ours passes the last window as a dictionary. Categories 12 and 13 of
// the Autobahn test suite: kinds and sizes of messages, fragments, and every parameter.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { describe, test } from "node:test";
import { constants, createDeflateRaw, createInflateRaw, deflateRawSync } from "node:zlib";
import type { DeflateRaw, InflateRaw } from "node:zlib";
import { setImmediate } from "node:timers/promises";
import { deflateCodec } from "../../src/filters/index.ts";
import { OutgoingMessage, WsReader, WsSender, negotiateDeflate } from "../../src/protocol/ws/index.ts";
import type { WsDeflate, WsSettings } from "../../src/protocol/ws/index.ts";
import { asBytes } from "../../src/std/bytes.ts";
import { bytesOf, encode, play, playEveryWay, server } from "./websocket.ts";

const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);
const MEBIBYTE = 1_048_576;
const agreed: WsDeflate = {
  ownWindowBits: 12, ownTakeover: true, peerWindowBits: 12, peerTakeover: true, codec: deflateCodec,
};
const settings: WsSettings = { ...server, deflate: agreed };

/** What one message is made of, of any size. */
const kinds: Readonly<Record<string, (size: number) => Buffer>> = {
  "JSON": (size) => Buffer.alloc(size, Array.from({ length: 200 }, (_, id) =>
    `{"id": ${id * 7919 % 1000}, "name": "hat ${id}", "price": ${id}.99, "sold": ${id % 3 === 0}},\n`).join("")),
  "prose": (size) => Buffer.alloc(size, "A messenger who does not wait for an answer walks twice as far; who waits " +
    "too long finds the door shut. So the wise one knocks, listens, counts to twenty, and knocks again. "),
  "text beyond ASCII": (size) => Buffer.from("帽子は頭にかぶるもの。🎩 κόσμε ".repeat(Math.ceil(size / 40))),
  "the same letter": (size) => Buffer.alloc(size, "*"),
  "chance": (size) => randomBytes(size),
};
const sizes = [16, 64, 256, 511, 512, 1024, 4096, 8192, 16_384, 32_768, 65_536, 131_072];

/** A peer's compressor or decompressor with its context. */
class Peer {
  readonly #stream: DeflateRaw | InflateRaw;
  #output: Buffer[] = [];

  constructor(stream: DeflateRaw | InflateRaw) {
    this.#stream = stream;
    stream.on("data", (chunk: Buffer) => this.#output.push(chunk));
    stream.on("error", () => undefined);
  }

  /** What comes out when this is all that goes in. */
  async pass(bytes: Uint8Array): Promise<Buffer> {
    this.#stream.write(bytes);
    await new Promise<void>((resolve) => this.#stream.flush(constants.Z_SYNC_FLUSH, resolve));
    // What was pushed before the flush is given out in this turn.
    await setImmediate();
    const output = Buffer.concat(this.#output);
    this.#output = [];
    return output;
  }

  async close(): Promise<void> {
    const closed = once(this.#stream, "close");
    this.#stream.destroy();
    await closed;
  }
}

const peerDeflater = (windowBits: number): Peer => new Peer(createDeflateRaw({ windowBits }));
const peerInflater = (windowBits: number): Peer => new Peer(createInflateRaw({ windowBits }));

/** A compressed message of a client, as one frame or in fragments of so many bytes. */
function fragments(payload: Uint8Array, opcode: number, fragmentSize: number = payload.length): Buffer {
  const count = Math.max(1, Math.ceil(payload.length / fragmentSize));
  return Buffer.concat(Array.from({ length: count }, (_, index) => encode({
    opcode: index === 0 ? opcode : 0, rsv: index === 0 ? 4 : 0, fin: index === count - 1,
    payload: payload.subarray(index * fragmentSize, (index + 1) * fragmentSize),
  })));
}

/** One frame of a server: its payload, and whether it is compressed. */
function unframe(frame: string | Uint8Array): { readonly payload: Buffer; readonly compressed: boolean } {
  const bytes = Buffer.from(bytesOf(frame));
  const short = (bytes[1] ?? 0) & 127;
  const payload = bytes.subarray(short < 126 ? 2 : short === 126 ? 4 : 10);
  return { payload, compressed: ((bytes[0] ?? 0) & 0x40) !== 0 };
}

function outgoing(payload: Uint8Array, text: boolean, shared = false): OutgoingMessage {
  const message = new OutgoingMessage();
  message.reset(asBytes(payload), 0, payload.length, text, shared);
  return message;
}

describe("permessage-deflate, 12: messages of every kind and size", () => {
  for (const [kind, make] of Object.entries(kinds)) {
    const text = kind !== "chance";

    test(`${kind} from a peer, with its context`, async () => {
      const peer = peerDeflater(12);
      const reader = new WsReader(settings);
      for (const [index, size] of [...sizes, ...sizes.toReversed()].entries()) {
        const plain = make(size);
        const payload = (await peer.pass(plain)).subarray(0, -4);
        reader.receive(asBytes(fragments(payload, text ? 1 : 2, Math.ceil(payload.length / (1 + index % 3)))));
        const event = reader.next();
        assert.ok(typeof event === "object" && event.kind === "message", `${size} bytes`);
        assert.equal(event.text, text);
        assert.ok(event.bytes.subarray(event.start, event.end).equals(plain), `${size} bytes`);
        assert.equal(reader.next(), "need-data");
      }
      await peer.close();
    });

    test(`${kind} for a peer, with its context`, async () => {
      const peer = peerInflater(12);
      const sender = new WsSender(agreed);
      let compressedCount = 0;
      for (const size of [...sizes, ...sizes]) {
        const plain = make(size);
        const { payload, compressed } = unframe(sender.frame(outgoing(plain, text)));
        if (compressed) compressedCount++;
        const inflated = compressed ? await peer.pass(Buffer.concat([payload, TAIL])) : payload;
        assert.ok(inflated.equals(plain), `${size} bytes`);
        assert.ok(payload.length <= plain.length, "never larger than it was");
      }
      if (text) assert.ok(compressedCount >= 16, `those of 512 bytes and more, not ${compressedCount}`);
      await peer.close();
    });
  }

  test("in fragments of any size, with pings between them, cut anywhere", () => {
    const plain = Buffer.from("to be or not to be, ".repeat(10));
    const payload = Buffer.from(deflateCodec.deflate(plain, 12, asBytes(Buffer.alloc(0))));
    for (const fragmentSize of [1, 2, 3, 7, payload.length]) {
      assert.deepEqual(playEveryWay(fragments(payload, 1, fragmentSize), settings), [`text ${plain.toString()}`]);
    }
    const [first, second] = [payload.subarray(0, 9), payload.subarray(9)];
    assert.deepEqual(playEveryWay(Buffer.concat([
      encode({ opcode: 1, rsv: 4, payload: first, fin: false }), encode({ opcode: 9, payload: Buffer.from("p") }),
      encode({ opcode: 0, payload: second }),
    ]), settings), ["ping 70", `text ${plain.toString()}`]);
  });

  test("plain messages between compressed ones enter nobody's window", async () => {
    const [deflater, inflater] = [peerDeflater(12), peerInflater(12)];
    const sender = new WsSender(agreed);
    const frames: Buffer[] = [];
    const expected: string[] = [];
    for (let index = 0; index < 20; index++) {
      const plain = Buffer.from(`message ${index}, ${"which has much in common with the others, ".repeat(20)}`);
      expected.push(`text ${plain.toString()}`, "text plain");
      frames.push(fragments((await deflater.pass(plain)).subarray(0, -4), 1));
      frames.push(encode({ opcode: 1, payload: Buffer.from("plain") }));
      const { payload, compressed } = unframe(sender.frame(outgoing(plain, true)));
      assert.ok(compressed && (index === 0 || payload.length < 50), "it leans on the one before");
      assert.ok((await inflater.pass(Buffer.concat([payload, TAIL]))).equals(plain));
      assert.equal(unframe(sender.frame(outgoing(Buffer.from("plain"), true))).compressed, false);
      if (index % 3 === 0) sender.part(asBytes(Buffer.alloc(5000, "part")), 1, true);
    }
    assert.deepEqual(playEveryWay(Buffer.concat(frames), settings), expected);
    await Promise.all([deflater.close(), inflater.close()]);
  });

  test("what was compressed once for many, and what was not, are read by each of them", async () => {
    const peers = Array.from({ length: 3 }, () => ({ inflater: peerInflater(12), sender: new WsSender(agreed) }));
    for (let round = 0; round < 12; round++) {
      const common = outgoing(Buffer.from(`to all ${round}: ${"the news of today. ".repeat(40)}`), true, true);
      for (const [index, { inflater, sender }] of peers.entries()) {
        const secret = `to ${index}, ${round}: ${"what you alone may know. ".repeat(30 + index)}`;
        const own = outgoing(Buffer.from(secret), true);
        for (const message of (round + index) % 2 === 0 ? [common, own] : [own, common]) {
          const { payload, compressed } = unframe(sender.frame(message));
          assert.ok(compressed);
          const plain = await inflater.pass(Buffer.concat([payload, TAIL]));
          assert.equal(plain.toString(), message.bytes.toString("utf8", message.start, message.end));
        }
      }
    }
    await Promise.all(peers.map(({ inflater }) => inflater.close()));
  });
});

describe("permessage-deflate, 13: every parameter", () => {
  const parameters = ["", "server_no_context_takeover", "client_no_context_takeover", "server_max_window_bits=9",
    "server_max_window_bits=15", "client_max_window_bits", "client_max_window_bits=9", "client_max_window_bits=15",
    "server_no_context_takeover; server_max_window_bits=9", "server_no_context_takeover; server_max_window_bits=15",
    "client_no_context_takeover; client_max_window_bits=9",
    "server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=11"];

  for (const offer of parameters) {
    test(`messages in both directions after ${offer === "" ? "an offer without parameters" : offer}`, async () => {
      const pairs = offer.split("; ").filter((part) => part !== "").map((part) => {
        const [name = "", value] = part.split("=");
        return [name, value] as const;
      });
      const extensions = [{ name: "permessage-deflate", parameters: pairs }];
      const { agreed: deflate, line } =
        negotiateDeflate(extensions, { windowBits: 12, codec: deflateCodec }) ?? assert.fail();
      // What the client knows is what the answer says.
      const bits = (name: string): number => Number(new RegExp(`${name}=(\\d+)`).exec(line)?.[1] ?? 15);
      const takeover = (name: string): boolean => !line.includes(name);
      const makeDeflater = (): Peer => peerDeflater(bits("client_max_window_bits"));
      const makeInflater = (): Peer => peerInflater(bits("server_max_window_bits"));
      let [deflater, inflater] = [makeDeflater(), makeInflater()];
      const sender = new WsSender(deflate);
      const frames: Buffer[] = [];
      const expected: string[] = [];
      for (const size of [600, 3000, 600, 20_000, 1000, 5000]) {
        const plain = kinds["JSON"]?.(size) ?? assert.fail();
        expected.push(`text ${plain.toString()}`);
        frames.push(fragments((await deflater.pass(plain)).subarray(0, -4), 1));
        if (!takeover("client_no_context_takeover")) [, deflater] = [await deflater.close(), makeDeflater()];
        const { payload, compressed } = unframe(sender.frame(outgoing(plain, true)));
        assert.ok(compressed);
        assert.ok((await inflater.pass(Buffer.concat([payload, TAIL]))).equals(plain));
        if (!takeover("server_no_context_takeover")) [, inflater] = [await inflater.close(), makeInflater()];
      }
      assert.deepEqual(playEveryWay(Buffer.concat(frames), { ...server, deflate }), expected);
      await Promise.all([deflater.close(), inflater.close()]);
    });
  }

  test("a client of ours and a server of ours", () => {
    for (const takeover of [true, false]) {
      for (const bits of [9, 12, 15]) {
        const deflate: WsDeflate = {
          ownWindowBits: bits, peerWindowBits: bits, ownTakeover: takeover, peerTakeover: takeover, codec: deflateCodec,
        };
        for (const [key, role] of [[(): number => 0x1234567, "server"], [undefined, "client"]] as const) {
          const sender = new WsSender(deflate, key);
          const texts = Array.from({ length: 10 }, (_, index) => `${index} ${"again and again ".repeat(50 + index)}`);
          const bytes = Buffer.concat(texts.map((text) => bytesOf(sender.frame(outgoing(Buffer.from(text), true)))));
          assert.ok(bytes.length < 1500, "it is compressed");
          assert.deepEqual(playEveryWay(bytes, { ...settings, role, deflate }), texts.map((text) => `text ${text}`));
        }
      }
    }
  });
});

describe("permessage-deflate, what is refused", () => {
  const deflated = (bytes: Uint8Array): Buffer =>
    deflateRawSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
  const compressed = (payload: Uint8Array, opcode = 1): Buffer => encode({ opcode, rsv: 4, payload });

  test("RSV1 anywhere but on the first frame of a message, RSV2 and RSV3 everywhere", () => {
    const payload = deflated(Buffer.from("Hello"));
    const refused = (...frames: readonly Buffer[]): void =>
      assert.deepEqual(playEveryWay(Buffer.concat(frames), settings), ["violation 1002"]);
    for (const opcode of [8, 9, 10]) refused(encode({ opcode, rsv: 4, payload: Buffer.alloc(0) }));
    for (const rsv of [1, 2, 3, 5, 6, 7]) refused(encode({ opcode: 1, rsv, payload }));
    const second = encode({ opcode: 0, rsv: 4, payload: payload.subarray(3) });
    refused(encode({ opcode: 1, rsv: 4, payload: payload.subarray(0, 3), fin: false }), second);
    refused(encode({ opcode: 1, payload: Buffer.from("a"), fin: false }), second);
  });

  test("what is no DEFLATE, or cut: 1007", () => {
    for (const payload of [Buffer.from("ff", "hex"), deflated(Buffer.from("Hello, Hello")).subarray(0, -2)]) {
      assert.deepEqual(playEveryWay(compressed(payload), settings), ["violation 1007"]);
    }
  });

  test("text that is not UTF-8 once it is decompressed: 1007, and binary that is not: a message", () => {
    const payload = deflated(Buffer.from("cebaff", "hex"));
    assert.deepEqual(playEveryWay(compressed(payload), settings), ["violation 1007"]);
    assert.deepEqual(playEveryWay(compressed(payload, 2), settings), ["binary cebaff"]);
  });

  test("a message beyond the bound once it is decompressed: 1009", () => {
    const bounded = { ...settings, messageSizeMax: 1000 };
    const exactly = Buffer.alloc(1000, "a");
    assert.deepEqual(playEveryWay(compressed(deflated(exactly)), bounded), [`text ${exactly.toString()}`]);
    assert.deepEqual(playEveryWay(compressed(deflated(Buffer.alloc(1001, "a"))), bounded), ["violation 1009"]);
  });

  test("what does not shrink may be a little larger while it is compressed, not more", () => {
    const bounded = { ...settings, messageSizeMax: 10_000 };
    const chance = randomBytes(10_000);
    const payload = deflated(chance);
    assert.ok(payload.length > 10_000);
    assert.deepEqual(play([compressed(payload, 2)], bounded), [`binary ${chance.toString("hex")}`]);
    const frameOf = (size: number): Buffer => compressed(Buffer.alloc(size), 2).subarray(0, 8);
    assert.deepEqual(playEveryWay(frameOf(10_000 + 1250 + 64), bounded), []);
    assert.deepEqual(playEveryWay(frameOf(10_000 + 1250 + 65), bounded), ["violation 1009"]);
  });

  test("a bomb: beyond a mebibyte, more than a hundred times its size", () => {
    const large = { ...settings, messageSizeMax: 64 * MEBIBYTE };
    assert.deepEqual(play([compressed(deflated(Buffer.alloc(32 * MEBIBYTE)), 2)], large), ["violation 1009"]);
    const free = play([compressed(deflated(Buffer.alloc(MEBIBYTE)), 2)], large);
    assert.equal(free[0]?.length, "binary ".length + 2 * MEBIBYTE, "a mebibyte may be as small as it likes");
    const block = (): Buffer => Buffer.concat([randomBytes(400), Buffer.alloc(39_600)]);
    const dense = Buffer.concat(Array.from({ length: 60 }, block));
    const honest = deflated(dense);
    assert.ok(dense.length > 2 * MEBIBYTE && honest.length * 100 > dense.length);
    assert.equal(play([compressed(honest, 2)], large)[0]?.length, "binary ".length + 2 * dense.length);
  });

  test("a message without any byte is empty, as zlib's second flush in a row has it, and is let pass", () => {
    assert.deepEqual(playEveryWay(compressed(Buffer.alloc(0)), settings), ["text "]);
    assert.deepEqual(playEveryWay(compressed(Buffer.from([0])), settings), ["text "]);
  });
});
