// A group of cases: one configuration for both servers, and requests whose answers must be equal, byte for byte but
// for what answers.ts says. A difference that is meant has a name, which is a chapter of docs/differences.md; when it
// is gone, the case fails, so that the list stays true.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { requireProgram } from "../../tools/needs.ts";
import { eventually } from "../support/wait.ts";
import { comparable, cut, type Heard } from "./answers.ts";
import { type Conversation, converse, requestBytes } from "./conversation.ts";
import { type Configured, Pair, secondIsNginx, type Server } from "./servers.ts";

export interface Case {
  /** In short or as it is (conversation.ts); further ones wait for the answer to those before. */
  readonly request: string | readonly string[];
  /** A sentence, where the request does not speak for itself. */
  readonly name?: string;
  /** Which port: 1 if left out; or a path below the server's prefix, for a Unix socket. */
  readonly to?: number | string;
  /** Methods of several requests in one text; that of the first request if left out. */
  readonly methods?: readonly string[];
  readonly masks?: readonly RegExp[];
  /** Compared without making anything equal, to show a difference that is otherwise not seen. */
  readonly exact?: boolean;
  /** The name of the difference in docs/differences.md. */
  readonly differs?: string;
  /** Of a difference: what Tricorn's answer begins with ("HTTP/1.1 400"), "" for a close without a word. */
  readonly ours?: string;
}

export interface Group extends Configured {
  readonly title: string;
  readonly cases: readonly (string | Case)[];
  /** Cases that wait for timeouts run side by side. */
  readonly atOnce?: number;
  /** Log files below the prefix that must be equal in the end, and what differs in their lines by nature. */
  readonly logs?: readonly string[];
  readonly logMasks?: readonly RegExp[];
}

const logTimeoutMs = 5000;
const titleSizeMax = 90;

/** Declares the tests of a group. */
export function differential(group: Group): void {
  const { title, cases, atOnce = 1, logs = [], logMasks = [] } = group;
  const skip = requireProgram("nginx", "apt-get install nginx");
  describe(`nginx and Tricorn agree: ${title}`, { skip, concurrency: atOnce }, () => {
    const pair = new Pair();
    before(() => pair.start(group));
    after(() => pair.stop());
    for (const each of cases) {
      const one: Case = typeof each === "string" ? { request: each } : each;
      // Two of one kind have no difference that was meant for us.
      if (secondIsNginx && one.differs !== undefined) continue;
      test(titleOf(one), () => compareCase(pair, one));
    }
    for (const name of logs) {
      test(`the lines of ${name}`, async () => {
        // What is buffered comes later.
        const theirs = await eventually("a line of nginx", logTimeoutMs, () => {
          const lines = linesOf(pair.nginx, name, logMasks);
          return lines.length > 0 ? lines : undefined;
        });
        await eventually("as many lines", logTimeoutMs, () =>
          linesOf(pair.tricorn, name, logMasks).length >= theirs.length).catch(() => undefined);
        assert.deepEqual(linesOf(pair.tricorn, name, logMasks), theirs);
      });
    }
  });
}

async function compareCase(pair: Pair, one: Case): Promise<void> {
  const { request, to = 1, differs, ours: begin } = one;
  const parts = (typeof request === "string" ? [request] : request).map(requestBytes);
  const [theirs, ours] = await Promise.all([pair.nginx, pair.tricorn].map(async (server) => {
    const conversation = await converse(typeof to === "string" ? join(server.prefix, to) : portOf(server, to), parts);
    return { conversation, heard: one.exact === true ? conversation : heardOf(conversation, server, one) };
  }));
  if (differs === undefined) {
    assert.deepEqual(ours?.heard, theirs?.heard);
    return;
  }
  assert.notDeepEqual(ours?.heard, theirs?.heard, `"${differs}" of docs/differences.md is no difference any more`);
  if (begin !== undefined) {
    const said = ours?.conversation.bytes.toString("latin1", 0, begin === "" ? 20 : begin.length);
    assert.equal(said, begin, `"${differs}" of docs/differences.md differs otherwise`);
  }
}

function heardOf({ bytes, end }: Conversation, { ports, prefix }: Server, one: Case): Heard {
  const first = typeof one.request === "string" ? one.request : (one.request[0] ?? "");
  const methods = one.methods ?? [/^(\S*)/.exec(first)?.[1] ?? ""];
  const { answers, rest } = cut(bytes.toString("latin1"), methods);
  const own = { ports, prefix, masks: one.masks ?? [] };
  return { answers: answers.map((answer) => comparable(answer, own)), rest, end };
}

function portOf({ ports }: Server, number: number): number {
  const port = ports[number - 1];
  assert.ok(port !== undefined, `no port ${number}`);
  return port;
}

function linesOf({ prefix, ports }: Server, name: string, masks: readonly RegExp[]): readonly string[] {
  let text = readFileSync(join(prefix, name), "latin1").replaceAll(prefix, "<prefix>");
  for (const [index, port] of ports.entries()) text = text.replaceAll(String(port), `<port ${index + 1}>`);
  for (const mask of masks) text = text.replaceAll(mask, "<masked>");
  return text.split("\n").slice(0, -1);
}

function titleOf({ name, request, to, differs }: Case): string {
  const text = name ?? JSON.stringify(typeof request === "string" ? request : request.join(" … ")).slice(1, -1);
  const short = text.length > titleSizeMax ? `${text.slice(0, titleSizeMax)}… (${text.length})` : text;
  const where = to === undefined ? "" : ` to ${to}`;
  return differs === undefined ? `${short}${where}` : `${short}${where} differs: ${differs}`;
}
