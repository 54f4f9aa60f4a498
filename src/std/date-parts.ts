/** Parts of dates as logs and lists write them; the zone is the process's own. */

/** From January on. */
export const MONTHS: readonly string[] = [
  "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/** "07" of 7 */
export function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}

/** "09:45:12" */
export function clockText(date: Date): string {
  return `${twoDigits(date.getHours())}:${twoDigits(date.getMinutes())}:${twoDigits(date.getSeconds())}`;
}
