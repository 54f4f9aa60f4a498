/**
 * The names of Python processes: given once in the life of a master, whatever application they are of.
 */

/** What becomes part of paths and of the wire, and what people read: `worker-3`, and `shop/worker-3` among several. */
export interface ProcessName {
  readonly name: string;
  readonly title: string;
}

export class ProcessNames {
  readonly #serials: Record<"worker" | "preloader", number> = { worker: 0, preloader: 0 };
  readonly #titles: Map<string, string> = new Map();

  /** The next one, for good. @param app what the application is called, where there are several */
  next(kind: "worker" | "preloader", app: string | undefined): ProcessName {
    const name = `${kind}-${++this.#serials[kind]}`;
    const title = app === undefined ? name : `${app}/${name}`;
    this.#titles.set(name, title);
    return { name, title };
  }

  /** For the log, of a process that says what its name is. */
  titleOf(name: string): string {
    return this.#titles.get(name) ?? name;
  }

  /** The process is gone. */
  forget(name: string): void {
    this.#titles.delete(name);
  }
}
