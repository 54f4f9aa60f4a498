/**
 * Sizes and durations as operators write them in nginx, gunicorn and uvicorn: text to bytes and milliseconds, and back.
 */
import { err, ok, type Result } from "./result.ts";

const sizeFactors: Readonly<Record<string, number>> = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };
const durationFactors: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Bytes of "4096", "64k", "10m" or "1g" (nginx: units are powers of 1024, either case). */
export function parseSize(text: string): Result<number, string> {
  const match = /^(\d{1,15})([kmg]?)$/i.exec(text);
  const bytes = Number(match?.[1]) * (sizeFactors[match?.[2]?.toLowerCase() ?? ""] ?? Number.NaN);
  return Number.isSafeInteger(bytes) ? ok(bytes) : err("a size such as 4096, 64k, 10m or 1g");
}

/** Milliseconds of "30" (seconds), "0.5", "500ms", "30s", "5m", "1h", "1d" or "1h30m" (nginx's combination). */
export function parseDuration(text: string): Result<number, string> {
  const expected = "a duration such as 30, 30s, 500ms, 5m or 1h";
  if (/^\d{1,9}(\.\d{1,3})?$/.test(text)) return ok(Math.round(Number(text) * 1000));
  if (!/^(\d{1,9}(ms|[smhd])\s*)+$/.test(text)) return err(expected);
  let sumMs = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)(ms|[smhd])/g)) {
    sumMs += Number(count) * (durationFactors[unit ?? ""] ?? Number.NaN);
  }
  return Number.isSafeInteger(sumMs) ? ok(sumMs) : err(expected);
}

/** The shortest text that parseSize() reads as so many bytes. */
export function formatSize(bytes: number): string {
  for (const unit of ["g", "m", "k"]) {
    const factor = sizeFactors[unit] ?? 1;
    if (bytes >= factor && bytes % factor === 0) return `${bytes / factor}${unit}`;
  }
  return String(bytes);
}

/** A duration for people: "250 ms", "1.5 s", "12 min". */
export function formatDuration(ms: number): string {
  if (Math.round(ms) < 1000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${Math.round(ms / 100) / 10} s`;
  return `${Math.round(ms / 60_000)} min`;
}
