// Clients that ask again and again, on kept connections or on a new one for each request, and count what they get.
import type { Program } from "../support/program.ts";

export interface LoadSettings {
  readonly clients: number;
  readonly target?: string;
  /** A new connection for each request. */
  readonly reconnect?: boolean;
}

export class Load implements AsyncDisposable {
  readonly #program: Program;
  readonly #settings: LoadSettings;
  readonly #clients: readonly Promise<void>[];
  #running = true;
  /** Responses by status. */
  readonly statuses: Map<number, number> = new Map();
  /** Bodies of successful responses: the process ids of the workers. */
  readonly bodies: Set<string> = new Set();
  /** Connections that were refused: never, whatever happens inside. */
  refusedCount = 0;
  /** Requests whose connection ended without a whole response. */
  brokenCount = 0;

  constructor(program: Program, settings: LoadSettings) {
    this.#program = program;
    this.#settings = settings;
    this.#clients = Array.from({ length: settings.clients }, () => this.#client());
  }

  get okCount(): number {
    return this.statuses.get(200) ?? 0;
  }

  /** Responses with another status than 200, broken and refused ones. */
  get failures(): string {
    const others = [...this.statuses].filter(([status]) => status !== 200);
    return JSON.stringify({
      statuses: Object.fromEntries(others),
      broken: this.brokenCount,
      refused: this.refusedCount,
    });
  }

  /** Lets every client finish its request. */
  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#clients);
  }

  /** A test that fails does not go on asking. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #client(): Promise<void> {
    while (this.#running && this.#program.exitStatus === undefined) {
      try {
        using connection = await this.#program.connect();
        await this.#ask(connection);
      } catch (error) {
        if (error instanceof Error && "code" in error && error.code === "ECONNREFUSED") this.refusedCount++;
        else this.brokenCount++;
      }
    }
  }

  async #ask(connection: Awaited<ReturnType<Program["connect"]>>): Promise<void> {
    const { target = "/", reconnect = false } = this.#settings;
    do {
      const response = await connection.get(target);
      this.statuses.set(response.status, (this.statuses.get(response.status) ?? 0) + 1);
      if (response.status === 200) this.bodies.add(response.text);
      if (response.fields.get("connection") === "close") return;
    } while (this.#running && !reconnect);
  }
}

/** Nothing was lost: the failures of a load in which nothing may fail. */
export const noFailures: string = JSON.stringify({ statuses: {}, broken: 0, refused: 0 });
