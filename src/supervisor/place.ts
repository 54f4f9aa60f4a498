/**
 * The place a master works in: what exists before the first process is started, and is put away after the last.
 */
import type { Interpreter } from "./interpreter.ts";
import type { PoolSettings } from "./pool-settings.ts";
import type { BoundListener } from "./sockets.ts";

export interface Place extends PoolSettings {
  readonly listeners: readonly BoundListener[];
  readonly found: Interpreter;
  readonly useColors: boolean;
  /** True if this process was started from a terminal that has been closed since. */
  readonly isTerminalGone: () => boolean;
}
