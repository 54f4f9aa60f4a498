/**
 * What is wrong with what the operator typed, and what to do about it.
 */
export interface Diagnostic {
  readonly severity: "error" | "warning";
  /** One sentence without a full stop that names what was given. */
  readonly message: string;
  /** The next action, or undefined when the message says it. */
  readonly hint: string | undefined;
}

export function error(message: string, hint?: string): Diagnostic {
  return { severity: "error", message, hint };
}

export function warning(message: string, hint?: string): Diagnostic {
  return { severity: "warning", message, hint };
}

/** The text that goes to standard error, all diagnostics of one run, each ending in a newline. */
export function formatDiagnostics(diagnostics: readonly Diagnostic[]): string {
  let text = "";
  for (const { severity, message, hint } of diagnostics) {
    text += `tricorn: ${severity}: ${message}\n`;
    if (hint !== undefined) text += `  hint: ${hint}\n`;
  }
  return text;
}
