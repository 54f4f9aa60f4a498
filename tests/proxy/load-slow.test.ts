// Clients that are slow and then vanish: nothing of them is left.
import { describe, test } from "node:test";
import { slowReaders } from "./support/vanish.ts";

describe("nothing is left of clients that vanish", () => {
  test("while they read slowly what waits for them in files", async (context) => {
    const clients = 40;
    await slowReaders({
      clients, readMs: 1000, buffering: "proxy_max_temp_file_size 1m;", filesMax: clients * 2 ** 20,
    }, (line) => context.diagnostic(line));
  });

  test("while they read slowly what is not buffered", async (context) => {
    await slowReaders({
      clients: 40, readMs: 1000, buffering: "proxy_buffering off;", filesMax: 0,
    }, (line) => context.diagnostic(line));
  });
});
