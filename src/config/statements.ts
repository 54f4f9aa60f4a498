/**
 * Directives that come from no file: what options become. print.ts makes text of them.
 */
import type { Statement } from "./nginx/print.ts";

/** A directive that ends in `;`. */
export function directive(name: string, ...args: readonly (string | number)[]): Statement {
  return { name, args: args.map(String), block: undefined };
}

/** A directive with braces. */
export function blockOf(name: string, args: readonly string[], block: readonly Statement[]): Statement {
  return { name, args, block };
}

/** Milliseconds as nginx reads them: "30s", "500ms". */
export function timeWord(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}

/** Bytes as nginx reads them: "64k", "10m", "8190". @param allowsGiga may it be "1g", as where nginx has an offset? */
export function sizeWord(bytes: number, allowsGiga: boolean = false): string {
  if (bytes === 0 || bytes % 1024 !== 0) return String(bytes);
  if (allowsGiga && bytes % 1024 ** 3 === 0) return `${bytes / 1024 ** 3}g`;
  return bytes % 1024 ** 2 === 0 ? `${bytes / 1024 ** 2}m` : `${bytes / 1024}k`;
}

export function onOffWord(isOn: boolean): "on" | "off" {
  return isOn ? "on" : "off";
}

/**
 * Text in which no variable is meant: nginx's language has no other way to say a dollar sign than a variable that is
 * one, which `geo` makes (DOLLAR_BLOCK).
 */
export function withoutVariables(text: string): string {
  return text.replaceAll("$", "${dollar}");
}

/** Defines what withoutVariables() writes; it stands in `http`. */
export const DOLLAR_BLOCK: Statement = blockOf("geo", ["$dollar"], [directive("default", "$")]);
