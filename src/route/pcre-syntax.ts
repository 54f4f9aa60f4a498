/** What a PCRE pattern says, as a tree: between its parser (pcre-parser.ts) and its translator (regex.ts). */
import type { ByteSet } from "./byte-set.ts";

export type PcreNode =
  | { readonly kind: "set"; readonly set: ByteSet }
  | { readonly kind: "sequence"; readonly nodes: readonly PcreNode[] }
  | { readonly kind: "choice"; readonly branches: readonly PcreNode[] }
  /** A capturing group; groups count from 1 in the order of their opening parentheses. */
  | { readonly kind: "group"; readonly group: number; readonly node: PcreNode }
  | { readonly kind: "atomic"; readonly node: PcreNode }
  | { readonly kind: "look"; readonly opening: "(?=" | "(?!" | "(?<=" | "(?<!"; readonly node: PcreNode }
  | PcreRepeat
  | { readonly kind: "assertion"; readonly assertion: PcreAssertion }
  | { readonly kind: "backreference"; readonly group: number; readonly caseless: boolean };

export interface PcreRepeat {
  readonly kind: "repeat";
  readonly node: PcreNode;
  readonly min: number;
  /** Number.POSITIVE_INFINITY without a bound. */
  readonly max: number;
  readonly lazy: boolean;
}

/** "end" is `$` and \Z, which hold before a last newline too; "very-end" is \z. */
export type PcreAssertion =
  | "start" | "end" | "very-end" | "line-start" | "line-end" | "word-boundary" | "no-word-boundary";

export interface PcrePattern {
  readonly node: PcreNode;
  readonly groupCount: number;
  readonly names: ReadonlyMap<string, number>;
}

/** Why a pattern cannot be had; thrown within the parser and the translator, and nowhere else. */
export class PcreError extends Error {}
