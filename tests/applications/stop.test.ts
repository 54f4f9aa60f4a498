// What applications and clients hear when the server stops or replaces its workers. The client is Node's own WebSocket.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { eventually } from "../support/wait.ts";
import { prepareDjango } from "./prepare.ts";
import { type Server, type ServerName, skip, start } from "./server.ts";

const waitMs = 10_000;
const graceSeconds = 2;

/** Starts Channels with a folder that outlives it, for what its consumers write when they are told to go. */
async function startChannels(t: TestContext, serverName: ServerName): Promise<{ server: Server; folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), "tricorn-application-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await prepareDjango(folder);
  const server = await start(serverName, "channels_app:application", {
    graceSeconds, env: { APPLICATION_FOLDER: folder },
  });
  t.after(() => server.close());
  return { server, folder };
}

/** The first message says where the member is, each other one what was said. */
interface Heard {
  readonly worker?: number;
  readonly heard?: string;
}

/** A member of a room: what it has heard, and with which code it was closed. */
class Member {
  readonly heard: Heard[] = [];
  code: number | undefined = undefined;
  readonly #socket: WebSocket;

  constructor(origin: string, room: string) {
    this.#socket = new WebSocket(`${origin.replace("http", "ws")}/ws/chat/${room}/`, { headers: { origin } });
    this.#socket.onmessage = ({ data }): void => {
      this.heard.push(JSON.parse(String(data)) as Heard);
    };
    this.#socket.onclose = ({ code }): void => {
      this.code = code;
    };
  }

  say(text: string): void {
    this.#socket.send(JSON.stringify({ say: text }));
  }

  async hears(count: number): Promise<void> {
    await eventually(`${count} messages`, waitMs, () => this.heard.length >= count);
  }

  async isClosed(): Promise<number> {
    return eventually("the WebSocket is closed", waitMs, () => this.code);
  }
}

for (const serverName of ["uvicorn", "tricorn"] as const) {
  test(`when ${serverName} stops, clients get 1012 and consumers of Channels clean up`, { skip }, async (t) => {
    const { server, folder } = await startChannels(t, serverName);
    const members = ["a", "b"].map((room) => new Member(server.origin, room));
    for (const member of members) await member.hears(1);
    server.signal("SIGTERM");
    for (const member of members) assert.equal(await member.isClosed(), 1012);
    const farewells = await eventually("both consumers have left", waitMs, async () => {
      const lines = (await readFile(join(folder, "farewells"), "utf8").catch(() => "")).split("\n").sort();
      return lines.length === 3 ? lines : undefined;
    });
    assert.deepEqual(farewells, ["", "room_a 1012", "room_b 1012"]);
  });
}

test("members of a room whose worker is replaced get 1012, and meet again on the new one", { skip }, async (t) => {
  const { server } = await startChannels(t, "tricorn");
  const member = new Member(server.origin, "a");
  await member.hears(1);
  server.signal("SIGHUP");
  const successor = await eventually("a new worker accepts", waitMs, async () => {
    const other = new Member(server.origin, "a");
    await other.hears(1);
    return other.heard[0]?.worker === member.heard[0]?.worker ? undefined : other;
  });
  assert.equal(await member.isClosed(), 1012);
  const returned = new Member(server.origin, "a");
  await returned.hears(1);
  returned.say("here again");
  await successor.hears(2);
  assert.deepEqual(successor.heard[1], { heard: "here again" });
});
