/**
 * `userid`: a number for each browser, in a cookie (ngx_http_userid_module; the format is mod_uid's).
 *
 * Sixteen bytes: the service or this server's address, when the number was made, a number of this process, a sequence.
 * The cookie has them in base64, whose first padding `userid_mark` takes the place of; logs have four groups of
 * hexadecimal digits, each from its last byte to its first.
 */
import { randomInt } from "node:crypto";
import { type Evaluation, type RequestFacts, type Variable, type Variables, compileText } from "../route/index.ts";
import { addressBytes, parseIpAddress } from "../std/ip-address.ts";
import type { UserIdSettings } from "./settings.ts";

const ID_SIZE = 16, WORD_SIZE = 4;
/** Base64 of 16 bytes, without its padding. */
const TEXT_LENGTH = 22;
const MAX_DATE = "Thu, 31-Dec-37 23:55:55 GMT";
/** Where mod_uid's sequences begin, and how they go on. */
const SEQUENCE_START = { on: 0x0303_0302, v1: 1 } as const;
const SEQUENCE_STEP = 0x100;
const WORD_LIMIT = 0x1_0000_0000;

/** What is known of one request. */
interface State {
  readonly got: Buffer | undefined;
  /** The bytes that a new cookie has; undefined when none is sent. */
  readonly set: Buffer | undefined;
}

export class UserIds {
  /** What stands in P3P, beside a new cookie. */
  readonly p3p: string | undefined;
  readonly #settings: UserIdSettings;
  readonly #cookie: Variable;
  readonly #variables: Variables;
  readonly #process = randomInt(WORD_LIMIT);
  readonly #states = new WeakMap<RequestFacts, State>();
  #sequence: number;
  /** `$uid_reset`, once it is known whether anybody sets it. */
  #reset: ((evaluation: Evaluation) => string) | undefined = undefined;

  constructor(settings: UserIdSettings, variables: Variables) {
    this.p3p = settings.p3p;
    this.#settings = settings;
    this.#variables = variables;
    this.#cookie = variables.variable(`cookie_${settings.name}`);
    this.#sequence = SEQUENCE_START[settings.mode === "v1" ? "v1" : "on"];
  }

  /** `$uid_got`: "uid=…", undefined without a cookie that is one. */
  got(evaluation: Evaluation): string | undefined {
    return this.#text(this.#state(evaluation).got);
  }

  /** `$uid_set`: "uid=…", undefined when the browser keeps what it has. */
  set(evaluation: Evaluation): string | undefined {
    return this.#text(this.#state(evaluation).set);
  }

  /** The value of Set-Cookie, undefined when none is sent. */
  cookie(evaluation: Evaluation): string | undefined {
    const { set } = this.#state(evaluation);
    if (set === undefined) return undefined;
    const { name, mark, domain, path, flags } = this.#settings;
    const text = set.toString("base64");
    const value = mark === undefined ? text : `${text.slice(0, TEXT_LENGTH)}${mark}=`;
    const attributes = [
      ...this.#expires(evaluation.facts.nowMs()), ...(domain === undefined ? [] : [`domain=${domain}`]),
      `path=${path}`, ...flags,
    ];
    return [`${name}=${value}`, ...attributes].join("; ");
  }

  #expires(nowMs: number): readonly string[] {
    const { expires } = this.#settings;
    if (expires === undefined) return [];
    return [`expires=${expires === "max" ? MAX_DATE : cookieDate(nowMs + expires * 1000)}`];
  }

  #text(id: Buffer | undefined): string | undefined {
    if (id === undefined) return undefined;
    let digits = "";
    for (let at = 0; at < ID_SIZE; at += WORD_SIZE) {
      digits += id.readUInt32LE(at).toString(16).toUpperCase().padStart(2 * WORD_SIZE, "0");
    }
    return `${this.#settings.name}=${digits}`;
  }

  #state(evaluation: Evaluation): State {
    const { facts } = evaluation;
    const known = this.#states.get(facts);
    if (known !== undefined) return known;
    const cookie = evaluation.value(this.#cookie);
    const got = cookie === undefined ? undefined : this.#read(cookie, facts);
    const state = { got, set: this.#settings.mode === "log" ? undefined : this.#toSet(evaluation, got, cookie ?? "") };
    this.#states.set(facts, state);
    return state;
  }

  #toSet(evaluation: Evaluation, got: Buffer | undefined, cookie: string): Buffer | undefined {
    const { mark } = this.#settings;
    if (got === undefined || this.#isReset(evaluation, got)) return this.#make(evaluation.facts);
    const isMarked = mark === undefined || cookie.slice(TEXT_LENGTH, TEXT_LENGTH + 2) === `${mark}=`;
    return isMarked ? undefined : got;
  }

  #isReset(evaluation: Evaluation, got: Buffer): boolean {
    // Only now are all variables known.
    this.#reset ??= this.#variables.knows("uid_reset")
      ? compileText([{ kind: "variable", name: "uid_reset" }], this.#variables)
      : () => "";
    const reset = this.#reset(evaluation);
    if (reset === "" || reset === "0") return false;
    if (reset === "log") evaluation.facts.report("warn", `userid cookie "${this.#text(got) ?? ""}" was reset`);
    return true;
  }

  #read(cookie: string, facts: RequestFacts): Buffer | undefined {
    const shown = `${this.#settings.name}=${cookie.slice(0, 2 * TEXT_LENGTH)}`;
    const text = cookie.slice(0, TEXT_LENGTH);
    if (text.length < TEXT_LENGTH) {
      facts.report("warn", `client sent too short userid cookie "${shown}"`);
      return undefined;
    }
    if (/^[A-Za-z0-9+/]+$/.test(text)) return Buffer.from(text, "base64");
    facts.report("warn", `client sent invalid userid cookie "${shown}"`);
    return undefined;
  }

  #make(facts: RequestFacts): Buffer {
    const id = Buffer.alloc(ID_SIZE);
    const isV1 = this.#settings.mode === "v1";
    const { service } = this.#settings;
    const words = [service ?? 0, Math.floor(facts.nowMs() / 1000) % WORD_LIMIT, this.#process, this.#sequence];
    for (const [index, word] of words.entries()) {
      if (isV1) id.writeUInt32LE(word, index * WORD_SIZE);
      else id.writeUInt32BE(word, index * WORD_SIZE);
    }
    const address = parseIpAddress(facts.local.address);
    if (!isV1 && service === undefined && address !== undefined) {
      id.write(addressBytes(address).slice(-WORD_SIZE), "latin1");
    }
    this.#sequence += SEQUENCE_STEP;
    if (this.#sequence >= WORD_LIMIT) this.#sequence = SEQUENCE_START[isV1 ? "v1" : "on"];
    return id;
  }
}

/** The old form of a cookie's date: two digits for years, as long as they are enough. */
function cookieDate(ms: number): string {
  const [day, date, month, year = "", time] = new Date(ms).toUTCString().split(" ");
  return `${day} ${date}-${month}-${Number(year) > 2037 ? year : year.slice(-2)} ${time} GMT`;
}
