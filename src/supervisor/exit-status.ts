/**
 * How the program ends. docs/signals.md lists them for operators.
 */
export const exitStatus = {
  /** A signal ended it. */
  fine: 0,
  /** An address, a file or the edge could not be had. */
  failed: 1,
  /** The options do not make sense. */
  usage: 2,
  /** The application could not be started (gunicorn and uvicorn: 3). */
  application: 3,
} as const;
export type ExitStatus = (typeof exitStatus)[keyof typeof exitStatus];
