// Pebble, the ACME server that Let's Encrypt tests clients with.
import { type GoProgram, goProgramPath, requireGoProgram } from "./go-program.ts";

const pebble: GoProgram = {
  module: "github.com/letsencrypt/pebble/v2/cmd/pebble", version: "v2.10.1", what: "Pebble, an ACME server",
};

/** Where the program is, once `requirePebble` has returned false. */
export const pebblePath: string = goProgramPath(pebble);

/** The `skip` option of tests that run Pebble; as `requireGoProgram`. */
export function requirePebble(): Promise<false | string> {
  return requireGoProgram(pebble);
}
