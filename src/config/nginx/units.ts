/**
 * Sizes and times exactly as nginx's directives take them. (std/units.ts is for options, and more generous.)
 */

/** Bytes of "4096", "64k", "10m", and "1g" where `allowsGiga` (what nginx calls an offset); either case. */
export function parseSizeText(text: string, allowsGiga: boolean): number | undefined {
  const [, digits, unit = ""] = /^(\d{1,16})([kmg]?)$/i.exec(text) ?? [];
  const factor = { k: 1024, m: 1024 ** 2, g: allowsGiga ? 1024 ** 3 : Number.NaN }[unit.toLowerCase()] ?? 1;
  const bytes = Number(digits) * factor;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** A unit of time, and its place: units come in falling order, each once. */
interface TimeUnit {
  readonly step: number;
  readonly ms: number;
}

const timeUnits: Readonly<Record<string, TimeUnit>> = {
  y: { step: 1, ms: 365 * 86_400_000 },
  M: { step: 2, ms: 30 * 86_400_000 },
  w: { step: 3, ms: 7 * 86_400_000 },
  d: { step: 4, ms: 86_400_000 },
  h: { step: 5, ms: 3_600_000 },
  m: { step: 6, ms: 60_000 },
  s: { step: 7, ms: 1000 },
  ms: { step: 8, ms: 1 },
};

/** What a number without a unit counts, which may stand only at the end. */
const bareMs = 1000;
const stepLast = 9;

/**
 * Milliseconds of "30" (seconds), "1h30m", "1m 30s", "1m30". There are two kinds of time in nginx: those kept in
 * milliseconds know "ms" but no months and years, those kept in seconds the other way round.
 */
export function parseTimeText(text: string, kept: "milliseconds" | "seconds"): number | undefined {
  let step = kept === "seconds" ? 0 : 2;
  let total = 0;
  let rest = text;
  if (!/^\d/.test(rest)) return undefined;
  while (rest !== "") {
    const [whole, digits = "", unit = ""] = /^(\d{1,16})(ms|[yMwdhms]?) */.exec(rest) ?? [];
    if (whole === undefined) return undefined;
    rest = rest.slice(whole.length);
    const known = timeUnits[unit];
    const isBare = known === undefined;
    // A bare number in the middle is closed by its blank, and then nothing with a unit may follow.
    const next = known?.step ?? stepLast;
    if (isBare ? whole.endsWith(" ") && step >= 7 : next <= step || (unit === "ms" && kept === "seconds")) {
      return undefined;
    }
    step = next;
    total += Number(digits) * (known?.ms ?? bareMs);
  }
  return Number.isSafeInteger(total) ? total : undefined;
}
