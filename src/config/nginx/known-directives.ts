/**
 * Every directive that nginx's reference has, also those that are not here: so that a mistyped name is told from one
 * that somebody uses on purpose.
 */
import data from "./known-directives.json" with { type: "json" };

export interface KnownDirective {
  readonly name: string;
  /** "ngx_http_core_module". */
  readonly module: string;
  /** In nginx's words; empty for those that may stand anywhere. */
  readonly contexts: readonly string[];
  /** The words after the name, one text for each form; empty for blocks without arguments and for no arguments. */
  readonly syntaxes: readonly string[];
}

/** By name, in the reference's variants: `server` has five. Reads a table of a thousand lines: keep the result. */
export function knownDirectives(): ReadonlyMap<string, readonly KnownDirective[]> {
  const byName = new Map<string, KnownDirective[]>();
  let module = "";
  for (const line of data.lines) {
    const [name = "", contexts, ...syntaxes] = line.split("\t");
    if (contexts === undefined) {
      module = name;
      continue;
    }
    const known = { name, module, contexts: contexts === "" ? [] : contexts.split(","), syntaxes };
    const others = byName.get(name);
    if (others === undefined) byName.set(name, [known]);
    else others.push(known);
  }
  return byName;
}
