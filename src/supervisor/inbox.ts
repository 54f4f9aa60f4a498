/**
 * What has happened since the master last looked. Callbacks only note it here and wake the master; the loop acts on
 * it, in order, at one place.
 */
import type { AcmeReport } from "../acme/index.ts";
import type { EdgeReport } from "../edge/index.ts";
import type { Result } from "../std/result.ts";
import type { ControlConnection } from "./control-server.ts";
import type { ControlReport } from "./control-messages.ts";
import type { Plan } from "./plan.ts";
import type { WorkerExit } from "./worker.ts";

export type Happening =
  | {
      readonly kind: "hello";
      readonly hello: Extract<ControlReport, { readonly type: "hello" }>;
      readonly connection: ControlConnection;
    }
  | { readonly kind: "report"; readonly name: string; readonly report: ControlReport }
  | { readonly kind: "violation"; readonly name: string; readonly reason: string }
  /** The control connection of a process has ended. */
  | { readonly kind: "closed"; readonly name: string }
  | { readonly kind: "process-exit"; readonly name: string; readonly exit: WorkerExit }
  /** A preloader cannot fork; `hadLoaded`: any more. */
  | {
      readonly kind: "preloader-failed";
      /** The launcher whose it is. */
      readonly launcher: object;
      readonly generation: number;
      readonly hadLoaded: boolean;
    }
  | { readonly kind: "edge-report"; readonly pid: number | undefined; readonly report: EdgeReport }
  | { readonly kind: "edge-exit"; readonly pid: number | undefined; readonly exit: WorkerExit }
  /** Of the process that gets certificates. */
  | { readonly kind: "acme-report"; readonly pid: number | undefined; readonly report: AcmeReport }
  | { readonly kind: "acme-exit"; readonly pid: number | undefined; readonly exit: WorkerExit }
  /** The configuration has been read again, and all is there that it needs; or it is refused, and why. */
  | { readonly kind: "read-again"; readonly outcome: Result<Plan | "unchanged", string> };

export class Inbox {
  #happenings: Happening[] = [];
  #wake: (() => void) | undefined;

  /** Notes it and ends a sleep that is under way. */
  add(happening: Happening): void {
    this.#happenings.push(happening);
    this.wake();
  }

  /** All there is, oldest first; the inbox is empty afterwards. */
  take(): readonly Happening[] {
    const all = this.#happenings;
    this.#happenings = [];
    return all;
  }

  /** Ends a sleep that is under way. */
  wake(): void {
    this.#wake?.();
  }

  /** Returns when something has happened, or after `ms`. */
  async sleep(ms: number): Promise<void> {
    if (this.#happenings.length > 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }
}
