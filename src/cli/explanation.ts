/**
 * `--explain`: what of a configuration is accepted without effect, or is in force otherwise than it is written, and
 * why.
 */
import type { CheckedTree } from "../config/nginx/check-tree.ts";
import type { Directive } from "../config/nginx/tree.ts";

/** Something is otherwise than a directive says, or than the default of one that is not written. */
export interface ExplainedNote {
  readonly at: { readonly directive: Directive } | undefined;
  readonly message: string;
  readonly hint: string;
}

/** One line a directive: `/etc/nginx/nginx.conf:12: multi_accept on: connections are accepted as they come`. */
export function explanation(
  withoutEffect: CheckedTree["withoutEffect"],
  notes: readonly ExplainedNote[],
): string {
  const lines = [
    ...withoutEffect.map(({ directive, row }) => `${titleOf(directive)}: ${row.withoutEffect ?? ""}\n`),
    ...notes.map(({ at, message, hint }) => {
      const title = at === undefined ? "by default" : titleOf(at.directive);
      return `${title}: ${message}\n  hint: ${hint}\n`;
    }),
  ];
  return lines.length === 0 ? "every directive has its effect\n" : lines.join("");
}

function titleOf({ name, args }: Directive): string {
  return `${name.source.path}:${name.line}: ${[name, ...args].map(({ value }) => value).join(" ")}`;
}
