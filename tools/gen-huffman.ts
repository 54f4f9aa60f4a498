// Writes src/protocol/h2/huffman-table.ts: HPACK's Huffman code (RFC 7541 appendix B), from the one thing that it is
// made of, the length of each symbol's code. The code is canonical: shorter codes first, then by the symbol's number.
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** Bits of the code of each byte, and of EOS, which is the last (RFC 7541 appendix B, its column "len in bits"). */
const lengths: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28,
  28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6,
  12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15,
  5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20,
  22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22,
  23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24,
  21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26,
  27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
];
/** Codes up to so many bits are found by one look. */
const QUICK_BITS = 8;

interface Code {
  readonly symbol: number;
  readonly length: number;
  readonly code: number;
}

function canonicalCodes(): readonly Code[] {
  const symbols = lengths.map((length, symbol) => ({ symbol, length }));
  symbols.sort((a, b) => a.length - b.length || a.symbol - b.symbol);
  let next = 0;
  let before = 0;
  return symbols.map(({ symbol, length }) => {
    next *= 2 ** (length - before);
    before = length;
    return { symbol, length, code: next++ };
  });
}

/** The text of the file. */
export function huffmanFile(): string {
  const codes = canonicalCodes();
  const last = codes.at(-1);
  if (last === undefined || last.code !== 2 ** last.length - 1) throw new Error("the lengths are of no complete code");
  const bySymbol = codes.toSorted((a, b) => a.symbol - b.symbol).slice(0, 256);
  const quick = Array.from({ length: 2 ** QUICK_BITS }, (_, bits) => {
    const found = codes.find(({ code, length }) => length <= QUICK_BITS && bits >> (QUICK_BITS - length) === code);
    return found === undefined ? 0 : (found.length << 8) | found.symbol;
  });
  const long = [...new Set(codes.map(({ length }) => length))].filter((length) => length > QUICK_BITS);
  const rows = long.flatMap((length) => {
    const same = codes.filter((code) => code.length === length);
    const first = same[0]?.code ?? 0;
    return [length, first, first + same.length, codes.findIndex((code) => code.length === length)];
  });
  return [
    "// Written by tools/gen-huffman.ts: change that, then run it.",
    "",
    "/** Code of each byte. */",
    list("CODES", "Uint32Array", bySymbol.map(({ code }) => code)),
    "",
    "/** Bits of each byte's code. */",
    list("LENGTHS", "Uint8Array", lengths.slice(0, 256)),
    "",
    "/** By the next eight bits: the length of their first code, and its symbol in the low byte; 0: longer. */",
    list("QUICK", "Uint16Array", quick),
    "",
    "/** For each longer length: the length, its first code, the end of its codes, the rank of the first. */",
    list("LONG", "Uint32Array", rows),
    "",
    "/** Symbols by the rank of their code; 256 is EOS. */",
    list("SYMBOLS", "Uint16Array", codes.map(({ symbol }) => symbol)),
    "",
  ].join("\n");
}

function list(name: string, type: string, values: readonly number[]): string {
  const lines: string[] = [];
  let line = " ";
  for (const value of values) {
    if (line.length + String(value).length + 2 > 118) {
      lines.push(line);
      line = " ";
    }
    line += ` ${value},`;
  }
  return `export const ${name}: ${type} = ${type}.of(\n${[...lines, line].join("\n")}\n);`;
}

/** Where it goes. */
export const huffmanPath: string = join(import.meta.dirname, "../src/protocol/h2/huffman-table.ts");

if (import.meta.main) writeFileSync(huffmanPath, huffmanFile());
