/**
 * `--explain`: what of a configuration is accepted without effect, and why.
 */
import type { CheckedTree } from "../config/nginx/check-tree.ts";

/** One line a directive: `/etc/nginx/nginx.conf:12: multi_accept on: connections are accepted as they come`. */
export function explanation(withoutEffect: CheckedTree["withoutEffect"]): string {
  if (withoutEffect.length === 0) return "every directive has its effect\n";
  return withoutEffect
    .map(({ directive: { name, args }, row }) => {
      const words = [name, ...args].map(({ value }) => value).join(" ");
      return `${name.source.path}:${name.line}: ${words}: ${row.withoutEffect ?? ""}\n`;
    })
    .join("");
}
