// Many requests to both servers, and the first answers that differ.
import assert from "node:assert/strict";
import { cut } from "./answers.ts";
import { converse } from "./conversation.ts";
import { type Configured, Pair, type Server } from "./servers.ts";

export interface Target {
  readonly target: string;
  /** Without Host, it is site.test. */
  readonly fields: readonly string[];
}

export interface Agreement extends Configured {
  /** Names of fields that are compared beside status and body, in lower case. */
  readonly told: readonly string[];
}

/** Requests of one connection. */
const together = 100;
const toldMax = 20;

/** Fails with the first answers that differ, and what `explain` says of their requests. */
export async function agree(
  configured: Agreement, targets: readonly Target[], explain: (target: Target) => string,
): Promise<void> {
  const pair = new Pair();
  try {
    await pair.start(configured);
    const { told } = configured;
    const [theirs, ours] = await Promise.all([pair.nginx, pair.tricorn].map((server) => ask(server, targets, told)));
    const wrong = targets.flatMap((each, index) => {
      const [nginx = "", tricorn = ""] = [theirs?.[index], ours?.[index]];
      return nginx === tricorn || isTooMuch(nginx, each) ? [] : [{ ...each, nginx, tricorn, where: explain(each) }];
    });
    assert.deepEqual(wrong.slice(0, toldMax), [], `${wrong.length} of ${targets.length} differ`);
  } finally {
    await pair.stop();
  }
}

/** PCRE gives up on an expression that takes it too many steps. */
function isTooMuch(nginx: string, { target }: Target): boolean {
  return nginx.startsWith("500") && target.includes("?s=");
}

/** @returns for each a status, the fields that are told, and the body of a success */
async function ask(server: Server, targets: readonly Target[], told: readonly string[]): Promise<readonly string[]> {
  const heard: string[] = [];
  while (heard.length < targets.length) {
    const portion = targets.slice(heard.length, heard.length + together);
    const text = portion.map(({ target, fields }, index) => {
      const host = fields.some((field) => field.startsWith("Host:")) ? [] : ["Host: site.test"];
      const last = index === portion.length - 1 ? ["Connection: close"] : [];
      return `${[`GET ${target} HTTP/1.1`, ...host, ...fields, ...last].join("\r\n")}\r\n\r\n`;
    }).join("");
    const { bytes } = await converse(server.ports[0] ?? 0, [Buffer.from(text, "latin1")]);
    const { answers } = cut(bytes.toString("latin1"), ["GET"]);
    // Behind an error the server closes; the next connection goes on there.
    assert.ok(answers.length > 0, `no answer to ${portion[0]?.target}`);
    heard.push(...answers.map(({ statusLine, fields, body }) => {
      const compared = fields.filter((field) => told.includes(field.slice(0, field.indexOf(":")).toLowerCase()));
      const shown = compared.map((field) => field.replaceAll(String(server.ports[0]), "<port>")).sort().join(" ");
      return `${statusLine.slice(9, 12)} ${shown} ${statusLine.startsWith("HTTP/1.1 2") ? body : ""}`;
    }));
  }
  return heard;
}
