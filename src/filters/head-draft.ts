/** A response's head while filters change it. Texts are bytes, one character each. */
import { isFieldValue } from "../http/characters.ts";
import { type FieldLine, ResponseHead, fieldValue } from "../http/response-head.ts";
import { reasonPhrase } from "../http/status.ts";

export class HeadDraft {
  #status: number;
  #reason: string;
  #fields: FieldLine[];

  constructor({ status, reason, fields }: ResponseHead) {
    this.#status = status;
    this.#reason = reason;
    this.#fields = [...fields];
  }

  get status(): number {
    return this.#status;
  }

  setStatus(status: number): void {
    this.#status = status;
    this.#reason = reasonPhrase(status);
  }

  /** All values joined, undefined when absent. @param name in lower case */
  get(name: string): string | undefined {
    return fieldValue(this.#fields, name);
  }

  /** Adds a line. @returns false for a value that no line can have: it was not added */
  add(name: string, value: string): boolean {
    if (!isFieldValue(value)) return false;
    this.#fields.push([name, value]);
    return true;
  }

  /** Puts one line in place of all of that name. @returns as add() */
  set(name: string, value: string): boolean {
    if (!isFieldValue(value)) return false;
    this.remove(name);
    return this.add(name, value);
  }

  /** Puts another value in the place of the field, which there is. @param name in lower case */
  replace(name: string, value: string): void {
    this.#fields = this.#fields.map((line) => (line[0].toLowerCase() === name ? [line[0], value] : line));
  }

  remove(name: string): void {
    const lower = name.toLowerCase();
    this.#fields = this.#fields.filter(([own]) => own.toLowerCase() !== lower);
  }

  /** The body gets another length, so that parts of it cannot be asked for. */
  changeLength(): void {
    this.remove("content-length");
    this.remove("accept-ranges");
  }

  /** The body is not the same byte for byte any more (RFC 9110 §8.8.1). */
  weakenTag(): void {
    const tag = this.get("etag");
    if (tag !== undefined && !tag.startsWith("W/")) this.replace("etag", `W/${tag}`);
  }

  /** The head as it is now. */
  head(): ResponseHead {
    return new ResponseHead(this.#status, this.#reason, this.#fields);
  }
}
