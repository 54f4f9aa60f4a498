/** Single words that directives of proxying take, and paths in them. */
import { type ArgumentType, onOff, variableText } from "../../config/nginx/argument-types.ts";
import type { ComplexValue } from "../../config/nginx/complex-value.ts";
import type { PassSettings } from "../../config/pass-settings.ts";
import { err, ok } from "../../std/result.ts";

/** `on | off`, and `force`, which nginx does not have. */
export function bufferingType(): ArgumentType<PassSettings["buffering"]> {
  const type = onOff();
  const words = ["on", "off", "force"];
  return {
    label: words.join(" | "),
    words,
    parse: (word, directive) => {
      if (word.toLowerCase() === "force") return ok("force" as const);
      const value = type.parse(word, directive);
      return value.ok ? value : err({ ...value.error, expected: "on, off or force" });
    },
  };
}

/** A path with variables: not empty. */
export function variablePath(label: string): ArgumentType<ComplexValue> {
  const text = variableText(label);
  return {
    label,
    parse: (word, directive) =>
      word === "" ? err({ nginx: `invalid value "${word}"`, expected: "a path" }) : text.parse(word, directive),
  };
}

/**
 * nginx: what does not begin with a slash lies in the prefix; what begins with a variable is left to it.
 * @param prefix with its slash at the end
 */
export function absolutePath(value: ComplexValue, prefix: string): ComplexValue {
  const [first, ...rest] = value;
  if (first === undefined || first.kind !== "literal" || first.text.startsWith("/")) return value;
  return [{ kind: "literal", text: prefix + first.text }, ...rest];
}

/** The same of a path without variables. */
export function absoluteName(path: string, prefix: string): string {
  return path.startsWith("/") ? path : prefix + path;
}
