/** Times as nginx writes them in variables. The zone is the process's own. */
import { MONTHS, clockText, twoDigits } from "../std/date-parts.ts";

/** "12.345" of 12345 milliseconds; never below zero, for wall clocks go back. */
export function seconds(ms: number): string {
  const whole = Math.max(0, Math.floor(ms));
  return `${Math.floor(whole / 1000)}.${String(whole % 1000).padStart(3, "0")}`;
}

/** "+0100" or "+01:00" */
function zone(date: Date, separator: string): string {
  const minutes = -date.getTimezoneOffset();
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${twoDigits(Math.floor(size / 60))}${separator}${twoDigits(size % 60)}`;
}

/** `$time_local`: "21/Nov/2026:09:45:12 +0000" */
export function timeLocal(ms: number): string {
  const date = new Date(ms);
  const day = `${twoDigits(date.getDate())}/${MONTHS[date.getMonth()] ?? ""}/${date.getFullYear()}`;
  return `${day}:${clockText(date)} ${zone(date, "")}`;
}

/** `$time_iso8601`: "2026-11-21T09:45:12+00:00" */
export function timeIso8601(ms: number): string {
  const date = new Date(ms);
  const day = `${date.getFullYear()}-${twoDigits(date.getMonth() + 1)}-${twoDigits(date.getDate())}`;
  return `${day}T${clockText(date)}${zone(date, ":")}`;
}
