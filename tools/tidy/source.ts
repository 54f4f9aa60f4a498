// The files that tidy looks at, and what it knows about each: its text and what it imports.
import { posix } from "node:path";

/** A file of the repository. */
export interface SourceFile {
  /** Relative to the root, with slashes. */
  readonly path: string;
  readonly text: string;
}

/** Something that tidy does not let pass. */
export interface Finding {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  readonly what: string;
  /** The next action. */
  readonly hint: string;
}

/** One import or re-export. */
export interface Import {
  /** As written: `../http/status.ts`, `node:net`, `fast-check`. */
  readonly specifier: string;
  /** The imported file's path from the root, undefined for Node's modules and packages. */
  readonly target: string | undefined;
  readonly line: number;
}

// A statement that begins a line, or a dynamic import anywhere. Its names hold no quote and no semicolon.
const importPattern =
  /^(?:import|export)\b(?:[^'";]*?\bfrom)?\s*["']([^"'\n]+)["']|\bimport\(\s*["']([^"'\n]+)["']\s*\)/gm;

/** @returns what the file imports, in its order; empty for anything but TypeScript */
export function importsOf(file: SourceFile): readonly Import[] {
  if (!file.path.endsWith(".ts")) return [];
  return [...file.text.matchAll(importPattern)].map((match) => {
    const specifier = match[1] ?? match[2] ?? "";
    const isRelative = specifier.startsWith(".");
    const target = isRelative ? posix.join(posix.dirname(file.path), specifier) : undefined;
    return { specifier, target, line: lineAt(file.text, match.index) };
  });
}

/** @returns the line, from 1, in which the character at `index` stands */
export function lineAt(text: string, index: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at !== -1 && at < index; at = text.indexOf("\n", at + 1)) line += 1;
  return line;
}

/** Tests and what serves only them may look behind every door. */
export function isTest(path: string): boolean {
  return path.endsWith(".test.ts") || !path.startsWith("src/");
}
