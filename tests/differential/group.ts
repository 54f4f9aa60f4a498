// A group of cases: one configuration for both servers, and requests whose answers must be equal, byte for byte but
// for what answers.ts says. A difference that is meant has a name, which is a chapter of docs/differences.md; when it
// is gone, the case fails, so that the list stays true.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { root } from "../../tools/venv.ts";
import { eventually } from "../support/wait.ts";
import { comparable, cut, type Heard, inOurWay, masked } from "./answers.ts";
import { type Conversation, converse, requestBytes } from "./conversation.ts";
import { type Configured, Pair, requireNginx, secondIsNginx, type Server } from "./servers.ts";

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
  /** Only what of the bytes this matches is compared, and nothing is made equal: shows what is otherwise not seen. */
  readonly bare?: RegExp;
}

/** Cases that differ, by the name that the difference has in docs/differences.md: names of cases, or requests. */
export type Differences = Readonly<Record<string, readonly (string | RegExp)[]>>;

export interface Group extends Configured {
  readonly title: string;
  readonly cases: readonly (string | Case)[];
  readonly differs?: Differences;
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
  const { title, cases, differs = {}, atOnce = 1, logs = [], logMasks = [] } = group;
  const skip = requireNginx();
  describe(`nginx and Tricorn agree: ${title}`, { skip, concurrency: atOnce }, () => {
    const pair = new Pair();
    before(() => pair.start(group));
    after(() => pair.stop());
    const titles = cases.map((each) => titleOf(typeof each === "string" ? { request: each } : each));
    const named = differenceOf(titles, differs);
    for (const [index, each] of cases.entries()) {
      const one: Case = typeof each === "string" ? { request: each } : each;
      const title = titles[index] ?? "";
      const name = named(title);
      // Two of one kind have no difference that was meant for us.
      if (secondIsNginx && name !== undefined) continue;
      test(`${shortOf(title)}${name === undefined ? "" : ` differs: ${name}`}`, () => compareCase(pair, one, name));
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

/** The differences that docs/differences.md has, by their names. */
const listed = new Set([...readFileSync(join(root, "docs/differences.md"), "utf8").matchAll(/^### `([a-z0-9-]+)`/gm)]
  .map(([, name = ""]) => name));

/**
 * @param titles of all cases: each pattern is for one of them at least
 * @returns what gives the name of a case's difference by its title
 */
export function differenceOf(titles: readonly string[], differs: Differences): (title: string) => string | undefined {
  const patterns = Object.entries(differs).flatMap(([name, each]) => each.map((pattern) => ({ name, pattern })));
  const matches = (title: string, pattern: string | RegExp): boolean =>
    typeof pattern === "string" ? title === pattern : pattern.test(title);
  for (const { name, pattern } of patterns) {
    assert.ok(listed.has(name), `docs/differences.md has no "${name}"`);
    assert.ok(titles.some((title) => matches(title, pattern)), `no case for ${String(pattern)} of "${name}"`);
  }
  return (title) => patterns.find(({ pattern }) => matches(title, pattern))?.name;
}

async function compareCase(pair: Pair, one: Case, differs: string | undefined): Promise<void> {
  const { request, to = 1 } = one;
  const parts = (typeof request === "string" ? [request] : request).map(requestBytes);
  const [theirs, ours] = await Promise.all([pair.nginx, pair.tricorn].map(async (server) => {
    const conversation = await converse(typeof to === "string" ? join(server.prefix, to) : portOf(server, to), parts);
    return { conversation, heard: heardOf(conversation, server, one) };
  }));
  assert.ok(theirs !== undefined && ours !== undefined);
  const { bare } = one;
  const [actual, expected] = bare === undefined
    ? [ours.heard, inOurWay(theirs.heard, ours.heard)]
    : [ours, theirs].map(({ conversation: { bytes } }) => bytes.toString("latin1").match(bare));
  if (differs === undefined) assert.deepEqual(actual, expected);
  else assert.notDeepEqual(actual, expected, `"${differs}" of docs/differences.md is no difference any more`);
}

/** What a client has heard in a case, in the form that is compared. */
export function heardOf(
  { bytes, end }: Conversation, { ports, prefix }: Server, one: Pick<Case, "request" | "methods" | "masks">,
): Heard {
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
  return masked(readFileSync(join(prefix, name), "latin1"), { prefix, ports, masks }).split("\n").slice(0, -1);
}

/** Its name, or the request as it is written; and where it goes to. */
function titleOf({ name, request, to }: Case): string {
  const text = name ?? (typeof request === "string" ? request : request.join(" … "));
  return to === undefined ? text : `${text} to ${to}`;
}

function shortOf(title: string): string {
  const text = JSON.stringify(title).slice(1, -1);
  return text.length > titleSizeMax ? `${text.slice(0, titleSizeMax)}… (${text.length})` : text;
}
