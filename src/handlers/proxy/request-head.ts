/**
 * The head of a request as it goes to an upstream: the fields that the configuration sets, then the client's own but
 * for those that speak of its connection (RFC 9110 §7.6.1), of framing, or that the configuration has set.
 *
 * What a client's fields become is kept with their section: most requests of a connection have the same.
 */
import { constantOf } from "../../config/nginx/complex-value.ts";
import { isFieldValue } from "../../http/characters.ts";
import { splitList } from "../../http/field-list.ts";
import type { FieldSection } from "../../http/field-section.ts";
import { type FieldLine, NO_LINES } from "../../http/response-head.ts";
import { type Evaluation, type Text, type Variables, byteText, compileText, isSteadyValue } from "../../route/index.ts";
import type { SetHeader } from "./settings.ts";

/** Never passed as they are: they are the connection's, or ours to say. */
const ownNames: readonly string[] = [
  "host", "connection", "proxy-connection", "keep-alive", "te", "transfer-encoding", "content-length", "upgrade",
  "expect",
];
/** Framing is ours, whatever is set. */
const framingNames: readonly string[] = ["content-length", "transfer-encoding"];

/** A stretch of constant text, or a field whose value is made for each request. */
type Part =
  | { readonly kind: "constant"; readonly text: string }
  | { readonly kind: "field"; readonly name: string; readonly prefix: string; readonly value: Text };

/**
 * RFC 9110 §6.5.1: what is needed before the content (framing, routing, authentication, request modifiers, what the
 * content is) MUST NOT come behind it; nor who the client is, which servers believe their proxy.
 */
const headNames: ReadonlySet<string> = new Set([
  "authorization", "cache-control", "content-encoding", "content-range", "content-type", "cookie", "forwarded",
  "if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "max-forwards", "pragma",
  "proxy-authorization", "range", "trailer", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto",
  "x-real-ip",
]);

export interface RequestHeadsOptions {
  readonly setHeaders: readonly SetHeader[];
  /** 0 and 1 are of HTTP/1.x. */
  readonly httpVersion: 0 | 1 | 2;
  /** Are the client's own fields passed at all? */
  readonly passRequestHeaders: boolean;
  readonly underscoresInHeaders: boolean;
}

/** What was made of a client's fields, kept with its connection. */
export interface KeptFields {
  readonly by: object;
  readonly section: FieldSection;
  /** `$proxy_host` */
  readonly host: string;
  readonly made: RequestFields;
}

/** The request's part of what is asked. */
export interface FieldsWanted {
  /** Room for what was made for the request before: mostly the next one has the same fields. */
  readonly room: { passed: KeptFields | undefined };
  readonly fields: FieldSection;
  readonly evaluation: Evaluation;
  /** `$proxy_host` */
  readonly host: string;
  readonly method: string;
}

export interface RequestFields {
  /** Field lines with their CRLFs, framing and the empty line left out. */
  readonly text: string;
  /** The protocol that is asked for in Upgrade, in lower case. */
  readonly upgrade: string | undefined;
}

/** Longer ones are made anew: an idle connection shall be small. */
const KEPT_SIZE_MAX = 2048;

export class RequestHeads {
  readonly #options: RequestHeadsOptions;
  readonly #variables: Variables;
  /** Do all values depend on connection and fields only? */
  #isSteady: boolean | undefined = undefined;
  readonly #parts: readonly Part[];
  readonly #isHostSet: boolean;
  /** Does the configuration say itself what is to be upgraded? */
  readonly #isConnectionSet: boolean;
  readonly #upgrade: Text | undefined;
  /** Names of the client that are not passed, in lower case. */
  readonly #without: ReadonlySet<string>;

  constructor(options: RequestHeadsOptions, variables: Variables) {
    this.#options = options;
    this.#variables = variables;
    const names = options.setHeaders.map(({ name }) => name.toLowerCase());
    this.#isHostSet = names.includes("host");
    this.#isConnectionSet = names.includes("connection") || names.includes("upgrade");
    this.#without = new Set([...ownNames, ...names]);
    this.#parts = compile(options, variables);
    const upgrade = options.setHeaders.find(({ name }) => name.toLowerCase() === "upgrade");
    this.#upgrade = upgrade === undefined ? undefined : compileText(upgrade.value, variables);
  }

  /** @returns what to send, or the name of the field whose value must not leave */
  make(wanted: FieldsWanted): RequestFields | { readonly invalid: string } {
    const { room, fields, host } = wanted;
    const { passed } = room;
    if (passed !== undefined && passed.section === fields && passed.by === this && passed.host === host) {
      return passed.made;
    }
    const made = this.#made(wanted);
    // An upgrade is asked for once, and depends on the method, too.
    if ("invalid" in made || fields.semantics.upgrade !== undefined || !fields.remembered) return made;
    if (made.text.length <= KEPT_SIZE_MAX && this.#steady) room.passed = { by: this, section: fields, host, made };
    return made;
  }

  /**
   * Of a request's trailer section what may leave, with names in lower case (RFC 9113 §8.2): whoever merges it with the
   * head must find nothing there that the configuration says otherwise, or that a head only may say.
   * @param section the request's fields
   */
  trailers(lines: readonly FieldLine[], section: FieldSection): readonly FieldLine[] {
    if (!this.#options.passRequestHeaders) return NO_LINES;
    const named = nominated(section);
    const lower = lines.map(([name, value]): FieldLine => [name.toLowerCase(), value]);
    return lower.filter(([name]) => !this.#without.has(name) && !headNames.has(name) && !named.includes(name)
      && (this.#options.underscoresInHeaders || !name.includes("_")));
  }

  get #steady(): boolean {
    const { setHeaders } = this.#options;
    return (this.#isSteady ??= setHeaders.every(({ value }) => isSteadyValue(value, this.#variables)));
  }

  #made({ fields, evaluation, host, method }: FieldsWanted): RequestFields | { readonly invalid: string } {
    let text = this.#isHostSet ? "" : `Host: ${host}\r\n`;
    for (const part of this.#parts) {
      if (part.kind === "constant") {
        text += part.text;
        continue;
      }
      const value = part.value(evaluation);
      if (value === "") continue;
      // What variables decode may contain anything: a line end would begin a field, or a request, of the client's.
      if (!isFieldValue(value)) return { invalid: part.name };
      text += `${part.prefix}${value}\r\n`;
    }
    let upgrade = this.#upgrade?.(evaluation).toLowerCase();
    const { semantics } = fields;
    if (!this.#isConnectionSet && semantics.upgrade === "websocket" && method === "GET" && this.#mayUpgrade) {
      // Where nobody has said anything, a WebSocket is passed on by itself.
      upgrade = "websocket";
      text += "Upgrade: websocket\r\nConnection: Upgrade\r\n";
    }
    if (this.#options.passRequestHeaders) text += this.#passed(fields);
    return { text, upgrade: upgrade === "" ? undefined : upgrade };
  }

  get #mayUpgrade(): boolean {
    return this.#options.httpVersion === 1 && this.#options.passRequestHeaders;
  }

  #passed(section: FieldSection): string {
    const { passed } = section;
    if (passed !== undefined && passed.by === this) return passed.text;
    const text = this.#passedText(section);
    if (section.remembered) section.passed = { by: this, text };
    return text;
  }

  #passedText(section: FieldSection): string {
    const named = nominated(section);
    let text = "";
    for (let index = 0; index < section.count; index++) {
      const name = section.name(index);
      const lower = name.toLowerCase();
      if (this.#without.has(lower) || named.includes(lower)) continue;
      // Whoever reads CGI names could take it for the one with hyphens.
      if (!this.#options.underscoresInHeaders && name.includes("_")) continue;
      text += `${name}: ${section.value(index)}\r\n`;
    }
    return text;
  }
}

/** RFC 9110 §7.6.1: an intermediary MUST remove the fields that Connection names. */
export function nominated(section: FieldSection): readonly string[] {
  const { close, keepAlive, upgrade } = section.semantics;
  const value = section.get("connection");
  if (value === undefined) return [];
  const options = splitList(value.toLowerCase());
  // Mostly it names none.
  return options.length === 1 && (close || keepAlive || upgrade !== undefined) ? [] : options;
}

function compile({ setHeaders, httpVersion }: RequestHeadsOptions, variables: Variables): readonly Part[] {
  const parts: Part[] = [];
  const add = (text: string): void => {
    const last = parts.at(-1);
    if (last?.kind === "constant") parts[parts.length - 1] = { kind: "constant", text: last.text + text };
    else if (text !== "") parts.push({ kind: "constant", text });
  };
  for (const { name, value } of setHeaders) {
    if (framingNames.includes(name.toLowerCase())) continue;
    const constant = constantOf(value);
    const prefix = `${byteText(name)}: `;
    if (constant === undefined) parts.push({ kind: "field", name, prefix, value: compileText(value, variables) });
    else if (constant !== "") add(`${prefix}${byteText(constant)}\r\n`);
  }
  // RFC 9112 §9.3: what an HTTP/1.0 server keeps open without being asked, nobody knows.
  const says = (wanted: string): boolean => setHeaders.some(({ name }) => name.toLowerCase() === wanted);
  if (httpVersion === 0 && !says("connection")) add("Connection: close\r\n");
  return parts;
}
