/** Moments and spans for people, in log lines. */

/** "2026-11-21 18:12 UTC". */
export function dateText(moment: number): string {
  return `${new Date(moment).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

const units: readonly (readonly [number, string])[] = [
  [86_400_000, "day"], [3_600_000, "hour"], [60_000, "minute"], [1000, "second"],
];

/** "5 minutes", "1 hour", "3 days": in the largest unit that is no less than two, rounded. */
export function durationText(ms: number): string {
  const [size, word] = units.find(([unit]) => ms >= 1.95 * unit) ?? [1000, "second"];
  const count = Math.max(1, Math.round(ms / size));
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}
