/** `split_clients`: a variable whose value is chosen by a hash, so that each gets its share of all texts. */
import type { ComplexValue } from "../config/nginx/complex-value.ts";
import { err, ok, type Result } from "../std/result.ts";
import { byteText } from "./byte-text.ts";
import { compileText } from "./evaluate.ts";
import type { VariableDefinition, Variables } from "./variables.ts";

export interface SplitClientsBlock {
  readonly variable: string;
  readonly source: ComplexValue;
  /** In the order of the file; together at most 100 %. */
  readonly shares: readonly SplitShare[];
}

export interface SplitShare {
  /** Hundredths of a percent, 1 to 10,000; undefined for "*", which takes the rest. */
  readonly hundredths: number | undefined;
  readonly value: string;
}

const ALL_HUNDREDTHS = 10_000;

/** Reads "0.5%", with at most two decimals, or "*". */
export function parseShare(text: string): Result<number | undefined, string> {
  if (text === "*") return ok(undefined);
  const match = /^(\d{1,3})(?:\.(\d{1,2}))?%$/.exec(text);
  const hundredths = match === null ? 0 : Number(match[1]) * 100 + Number((match[2] ?? "").padEnd(2, "0"));
  return hundredths === 0 ? err(`invalid percent value "${text}"`) : ok(hundredths);
}

/** @returns nginx's words when the shares are more than there is */
export function checkShares(shares: readonly SplitShare[]): string | undefined {
  const sum = shares.reduce((before, { hundredths = 0 }) => before + hundredths, 0);
  return sum > ALL_HUNDREDTHS ? "percent total is greater than 100%" : undefined;
}

/** The variable of the block; "" for hashes that no share takes. */
export function compileSplitClients(block: SplitClientsBlock, variables: Variables): VariableDefinition {
  const source = compileText(block.source, variables);
  const parts: { readonly below: number; readonly value: string }[] = [];
  let below = 0;
  for (const { hundredths, value } of block.shares) {
    // nginx's integers: each share is rounded down by itself.
    if (hundredths !== undefined) below += Math.floor((hundredths * 0xffff_ffff) / ALL_HUNDREDTHS);
    parts.push({ below: hundredths === undefined ? Number.POSITIVE_INFINITY : below, value: byteText(value) });
  }
  return {
    name: block.variable,
    isVolatile: false,
    get: (evaluation) => {
      const hash = murmurHash2(source(evaluation));
      return parts.find((part) => hash < part.below)?.value ?? "";
    },
  };
}

/** MurmurHash2, 32 bits, seed 0, little endian. @param text one character a byte */
export function murmurHash2(text: string): number {
  const factor = 0x5bd1_e995;
  const byte = (index: number): number => text.charCodeAt(index) & 0xff;
  let hash = text.length | 0;
  let at = 0;
  for (; text.length - at >= 4; at += 4) {
    let word = byte(at) | (byte(at + 1) << 8) | (byte(at + 2) << 16) | (byte(at + 3) << 24);
    word = Math.imul(word, factor);
    word = Math.imul(word ^ (word >>> 24), factor);
    hash = Math.imul(hash, factor) ^ word;
  }
  const rest = text.length - at;
  for (let index = rest - 1; index >= 0; index--) hash ^= byte(at + index) << (index * 8);
  if (rest > 0) hash = Math.imul(hash, factor);
  hash = Math.imul(hash ^ (hash >>> 13), factor);
  return (hash ^ (hash >>> 15)) >>> 0;
}
