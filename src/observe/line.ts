/** Formats, compiled: what a request says in a log. */
import type { ValuePart } from "../config/nginx/complex-value.ts";
import type { Evaluation, Variables } from "../route/index.ts";
import { fromUtf8 } from "../std/bytes.ts";
import { compileAtoms } from "./atoms.ts";
import { escapings } from "./escape.ts";
import type { LogTimes } from "./log-times.ts";
import type { LogFormat } from "./settings.ts";

/** The line of a request, bytes as text, without its end; undefined where there is nothing to say. */
export type Line = (evaluation: Evaluation) => string | undefined;

type Value = (evaluation: Evaluation) => string | undefined;

/** Compiles a format. Its variables are looked up now, and must be defined before it is asked for. */
export function compileLine(format: LogFormat, variables: Variables, times: LogTimes): Line {
  if (format.escape === "atoms") return compileAtoms(format.value, times);
  const { escape, absent } = escapings[format.escape];
  const parts = format.value.map((part): string | ((evaluation: Evaluation) => string) => {
    if (part.kind === "literal") return fromUtf8(part.text).latin1Slice();
    const value = compileValue(part, variables, times);
    if (part.kind === "variable" && plainVariables.has(part.name)) return (evaluation) => value(evaluation) ?? absent;
    return (evaluation) => {
      const text = value(evaluation);
      return text === undefined ? absent : escape(text);
    };
  });
  return (evaluation) => {
    let line = "";
    for (const part of parts) line += typeof part === "string" ? part : part(evaluation);
    return line;
  };
}

/** Those of digits and few other signs, in which there is nothing to escape. */
const plainVariables: ReadonlySet<string> = new Set([
  "body_bytes_sent", "bytes_sent", "connection", "connection_requests", "msec", "pipe", "remote_addr", "remote_port",
  "request_length", "request_time", "status", "time_iso8601", "time_local",
]);

/**
 * What most formats ask for is asked for directly: a log is written for each request, and the variable's own way
 * remembers values or looks names up (bench/micro/access-log.ts: `combined` takes half the time).
 */
function compileValue(part: Exclude<ValuePart, { kind: "literal" }>, variables: Variables, times: LogTimes): Value {
  if (part.kind === "capture") return ({ groups }) => groups[part.index - 1];
  const { name } = part;
  const variable = variables.variable(name);
  if (name === "time_local") return ({ facts }) => times.local.at(facts.nowMs());
  if (name === "time_iso8601") return ({ facts }) => times.iso8601.at(facts.nowMs());
  if (name === "request") return ({ facts }) => facts.requestLine;
  if (name === "remote_user") {
    return (evaluation) =>
      evaluation.facts.field("authorization") === undefined ? undefined : evaluation.value(variable);
  }
  const [, field] = /^http_([a-z0-9]+(?:_[a-z0-9]+)*)$/.exec(name) ?? [];
  if (field === undefined) return (evaluation) => evaluation.value(variable);
  const dashed = field.replaceAll("_", "-");
  return (evaluation) => {
    // `set` may have made it a variable of its own.
    if (!variable.isVolatile) return evaluation.value(variable);
    const value = evaluation.facts.field(dashed);
    return value !== undefined || dashed === field ? value : evaluation.facts.field(field);
  };
}
