/** Fields whose value is a list. */

/** Elements of a list (RFC 9110 §5.6.1), empty ones among them. */
export function splitList(value: string): string[] {
  return value.split(",").map(trimBlanks);
}

/** SP and HTAB only: text's own idea of blanks has more. No expression, which would take the square of their number. */
export function trimBlanks(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isBlank(value.charCodeAt(start))) start++;
  while (end > start && isBlank(value.charCodeAt(end - 1))) end--;
  return value.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
