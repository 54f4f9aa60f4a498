/**
 * What of the response head of an application or an upstream reaches the client, and what the fields that are for us
 * say (nginx: X-Accel-…, …_hide_header, …_pass_header, …_ignore_headers).
 */
import type { AppPassSettings, ObeyedField, PassSettings } from "../config/pass-settings.ts";
import { isFieldName } from "../http/characters.ts";
import { ResponseHead } from "../http/response-head.ts";
import type { FieldLine } from "../http/response-head.ts";

/** What is said to us by a head's fields that are not ignored. */
export interface AccelFields {
  /** X-Accel-Redirect: a URI or a named location. */
  readonly redirect: string | undefined;
  /** X-Accel-Limit-Rate: bytes a second, 0 for no limit. */
  readonly limitRate: number | undefined;
  /** X-Accel-Buffering. */
  readonly buffering: boolean | undefined;
  /** X-Accel-Charset: "off" for none. */
  readonly charset: string | undefined;
}

export class PassedHead {
  /** Whose settings made it. */
  readonly by: object;
  readonly head: ResponseHead;
  readonly redirect: string | undefined;
  readonly limitRate: number | undefined;
  readonly buffering: boolean | undefined;

  constructor(by: object, head: ResponseHead, { redirect, limitRate, buffering }: AccelFields) {
    this.by = by;
    this.head = head;
    this.redirect = redirect;
    this.limitRate = limitRate;
    this.buffering = buffering;
  }

  /** Fields that stay when the response of X-Accel-Redirect takes this one's place. */
  get kept(): readonly FieldLine[] {
    return this.head.fields.filter(([name]) => keptNames.has(name.toLowerCase()));
  }

  /** Fields that stay when an error's page does: the challenge of a 401 (RFC 9110 §15.5.2). */
  get keptByError(): readonly FieldLine[] {
    if (this.head.status !== 401) return nothingKept;
    return this.head.fields.flatMap(([name, value]): readonly FieldLine[] =>
      name.toLowerCase() === "www-authenticate" ? [["WWW-Authenticate", value]] : nothingKept);
  }

  /** May what the client does not take at once wait with us? As X-Accel-Buffering says, else as the settings do. */
  mayWait({ buffering }: Pick<PassSettings, "buffering">): boolean {
    return this.buffering ?? (buffering === "force" || (buffering && !this.head.unbuffered));
  }
}

/** As nginx keeps them. */
const keptNames: ReadonlySet<string> = new Set([
  "content-type", "content-disposition", "set-cookie", "accept-ranges", "cache-control", "expires",
]);
const nothingKept: readonly FieldLine[] = [];

/** For heads of applications. @returns undefined for most of them: they leave as they are */
export function passHead(head: ResponseHead, settings: AppPassSettings): PassedHead | undefined {
  if (!head.hasAccel && !settings.interceptErrors && !settings.hidesMore) return undefined;
  const hidden = new Set(settings.hideHeaders);
  const fields = head.fields.filter(([name]) => !hidden.has(name.toLowerCase()));
  const accel = readAccel(head.fields, settings.ignoreHeaders);
  const shown = new ResponseHead(head.status, head.reason, withCharset(fields, accel.charset));
  return new PassedHead(settings, shown, accel);
}

const nothingSaid: AccelFields = {
  redirect: undefined, limitRate: undefined, buffering: undefined, charset: undefined,
};

/** @param fields all of a head. @param ignored what is not obeyed */
export function readAccel(fields: readonly FieldLine[], ignored: readonly ObeyedField[]): AccelFields {
  const said = fields.filter(([name]) => /^x-accel-/i.test(name));
  if (said.length === 0) return nothingSaid;
  const obeyed = (name: ObeyedField): string | undefined =>
    ignored.includes(name) ? undefined : said.find(([own]) => own.toLowerCase() === name)?.[1];
  const rate = obeyed("x-accel-limit-rate");
  const buffering = obeyed("x-accel-buffering")?.toLowerCase();
  return {
    redirect: obeyed("x-accel-redirect"),
    limitRate: rate !== undefined && /^\d{1,12}$/.test(rate) ? Number(rate) : undefined,
    buffering: buffering === "yes" ? true : buffering === "no" ? false : undefined,
    charset: obeyed("x-accel-charset"),
  };
}

/** X-Accel-Charset: the charset of the content type, in place of its own; "off", and what is no token, leave it. */
export function withCharset(fields: readonly FieldLine[], charset: string | undefined): readonly FieldLine[] {
  if (charset === undefined || charset === "off" || !isFieldName(charset)) return fields;
  return fields.map(([name, value]) =>
    name.toLowerCase() === "content-type"
      ? [name, `${value.replace(/;\s*charset=[^;]*/i, "")}; charset=${charset}`] : [name, value]);
}
