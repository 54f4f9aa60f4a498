// Clients that vanish in the middle of an upload: nothing of them is left, and no part passes for a whole.
import { describe, test } from "node:test";
import { vanishingUploads } from "./support/vanish.ts";

describe("nothing is left of clients that vanish", () => {
  for (const buffering of ["on", "off"] as const) {
    test(`in the middle of an upload with proxy_request_buffering ${buffering}`, async (context) => {
      await vanishingUploads({ clients: 40, buffering }, (line) => context.diagnostic(line));
    });
  }
});
