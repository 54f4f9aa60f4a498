/** What goes into a Location field when an operator's text with variables becomes one. */

/**
 * Escapes controls. Deviates: nginx writes them as they are, so that a decoded `$uri` with CR and LF splits the
 * response (CWE-113); no real target has them.
 */
export function locationField(text: string): string {
  return text.replace(/[\x00-\x1f\x7f]/g, (control) =>
    `%${control.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
}

/** Does the operator mean somewhere else? nginx's test for redirects that need no flag. */
export function isAbsoluteText(text: string): boolean {
  return /^(?:https?:\/\/|\$scheme)/.test(text);
}
