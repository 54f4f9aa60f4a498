/** `$fastcgi_script_name` and `$fastcgi_path_info` (ngx_http_fastcgi_module). */
import { Regex, byteText } from "../../route/index.ts";
import type { FastCgiSettings } from "./settings.ts";

export class FastCgiPaths {
  readonly #index: string;
  readonly #split: Regex | undefined;

  constructor({ index, splitPathInfo }: Pick<FastCgiSettings, "index" | "splitPathInfo">) {
    this.#index = byteText(index);
    this.#split = splitPathInfo === undefined ? undefined : new Regex(splitPathInfo);
  }

  /** The path, without what fastcgi_split_path_info splits off; fastcgi_index follows a slash. @param path `$uri` */
  scriptName(path: string): string {
    const script = this.#split?.exec(path)?.[0] ?? path;
    return script.endsWith("/") ? script + this.#index : script;
  }

  /** "" where nothing is split off. @param path `$uri` */
  pathInfo(path: string): string {
    return this.#split?.exec(path)?.[1] ?? "";
  }
}
