// A group of cases for proxying: one configuration for both servers, and for each case one client and what its
// upstreams answer. Compared is what the client hears (as in group.ts) and what the upstreams hear, byte for byte but
// for what `describeRequest` says.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { describeFastCgi, describeUwsgi, fastCgiAnswer, fastCgiSize, uwsgiSize } from "../support/cgi-peer.ts";
import { type Script, ScriptedUpstream, type SizeOf, type Step, sizeOf } from "../support/scripted-upstream.ts";
import { type Answer as HeardAnswer, type Heard, inOurWay, masked } from "./answers.ts";
import { converse, requestBytes } from "./conversation.ts";
import { type Case, type Differences, differenceOf, heardOf } from "./group.ts";
import { Pair, requireNginx, secondIsNginx, type Server } from "./servers.ts";

/** An answer in short ("200 OK | Field: value || body", or as it is when it has a line end), or a script. */
export type Answer = string | Script;

export interface ProxyCase extends Omit<Case, "bare" | "to"> {
  /** Of the first upstream, request by request; the last repeats. If left out, "200 OK || up". */
  readonly answer?: Answer | readonly Answer[];
  /** Of the second upstream. */
  readonly second?: Answer | readonly Answer[];
  /** How the upstream was left is compared, too, and where one connection ends and the next begins. */
  readonly connections?: boolean;
  /** What upstreams hear of the request is a matter of time: only the answer is compared. */
  readonly answerOnly?: boolean;
}

export interface ProxyGroup {
  readonly title: string;
  /** %UP% and %UP2% are the upstreams' addresses, %SOCKET% is a Unix socket of the first one; else as in servers.ts. */
  readonly http?: string;
  /** Inside of the only server. */
  readonly server: string;
  readonly cases: readonly (string | ProxyCase)[];
  readonly differs?: Differences;
  readonly files?: Readonly<Record<string, string>>;
  /** What the upstreams speak: HTTP if left out. Answers of uwsgi and FastCGI begin with fields. */
  readonly speaks?: ProtocolName;
}

type ProtocolName = "http" | "uwsgi" | "fastcgi";

/** What an upstream speaks. */
interface Protocol {
  readonly sizeOf: SizeOf;
  /** A request in the form that is compared. */
  readonly describe: (text: string) => string;
  /** An answer in short, as steps. */
  readonly steps: (short: string) => readonly Step[];
}

const protocols: Readonly<Record<ProtocolName, Protocol>> = {
  http: { sizeOf, describe: describeRequest, steps: answerSteps },
  uwsgi: {
    sizeOf: uwsgiSize, describe: describeUwsgi, steps: (short) => [scriptAnswer(short), { do: "end" }],
  },
  fastcgi: {
    sizeOf: fastCgiSize, describe: describeFastCgi, steps: (short) => [fastCgiAnswer(scriptAnswer(short)),
      { do: "end" }],
  },
};

/** What both programs are told, since their defaults differ: docs/differences.md. */
const common = `
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  keepalive_timeout 1;
  lingering_timeout 1;
`;
/** Options of Connection are compared without regard to case (RFC 9110 §7.6.1). */
const connectionField = /^(connection: )(.*)$/i;
const upstreamPorts = [8, 9] as const;
const socketName = "up";

/** The upstreams of one server. */
class Upstreams {
  readonly #protocol: Protocol;
  readonly #all: ScriptedUpstream[] = [];

  constructor(protocol: Protocol) {
    this.#protocol = protocol;
  }

  get protocol(): Protocol {
    return this.#protocol;
  }

  get all(): readonly ScriptedUpstream[] {
    return this.#all;
  }

  async listen(ports: readonly number[], prefix: string): Promise<void> {
    await this.close();
    const { sizeOf: size } = this.#protocol;
    for (const number of upstreamPorts) this.#all.push(await ScriptedUpstream.listen(ports[number - 1] ?? 0, size));
    this.#all.push(await ScriptedUpstream.listen(join(prefix, socketName), size));
  }

  play({ answer, second }: ProxyCase): void {
    const [first, other, onSocket] = this.#all;
    const { steps } = this.#protocol;
    const scripts = scriptsOf(answer ?? "200 OK || up", steps);
    first?.play(scripts);
    onSocket?.play(scripts);
    other?.play(scriptsOf(second ?? "200 OK || second", steps));
  }

  async settle(): Promise<void> {
    await Promise.all(this.#all.map((upstream) => upstream.settle()));
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.splice(0).map((upstream) => upstream.close()));
  }
}

/** Declares the tests of a group. */
export function proxied(group: ProxyGroup): void {
  const { title, http = "", server, cases, differs = {}, files = {}, speaks = "http" } = group;
  const all = cases.map((each): ProxyCase => (typeof each === "string" ? { request: each } : each));
  describe(`nginx and Tricorn agree as proxies: ${title}`, { skip: requireNginx() }, () => {
    const pair = new Pair();
    const upstreams = new Map<string, Upstreams>();
    before(() => pair.start({
      http: `${common}${addressed(http)}\nserver {\nlisten 127.0.0.1:%PORT%;\n${addressed(server)}\n}`,
      files,
      prepare: async ({ ports, prefix }) => {
        const own = upstreams.get(prefix) ?? new Upstreams(protocols[speaks]);
        upstreams.set(prefix, own);
        await own.listen(ports, prefix);
      },
    }));
    after(async () => {
      await pair.stop();
      for (const own of upstreams.values()) await own.close();
    });
    const titles = all.map(titleOf);
    const twice = titles.filter((each, index) => titles.indexOf(each) !== index);
    assert.deepEqual(twice, [], "each case has a title of its own");
    const named = differenceOf(titles, differs);
    for (const [index, one] of all.entries()) {
      const name = named(titles[index] ?? "");
      if (secondIsNginx && name !== undefined) continue;
      test(`${titles[index]}${name === undefined ? "" : ` differs: ${name}`}`, async () => {
        const [theirs, ours] = await Promise.all([pair.nginx, pair.tricorn].map((each) => {
          const own = upstreams.get(each.prefix);
          assert.ok(own !== undefined);
          return play(one, each, own);
        }));
        assert.ok(theirs !== undefined && ours !== undefined);
        const expected = { ...theirs, client: inOurWay(theirs.client, ours.client) };
        if (name === undefined) assert.deepEqual(ours, expected);
        else assert.notDeepEqual(ours, expected, `"${name}" of docs/differences.md is no difference any more`);
      });
    }
  });
}

interface Outcome {
  readonly client: Heard;
  /** By upstream; of the one on TCP and on the Unix socket together. */
  readonly upstreams: readonly (readonly string[])[];
}

async function play(one: ProxyCase, server: Server, upstreams: Upstreams): Promise<Outcome> {
  upstreams.play(one);
  const parts = (typeof one.request === "string" ? [one.request] : one.request).map(requestBytes);
  const conversation = await converse(server.ports[0] ?? 0, parts);
  await upstreams.settle();
  const client = heardOf(conversation, server, one);
  const own = { ports: server.ports, prefix: server.prefix, masks: one.masks ?? [] };
  const heard = upstreams.all.map(({ connections }) => connections.flatMap((connection) => {
    const { protocol } = upstreams;
    const requests = cutRequests(connection.bytes.toString("latin1"), protocol.sizeOf)
      .map((text) => masked(protocol.describe(text), own));
    return one.connections === true ? [...requests, `(${connection.end})`] : requests;
  }));
  return {
    client: { ...client, answers: client.answers.map(withOptions) },
    upstreams: one.answerOnly === true ? [] : heard,
  };
}

function withOptions(answer: HeardAnswer): HeardAnswer {
  return {
    ...answer,
    fields: answer.fields.map((field) =>
      field.replace(connectionField, (_, name: string, options: string) => name + options.toLowerCase())),
  };
}

function cutRequests(text: string, size: SizeOf): readonly string[] {
  const requests: string[] = [];
  for (let rest = text; rest !== "";) {
    // A request that is not whole is shown as it is.
    const end = size(rest, "request") || rest.length;
    requests.push(rest.slice(0, end));
    rest = rest.slice(end);
  }
  return requests;
}

/**
 * What upstreams hear, made equal in what has no meaning: the order of fields of different names (RFC 9110 §5.3) and
 * the boundaries of chunks (RFC 9112 §7.1).
 */
function describeRequest(text: string): string {
  const headEnd = text.indexOf("\r\n\r\n");
  const [line = "", ...fields] = (headEnd < 0 ? text : text.slice(0, headEnd)).split("\r\n");
  const body = headEnd < 0 ? "(half a head)" : text.slice(headEnd + 4);
  const isChunked = fields.some((field) => /^transfer-encoding: *chunked$/i.test(field));
  const name = (field: string): string => field.slice(0, field.indexOf(":")).toLowerCase();
  const sorted = [...fields].sort((a, b) => (name(a) < name(b) ? -1 : name(a) > name(b) ? 1 : 0));
  return [line, ...sorted, "", isChunked ? unchunked(body) : body].join("\r\n");
}

function unchunked(body: string): string {
  let data = "";
  for (let at = 0; ;) {
    const lineEnd = body.indexOf("\r\n", at);
    const size = lineEnd < 0 ? Number.NaN : Number.parseInt(body.slice(at, lineEnd), 16);
    if (Number.isNaN(size)) return `(in chunks, not whole) ${data}${body.slice(at)}`;
    if (size === 0) return `(in chunks) ${data} (end) ${body.slice(lineEnd + 2)}`;
    data += body.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 2 + size + 2;
  }
}

function addressed(text: string): string {
  return text.replaceAll("%UP%", `127.0.0.1:%PORT${upstreamPorts[0]}%`)
    .replaceAll("%UP2%", `127.0.0.1:%PORT${upstreamPorts[1]}%`).replaceAll("%SOCKET%", `%PREFIX%/${socketName}`);
}

function scriptsOf(answer: NonNullable<ProxyCase["answer"]>, steps: Protocol["steps"]): readonly Script[] {
  const answers = isMany(answer) ? answer : [answer];
  return answers.map((each) => (typeof each === "string" ? { steps: steps(each) } : each));
}

function isMany(answer: Answer | readonly Answer[]): answer is readonly Answer[] {
  return Array.isArray(answer);
}

/**
 * An answer in short. A body has a Content-Length unless a field says otherwise; with "Connection: close" and no length
 * the connection ends it.
 */
function answerSteps(short: string): readonly Step[] {
  if (/[\r\n]/.test(short)) return [short];
  const [head = "", body] = short.split(" || ");
  const [line = "", ...fields] = head.split(" | ");
  const written = (name: string): string | undefined =>
    fields.find((field) => field.toLowerCase().startsWith(`${name}:`))?.slice(name.length + 1).trim();
  const isFramed = ["content-length", "transfer-encoding"].some((name) => written(name) !== undefined);
  const closes = written("connection")?.toLowerCase() === "close";
  const has = body !== undefined || !/^(?:1|204|304)/.test(line);
  const lengths = isFramed || closes || !has ? [] : [`Content-Length: ${body?.length ?? 0}`];
  const status = line.startsWith("HTTP/") ? line : `HTTP/1.1 ${line}`;
  const isChunked = /chunked/i.test(written("transfer-encoding") ?? "");
  const text = isChunked ? `${(body ?? "").length.toString(16)}\r\n${body}\r\n0\r\n\r\n` : body ?? "";
  const steps = [`${[status, ...fields, ...lengths].join("\r\n")}\r\n\r\n${text}`];
  return closes ? [...steps, { do: "end" }] : steps;
}

/** An answer as scripts give it (RFC 3875 §6.2): "404 Not Found | X: y || body" begins with Status, 200 does not. */
function scriptAnswer(short: string): string {
  if (/[\r\n]/.test(short)) return short;
  const [head = "", body = ""] = short.split(" || ");
  const [line = "", ...fields] = head.split(" | ");
  const status = line.startsWith("HTTP/") ? [line] : line === "200 OK" ? [] : [`Status: ${line}`];
  return `${[...status, "Content-Type: text/plain", ...fields].join("\r\n")}\r\n\r\n${body}`;
}

function titleOf({ name, request, answer }: ProxyCase): string {
  if (name !== undefined) return name;
  const text = typeof request === "string" ? request : request.join(" … ");
  const short = typeof answer === "string" ? `${text} → ${answer}` : text;
  return JSON.stringify(short).slice(1, -1);
}
