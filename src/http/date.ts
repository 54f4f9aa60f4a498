/** Dates of HTTP (RFC 9110 §5.6.7). */

/** An IMF-fixdate. @param seconds since the epoch */
export function formatHttpDate(seconds: number): string {
  return new Date(seconds * 1000).toUTCString();
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
/** The three forms that a recipient MUST accept (RFC 9110 §5.6.7); the name of the day and "GMT" say nothing new. */
const IMF_FIXDATE = /^\w+, *(\d{2}) (\w{3}) (\d{4}) (\d{2}):(\d{2}):(\d{2})/;
const RFC_850 = /^\w+, *(\d{2})-(\w{3})-(\d{2}) (\d{2}):(\d{2}):(\d{2})/;
const ASCTIME = /^\w+ (\w{3}) ([ \d]\d) (\d{2}):(\d{2}):(\d{2}) (\d{4})/;
/** A year of two digits lies in the past; nginx takes 70 to 99 for the last century. */
const CENTURY_PIVOT = 70;

/** Reads a date in any of HTTP's three forms. @returns seconds since the epoch, undefined when it is none */
export function parseHttpDate(text: string): number | undefined {
  const fixed = IMF_FIXDATE.exec(text) ?? RFC_850.exec(text);
  if (fixed !== null) {
    const [, day, month = "", year = "", ...time] = fixed;
    return secondsOf(year.length === 2 ? fullYear(Number(year)) : Number(year), month, Number(day), time);
  }
  const old = ASCTIME.exec(text);
  if (old === null) return undefined;
  const [, month = "", day, hour = "", minute = "", second = "", year] = old;
  return secondsOf(Number(year), month, Number(day), [hour, minute, second]);
}

function fullYear(year: number): number {
  return year < CENTURY_PIVOT ? 2000 + year : 1900 + year;
}

function secondsOf(year: number, name: string, day: number, time: readonly string[]): number | undefined {
  const month = MONTHS.indexOf(name.toLowerCase());
  const [hour = 0, minute = 0, second = 0] = time.map(Number);
  if (month < 0 || hour > 23 || minute > 59 || second > 59) return undefined;
  const ms = Date.UTC(year, month, day, hour, minute, second);
  // Date.UTC makes the 1st of March of the 30th of February.
  return new Date(ms).getUTCDate() === day && year >= 1000 ? ms / 1000 : undefined;
}
