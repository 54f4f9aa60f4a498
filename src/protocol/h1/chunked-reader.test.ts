import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { cut, limits, play, playEveryWay, playText, type Setting } from "../../../tests/protocol/engine.ts";
import { fromLatin1 } from "../../std/bytes.ts";

const head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

/** What became of a request with these bytes behind its head, and its body. */
function read(body: string, setting?: Setting): readonly [outcome: string, body: string] {
  const { outcome, requests } = playEveryWay(head + body, setting);
  return [outcome, requests[0]?.body ?? ""];
}

function byteText(byte: number): string {
  return String.fromCharCode(byte);
}

describe("a chunk's size", () => {
  test("is hexadecimal digits, of any case, with leading zeros, and nothing else", () => {
    const sizes: readonly (readonly [string, number])[] = [
      ["1", 1], ["a", 10], ["A", 10], ["1f", 31], ["1F", 31], ["0005", 5], ["0000000000001", 1],
    ];
    for (const [size, count] of sizes) {
      const data = "x".repeat(count);
      assert.deepEqual(read(`${size}\r\n${data}\r\n0\r\n\r\n`), ["idle", data]);
    }
    const refused = ["", " 5", "5 ", "\t5", "5\t", "+5", "-5", "0x5", "0X5", "5h", "5_0", "5,0", "5.", "'5", "\u00b5",
      "g",
      "5\x0b", "5\x00", "\x005", "00000000000005", "ffffffffffffff", "20000000000000", "10000000000000000"];
    for (const size of refused) {
      assert.equal(read(`${size}\r\nhello\r\n0\r\n\r\n`)[0], "400 chunk_size", JSON.stringify(size));
    }
  });

  test("takes any byte only where the grammar does", () => {
    for (let byte = 0; byte < 256; byte++) {
      const text = byteText(byte);
      const isHex = /^[0-9A-Fa-f]$/.test(text);
      const { outcome } = playText(`${head}5${text}\r\n`);
      // A second digit makes another size, and the data is waited for; a semicolon begins an extension.
      assert.equal(outcome, isHex || text === ";" ? "incomplete" : "400 chunk_size", JSON.stringify(text));
      const before = playText(`${head}${text}5\r\n`).outcome;
      assert.equal(before, isHex ? "incomplete" : "400 chunk_size", JSON.stringify(text));
    }
  });

  test("agrees with its grammar on random texts", () => {
    const digit = fc.constantFrom(...Array.from("0123456789abcdefABCDEFxX+-_ \t;,\r\0g"));
    fc.assert(fc.property(fc.string({ unit: digit, maxLength: 16 }), (size) => {
      const { outcome } = playText(`${head}${size}\r\n`);
      const accepted = /^[0-9A-Fa-f]{1,13}(?:;[^\r\n\0]*)?$/.test(size);
      if (accepted) assert.match(outcome, /^(?:incomplete|idle)$/);
      else assert.match(outcome, /^400 /);
    }), { numRuns: 3000 });
  });

  test("of 13 digits is counted exactly", () => {
    assert.deepEqual(read("fffffffffffff\r\nabc"), ["incomplete", "abc"]);
  });
});

describe("the end of a chunk", () => {
  test("after its data only CRLF stands: of 65,536 pairs of bytes one passes", () => {
    const bytes = fromLatin1(`${head}3\r\nabc??0\r\n\r\n`);
    const at = bytes.indexOf("??");
    const passed: number[] = [];
    for (let pair = 0; pair < 65_536; pair++) {
      bytes[at] = pair >> 8;
      bytes[at + 1] = pair & 255;
      const { outcome } = play([bytes]);
      if (outcome === "400 chunk_end") continue;
      assert.equal(outcome, "idle");
      passed.push(pair);
    }
    assert.deepEqual(passed, [0x0d0a]);
  });

  test("data longer or shorter than the size is refused", () => {
    for (const chunk of ["3\r\nabcd\r\n", "3\r\nab\r\n", "3\r\nabc", "3\r\nabc\n", "3\r\nabc\r", "3\r\nabc\r\r\n",
      "3\nabc\r\n"]) {
      assert.match(read(`${chunk}0\r\n\r\n`)[0], /^400 chunk_(?:end|size)$/, JSON.stringify(chunk));
    }
  });

  test("the size line ends with CRLF only, of all two bytes", () => {
    for (let first = 0; first < 256; first++) {
      for (const second of [0, 9, 10, 13, 32, 48, 255]) {
        const line = `3${byteText(first)}${byteText(second)}`;
        const { outcome } = playText(`${head}${line}abc\r\n0\r\n\r\n`);
        if (line === "3\r\n") assert.equal(outcome, "idle");
        else if (!line.startsWith("3;") && !/^3[0-9A-Fa-f][0-9]$/.test(line)) assert.match(outcome, /^400 chunk_/);
      }
    }
  });

  test("a body that is cut anywhere is never whole", () => {
    const body = "5;a=b\r\nhello\r\n6\r\n world\r\n0\r\nX: y\r\n\r\n";
    for (let size = 0; size < body.length; size++) {
      const { outcome, requests } = playText(head + body.slice(0, size));
      assert.deepEqual([outcome, requests[0]?.complete], ["incomplete", false]);
    }
    assert.deepEqual(read(body), ["idle", "hello world"]);
  });

  test("the next request begins behind it", () => {
    const { requests, outcome } = playEveryWay(`${head}1\r\nx\r\n0\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n`);
    assert.deepEqual([requests.length, requests[1]?.target, outcome], [2, "/next", "idle"]);
  });
});

describe("chunk extensions", () => {
  test("are dropped, whatever they say", () => {
    const extensions = [";a", ";a=b", "; a = b ; c", ";a=\"b c\"", ";a=\"b\\\"c;d\"", ";", ";;", ";=", ";a=\"\\\\\"",
      ";\xe9",
      ";a=\"\"", ";\t"];
    for (const extension of extensions) {
      assert.deepEqual(read(`1${extension}\r\nx\r\n0${extension}\r\n\r\n`), ["idle", "x"], extension);
    }
  });

  test("have no control character but HTAB, quoted or not", () => {
    for (let byte = 0; byte < 256; byte++) {
      const text = byteText(byte);
      for (const extension of [`;a${text}b`, `;a="${text}"`]) {
        if (text === "\"" || (text === "\\" && extension.endsWith("\""))) continue;
        const { outcome } = playText(`${head}1${extension}\r\nx\r\n0\r\n\r\n`);
        const isAllowed = byte === 9 || (byte >= 32 && byte !== 127);
        if (isAllowed) assert.equal(outcome, "idle", JSON.stringify(extension));
        else assert.match(outcome, /^400 chunk_(?:extension|size)$/, JSON.stringify(extension));
      }
    }
  });

  test("end with their line, also within quotes: each known way to smuggle through them is refused", () => {
    const bodies = ["2;\nxx\r\n", "2;\rxx\r\n", "2;a\nxx\r\n", "2;a=\"\nxx\r\n", "2;a=\"\r\nxx\r\n",
      "2;a=\"\rxx\"\r\n", "2\nxx\r\n",
      "2\rxx\r\n", "2;\r\rxx\r\n", "2;a=\"b\\\"\r\nxx\r\n", "2 ;\nxx\r\n", "2;\0\r\nxx\r\n"];
    for (const body of bodies) assert.match(read(`${body}0\r\n\r\n`)[0], /^400 chunk_/, JSON.stringify(body));
  });

  test("are bounded for the whole body, not for each chunk", () => {
    const chunk = (size: number): string => `1;${"a".repeat(size)}\r\nx\r\n`;
    assert.equal(playText(`${head}${chunk(4096)}0\r\n\r\n`).outcome, "idle");
    assert.equal(playText(`${head}${chunk(4097)}0\r\n\r\n`).outcome, "400 chunk_extension");
    assert.equal(playText(`${head}${chunk(1).repeat(4096)}0\r\n\r\n`).outcome, "idle");
    assert.equal(playText(`${head}${chunk(1).repeat(4097)}0\r\n\r\n`).outcome, "400 chunk_extension");
  });

  test("and digits leave at most 17 bytes of framing for one of data", () => {
    const chunk = "0000000000001\r\nx\r\n";
    assert.equal(chunk.length - 1, 17);
    assert.equal(read(`${chunk.repeat(20)}0\r\n\r\n`)[0], "idle");
    assert.equal(read(`0${chunk}`)[0], "400 chunk_size");
  });
});

describe("the trailer section", () => {
  test("is no part of the head, and told apart from it", () => {
    for (const trailers of ["", "X: y\r\n", "X: y\r\nVary: *\r\nSet-Cookie: a=b\r\nX-Forwarded-For: 1.2.3.4\r\n"]) {
      const { requests,
        outcome } = playEveryWay(`${head}1\r\nx\r\n0\r\n${trailers}\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n`);
      assert.deepEqual([requests.length, requests[0]?.body, requests[0]?.fields.length, outcome], [2, "x", 2, "idle"]);
      const lines = trailers.split("\r\n").filter((line) => line !== "").map((line) => line.split(": "));
      assert.deepEqual(requests.map((request) => request.trailers), [lines, []]);
    }
  });

  test("must not speak of framing or of the host", () => {
    const lines = ["Content-Length: 5", "Transfer-Encoding: chunked", "transfer-encoding: gzip", "Host: evil", "host:",
      "content-length: x"];
    for (const line of lines) assert.equal(read(`0\r\n${line}\r\n\r\n`)[0], "400 trailer_section", line);
  });

  test("obeys the rules of a header section", () => {
    const lines = ["X : y\r\n", " X: y\r\n", "X: y\r\n z\r\n", "X: y\n", "X: y\r", "X\r\n", ": y\r\n", "X: \0\r\n",
      "X: y\r\n\n",
      "X: y\r\n\rZ"];
    for (const line of lines) assert.equal(read(`0\r\n${line}\r\n`)[0], "400 trailer_section", JSON.stringify(line));
  });

  test("has the bounds of a header section", () => {
    const setting = { limits: { ...limits, fieldCountMax: 5, fieldSizeMax: 64, headSizeMax: 200 } };
    assert.equal(read(`0\r\n${"X: y\r\n".repeat(5)}\r\n`, setting)[0], "idle");
    assert.equal(read(`0\r\n${"X: y\r\n".repeat(6)}\r\n`, setting)[0], "431 field_count");
    assert.equal(read(`0\r\nX: ${"y".repeat(59)}\r\n\r\n`, setting)[0], "idle");
    assert.equal(read(`0\r\nX: ${"y".repeat(60)}\r\n\r\n`, setting)[0], "431 field_size");
    const line = `X: ${"y".repeat(43)}\r\n`;
    assert.equal(read(`0\r\n${line.repeat(4)}X:y\r\n\r\n`, setting)[0], "idle");
    assert.equal(read(`0\r\n${line.repeat(4)}X:yyy\r\n\r\n`, setting)[0], "431 head_size");
    assert.equal(read(`0\r\n${line.repeat(4)}X:yyyyyyyyyy`, setting)[0], "431 head_size");
  });
});

describe("the chunked coding", () => {
  test("any data in any chunks, cut anywhere, comes out as it went in", () => {
    const chunk = fc.uint8Array({ minLength: 1, maxLength: 40 });
    const cuts = fc.array(fc.nat(1000), { maxLength: 8 });
    fc.assert(fc.property(fc.array(chunk, { maxLength: 12 }), cuts, (chunks, positions) => {
      const texts = chunks.map((data) => Array.from(data, byteText).join(""));
      const text = texts.map((data) => `${data.length.toString(16)};x\r\n${data}\r\n`).join("");
      const bytes = fromLatin1(`${head}${text}0\r\n\r\n`);
      const sorted = positions.map((at) => at % bytes.length).sort((a, b) => a - b);
      const { requests, outcome } = play(cut(bytes, ...sorted));
      assert.deepEqual([requests[0]?.body, requests[0]?.complete, outcome], [texts.join(""), true, "idle"]);
    }));
  });
});
