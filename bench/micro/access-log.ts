// `node bench/micro/access-log.ts`: what one record of an access log costs a request, written to /dev/null and to a
// file, in nginx's and gunicorn's formats.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseComplexValue } from "../../src/config/nginx/complex-value.ts";
import { AccessLogs, type AccessLogTarget, type LogFormat } from "../../src/observe/index.ts";
import { Evaluation, Variables, builtinPrefixes, builtinVariables } from "../../src/route/index.ts";
import { requestFacts } from "../../tests/route/facts.ts";
import { measure } from "./stopwatch.ts";

const fields = {
  "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
  referer: "https://shop.example/hats?page=2",
};
const facts = requestFacts({ target: "/static/css/site.css?v=17", fields, nowMs: () => Date.now() });

function nginxFormat(name: string, escape: "default" | "json", text: string): LogFormat {
  const value = parseComplexValue(text);
  if (!value.ok) throw new Error(value.error);
  return { name, escape, value: value.value };
}

const formats: readonly LogFormat[] = [
  nginxFormat("combined", "default", '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent ' +
    '"$http_referer" "$http_user_agent"'),
  nginxFormat("json", "json", '{"time":"$time_iso8601","host":"$host","request":"$request","status":$status,' +
    '"agent":"$http_user_agent","took":$request_time}'),
  { name: "gunicorn", escape: "atoms", value: "combined" },
];
const directory = mkdtempSync(join(tmpdir(), "tricorn-bench-"));
const logs = new AccessLogs(formats, new Variables(builtinVariables, builtinPrefixes), (_, text) => {
  throw new Error(text);
});

function recorded(target: Partial<AccessLogTarget>): (times: number) => number {
  const log: AccessLogTarget = {
    path: "/dev/null", format: "combined", bufferSize: 0, flushMs: undefined, gzip: undefined, condition: undefined,
    ...target,
  };
  const writer = logs.writer({ logs: [log], openFileCache: undefined, logSubrequests: false });
  return (times) => {
    // A request has an evaluation of its own.
    for (let i = 0; i < times; i++) writer.record(new Evaluation(facts));
    return times;
  };
}

measure("record of a request", [
  { name: "nothing", run: (times) => {
    let sum = 0;
    for (let i = 0; i < times; i++) sum += new Evaluation(facts).path.length;
    return sum;
  } },
  { name: "combined, /dev/null", run: recorded({}) },
  { name: "combined, a file", run: recorded({ path: join(directory, "plain") }) },
  { name: "combined, buffer=64k", run: recorded({ path: join(directory, "buffered"), bufferSize: 65_536 }) },
  { name: "json, buffer=64k", run: recorded({ path: join(directory, "json"), format: "json", bufferSize: 65_536 }) },
  { name: "gunicorn's combined", run: recorded({ path: join(directory, "gunicorn"), format: "gunicorn" }) },
]);
await logs.close();
rmSync(directory, { recursive: true });
