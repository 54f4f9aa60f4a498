// Django Channels: a chat in one worker's memory and over Redis, consumers of all kinds, sessions, users, origins.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { prepareDjango } from "./prepare.ts";
import { type Redis, skipRedis, startRedis } from "./redis.ts";
import { skip } from "./server.ts";
import { play } from "./suite.ts";

const app = "channels_app:application";

for (const server of ["uvicorn", "tricorn"] as const) {
  describe(`Channels on ${server}`, { skip }, () => {
    const seen = play(server, { app, client: "channels", prepare: prepareDjango });

    test("members of a room hear each other and what a view announces; the scope knows who has logged in", () => {
      assert.deepEqual(seen("chat"), [["", "ada"], ["hütchen 🎩", "hütchen 🎩"], "from a view"]);
    });

    test("sync consumers, which run in threads, share a room too", () => {
      assert.deepEqual(seen("blocking_chat"), [{ heard: "hello" }, { heard: "hello" }]);
    });

    test("a crowd of fifty hears every word", () => {
      assert.deepEqual(seen("crowd"), [50, true]);
    });

    test("text and bytes of every size are echoed, and the consumer closes with its code or 1000", () => {
      assert.deepEqual(seen("echo"), ["hat", true, true, true, true, 4321, 1000]);
    });

    test("views and WebSockets share a session; close(True) is 1000", () => {
      assert.deepEqual(seen("session"), ["0", [["1"], [1000, ""]], [["2"], [1000, ""]], "2"]);
    });

    test("who has not logged in is denied", () => {
      assert.deepEqual(seen("members_only"), [403, "welcome ada"]);
    });

    test("AllowedHostsOriginValidator sees where a page comes from", () => {
      assert.deepEqual(seen("origins"), [403, 403, "accepted", "accepted"]);
    });

    test("a consumer that fails closes with 1011, a path without a consumer is a 500", () => {
      // uvicorn drops the connection instead.
      assert.deepEqual(seen("failures"), [server === "uvicorn" ? 1006 : 1011, 500]);
    });

    test("a consumer of HTTP sends events", () => {
      const events = [0, 1, 2].map((number) => `data: tick ${number}\n\n`).join("");
      assert.deepEqual(seen("http_consumer"), ["text/event-stream", events]);
    });
  });
}

describe("Channels over Redis", { skip: skip === false ? skipRedis : skip }, () => {
  let redis: Redis | undefined;
  before(async () => {
    redis = await startRedis();
  });
  after(() => redis?.stop());

  async function prepare(folder: string): Promise<Readonly<Record<string, string>>> {
    return { ...(await prepareDjango(folder)), REDIS_ADDRESS: redis?.address ?? "" };
  }

  for (const server of ["uvicorn", "tricorn"] as const) {
    describe(`with two workers of ${server}`, () => {
      const seen = play(server, { app, client: "channels_redis", options: { workers: 2 }, prepare });

      test("a message goes from a client on one worker to a client on the other", () => {
        const heard = ["from ada", "von Bob 🎩", "from a view"];
        assert.deepEqual(seen("chat"), heard.map((words) => [words, words]));
      });

      test("many messages cross in order", () => {
        assert.deepEqual(seen("order"), [true, true]);
      });
    });
  }
});
