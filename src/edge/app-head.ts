/** What of an application's response head reaches the client, and what the fields that are for us say. */
import type { ObeyedField, PassSettings } from "../config/pass-settings.ts";
import { ResponseHead } from "../http/response-head.ts";
import type { FieldLine } from "../http/response-head.ts";

export interface PassedHead {
  readonly head: ResponseHead;
  /** X-Accel-Redirect: a URI or a named location. */
  readonly redirect: string | undefined;
  /** X-Accel-Limit-Rate: bytes a second, 0 for no limit. */
  readonly limitRate: number | undefined;
  /** X-Accel-Buffering. */
  readonly buffering: boolean | undefined;
  /** Fields that stay when another response takes this one's place (nginx: X-Accel-Redirect keeps these). */
  readonly kept: readonly FieldLine[];
}

/** nginx: fields that survive X-Accel-Redirect. */
const keptNames: readonly string[] = [
  "content-type", "content-disposition", "set-cookie", "accept-ranges", "cache-control", "expires",
  "www-authenticate", "retry-after",
];

/** @returns undefined for most heads: they leave as they are */
export function passAppHead(head: ResponseHead, settings: PassSettings): PassedHead | undefined {
  if (!head.hasAccel && !settings.interceptErrors && !settings.hidesMore) return undefined;
  const hidden = new Set(settings.hideHeaders);
  const fields = head.fields.filter(([name]) => !hidden.has(name.toLowerCase()));
  const obeyed = (name: ObeyedField): string | undefined =>
    settings.ignoreHeaders.includes(name) ? undefined : head.fields.find(([own]) => own.toLowerCase() === name)?.[1];
  const rate = obeyed("x-accel-limit-rate");
  const charset = obeyed("x-accel-charset");
  const buffering = obeyed("x-accel-buffering")?.toLowerCase();
  const shown = charset === undefined ? fields : withCharset(fields, charset);
  return {
    head: new ResponseHead(head.status, head.reason, shown),
    redirect: obeyed("x-accel-redirect"),
    limitRate: rate !== undefined && /^\d{1,12}$/.test(rate) ? Number(rate) : undefined,
    buffering: buffering === "yes" ? true : buffering === "no" ? false : undefined,
    kept: fields.filter(([name]) => keptNames.includes(name.toLowerCase())),
  };
}

/** X-Accel-Charset: the charset of the content type, in place of its own; "off" leaves it. */
function withCharset(fields: readonly FieldLine[], charset: string): readonly FieldLine[] {
  if (charset === "off") return fields;
  return fields.map(([name, value]) =>
    name.toLowerCase() === "content-type"
      ? [name, `${value.replace(/;\s*charset=[^;]*/i, "")}; charset=${charset}`] : [name, value]);
}
