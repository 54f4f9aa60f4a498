// A behaviour that applications may rely on, and how it is tried on both servers.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Connection, type RequestText, type Response, requestText } from "../support/connection.ts";
import { eventually } from "../support/wait.ts";
import { type AsgiServer, type ServerSettings, skipUvicorn, startServer } from "./servers.ts";

export interface Behaviour {
  /** A sentence. */
  readonly name: string;
  /** What the client does. @returns what it saw, and what the application saw, as plain data */
  readonly play: (server: AsgiServer) => Promise<unknown>;
  /** What both return. */
  readonly expected: unknown;
  /** What uvicorn returns instead, and why Tricorn does not do the same. */
  readonly uvicorn?: { readonly expected: unknown; readonly because: string };
}

/**
 * Tries behaviours of one application on both servers.
 * @param skip why uvicorn is left out
 */
export function compare(
  title: string, settings: ServerSettings, behaviours: readonly Behaviour[], skip: false | string = skipUvicorn,
): void {
  for (const name of ["tricorn", "uvicorn"] as const) {
    describe(`${title}, on ${name}`, { skip: name === "uvicorn" && skip }, () => {
      let server: AsgiServer | undefined;
      before(async () => {
        server = await startServer(name, settings);
      });
      after(() => server?.[Symbol.asyncDispose]());
      for (const behaviour of behaviours) {
        test(behaviour.name, async () => {
          assert.ok(server !== undefined);
          const seen = await behaviour.play(server);
          const differs = name === "uvicorn" && behaviour.uvicorn !== undefined;
          assert.deepEqual(seen, differs ? behaviour.uvicorn?.expected : behaviour.expected);
        });
      }
    });
  }
}

/** What `tests/asgi/apps/http_app.py` does: a verb and its arguments. */
export type Step = readonly unknown[];

/** One exception, message or wait more is noted by the application for each step that tells something. */
export const step = {
  /** `http.response.start`; its fields as pairs of text. */
  start: (fields: readonly (readonly [string, string])[] = [], more: object = {}): Step =>
    ["send", { type: "http.response.start", status: 200, headers: fields.map((pair) => pair.map(bytes)), ...more }],
  /** The last `http.response.body`. */
  body: (text: string): Step => ["send", { type: "http.response.body", body: bytes(text) }],
  /** One that is not the last. */
  part: (text: string): Step => ["send", { type: "http.response.body", body: bytes(text), more_body: true }],
  send: (message: object): Step => ["send", message],
  mustSend: (message: object): Step => ["must-send", message],
  receive: ["receive"] as Step,
  receiveFor: (seconds: number): Step => ["receive-for", seconds],
  sleep: (seconds: number): Step => ["sleep", seconds],
} as const;

/** Python's bytes, in a step. */
export function bytes(text: string): { readonly bytes: string } {
  return { bytes: text };
}

export interface Run {
  /** The response, short. */
  readonly client: string;
  /** What the application noted. */
  readonly application: readonly string[];
}

/** Lets the application do some steps in answer to one request. */
export function run(steps: readonly Step[], request: RequestText = {}): (server: AsgiServer) => Promise<Run> {
  return async (server) => {
    using connection = await server.connect();
    const { target, key } = deed("steps", { steps });
    connection.send(requestText({ ...request, target }));
    const client = await outcome(connection, request.method);
    return { client, application: await notes(server, key, noting(steps)) };
  };
}

/** How many of the steps note something. */
export function noting(steps: readonly Step[]): number {
  const verbs = ["send", "receive", "receive-all", "receive-for", "note"];
  return steps.filter(([verb]) => verbs.includes(String(verb))).length;
}

let deeds = 0;

/** A target that makes the application do something, and the key of what it notes then. */
export function deed(name: string, query: Readonly<Record<string, unknown>> = {}): { target: string; key: string } {
  deeds += 1;
  const key = `k${deeds}`;
  const more = Object.entries(query).map(([parameter, value]) =>
    `&${parameter}=${encodeURIComponent(typeof value === "string" ? value : JSON.stringify(value))}`);
  return { target: `/?do=${name}&key=${key}${more.join("")}`, key };
}

/** Reads the next response. @returns as `short`; "nothing" for an end before it */
export async function outcome(connection: Connection, method = "GET"): Promise<string> {
  try {
    return short(await connection.response({ method }));
  } catch {
    return "nothing";
  }
}

/** A response in short: its status and text, without the servers' own error pages, and whether it was cut. */
export function short({ informational, status, text, complete }: Response): string {
  const own = /^(?:<!doctype html>|Internal Server Error|Invalid HTTP request)/.test(text);
  return [...informational, status, ...(text === "" || own ? [] : [text]), ...(complete ? [] : ["cut"])].join(" ");
}

/** What the application noted under a key. @param count waits for so many */
export async function notes(server: AsgiServer, key: string, count = 0): Promise<string[]> {
  return (await getJson(server, `/?do=notes&key=${key}&wait=${count}`)) as string[];
}

/** Waits until the application has noted so much, and leaves it noted. */
export async function noted(server: AsgiServer, key: string, count: number): Promise<void> {
  const peek = `/?do=peek&key=${key}`;
  await eventually(`${count} notes`, 10_000, async () => Number((await get(server, peek)).text) >= count);
}

/** One GET on a connection of its own. */
export async function get(server: AsgiServer, target: string, request: RequestText = {}): Promise<Response> {
  using connection = await server.connect();
  return await connection.ask({ ...request, target });
}

/** The same, when the application answers with JSON. */
export async function getJson(server: AsgiServer, target: string, request: RequestText = {}): Promise<unknown> {
  return JSON.parse((await get(server, target, request)).text) as unknown;
}
