/** Files that were compressed beforehand: which of them a client takes (RFC 9110 §12.5.3), and what they are called. */
import type { PrecompressedMode, StaticSettings } from "./settings.ts";

/** A content coding for which there may be a file beside the file. */
export interface PrecompressedCoding {
  readonly coding: "br" | "zstd" | "gzip";
  readonly extension: string;
  /** Whether or not the client accepts it. */
  readonly always: boolean;
}

/** The smaller first: who takes several alike gets the first that is there. */
const CODINGS = [
  { coding: "br", extension: ".br", setting: "brotliStatic" },
  { coding: "zstd", extension: ".zst", setting: "zstdStatic" },
  { coding: "gzip", extension: ".gz", setting: "gzipStatic" },
] as const;

/** The codings that a location looks for. */
export function configuredCodings(settings: StaticSettings): readonly PrecompressedCoding[] {
  return CODINGS.flatMap(({ coding, extension, setting }) => {
    const mode: PrecompressedMode = settings[setting];
    return mode === "off" ? [] : [{ coding, extension, always: mode === "always" }];
  });
}

/** Weight of a coding in Accept-Encoding: `gzip`, `br;q=0.8`. */
const WEIGHTED = /(?:^|,)[ \t]*([^\s,;]+)[ \t]*(?:;[ \t]*q[ \t]*=[ \t]*([01](?:\.\d{0,3})?)[ \t]*)?(?=,|$)/gi;

/**
 * The codings that a client takes, most wanted first. One with `always` needs no word from it.
 * Deviates: "*" accepts nothing that is not named, as in nginx.
 * @param accepted Accept-Encoding, undefined without one
 */
export function acceptableCodings(
  codings: readonly PrecompressedCoding[], accepted: string | undefined,
): readonly PrecompressedCoding[] {
  const weights = new Map<string, number>();
  for (const [, coding = "", weight = "1"] of (accepted ?? "").matchAll(WEIGHTED)) {
    weights.set(coding.toLowerCase(), Number(weight));
  }
  const weightOf = ({ coding, always }: PrecompressedCoding): number => weights.get(coding) ?? (always ? 0.001 : 0);
  return codings
    .filter((each) => each.always || weightOf(each) > 0)
    .toSorted((a, b) => weightOf(b) - weightOf(a));
}
