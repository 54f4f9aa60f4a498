/**
 * What workers and the master say on the control channel (docs/wire.md), checked: a worker's text is not trusted.
 */
import { err, ok, type Result } from "../std/result.ts";

/** From a worker or the preloader. */
export type ControlReport =
  | { readonly type: "hello"; readonly name: string; readonly pid: number; readonly role: "worker" | "preloader" }
  | {
      readonly type: "loaded";
      readonly interface: "wsgi" | "asgi";
      readonly asgi: number | undefined;
      readonly framework: string | undefined;
      readonly application: string;
      readonly python: string;
      readonly loop: string | undefined;
    }
  | { readonly type: "ready" }
  | {
      readonly type: "failed";
      readonly stage: string;
      readonly message: string;
      readonly traceback: string | undefined;
      readonly hint: string | undefined;
    }
  | { readonly type: "recycle"; readonly reason: string }
  | { readonly type: "fork"; readonly name: string; readonly pid: number }
  | {
      readonly type: "exit";
      readonly name: string;
      readonly pid: number;
      readonly code: number | undefined;
      readonly signal: number | undefined;
    };

/** What a worker is started with. */
export interface StartMessage {
  readonly type: "start";
  readonly app: string;
  readonly factory: boolean;
  readonly interface: "auto" | "wsgi" | "asgi3" | "asgi2";
  readonly chdir: string;
  readonly app_dir: string;
  readonly pythonpath: readonly string[];
  readonly threads: number;
  readonly loop: string;
  readonly lifespan: "auto" | "on" | "off";
  readonly root_path: string;
  readonly workers: number;
  readonly max_requests: number;
  readonly max_requests_jitter: number;
  readonly graceful_timeout_s: number;
  readonly socket: string;
  readonly state: string;
  readonly log: string | null;
  readonly uid: number | null;
  readonly gid: number | null;
  readonly umask: number | null;
  readonly edge_pid: number;
  readonly software: string;
}

export type ControlCommand =
  | StartMessage
  | { readonly type: "edge"; readonly pid: number }
  | { readonly type: "fork"; readonly name: string; readonly start: StartMessage }
  /** Nothing new will come, and `stop` follows within so long: what never ends by itself is to be told in time. */
  | { readonly type: "retire"; readonly grace_s: number }
  | { readonly type: "stop"; readonly grace_s: number };

type Fields = Readonly<Record<string, unknown>>;

/** One line of a worker, without its line end. */
export function parseReport(line: string): Result<ControlReport, string> {
  let fields: Fields;
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value !== "object" || value === null) return err("not an object");
    fields = value as Fields;
  } catch {
    // Malformed text of another process is input, not a bug.
    return err("not JSON");
  }
  const report = reportOf(fields);
  return report === undefined ? err(`unknown or incomplete message ${line.slice(0, 200)}`) : ok(report);
}

function reportOf(fields: Fields): ControlReport | undefined {
  const name = text(fields["name"]);
  const pid = integer(fields["pid"]);
  switch (fields["type"]) {
    case "hello": {
      const role = fields["role"];
      if (name === undefined || pid === undefined || (role !== "worker" && role !== "preloader")) return undefined;
      return { type: "hello", name, pid, role };
    }
    case "loaded": {
      const kind = fields["interface"];
      if (kind !== "wsgi" && kind !== "asgi") return undefined;
      return {
        type: "loaded",
        interface: kind,
        asgi: integer(fields["asgi"]),
        framework: text(fields["framework"]),
        application: text(fields["application"]) ?? "",
        python: text(fields["python"]) ?? "Python",
        loop: text(fields["loop"]),
      };
    }
    case "ready":
      return { type: "ready" };
    case "failed":
      return {
        type: "failed",
        stage: text(fields["stage"]) ?? "import",
        message: text(fields["message"]) ?? "the worker cannot start",
        traceback: text(fields["traceback"]),
        hint: text(fields["hint"]),
      };
    case "recycle":
      return { type: "recycle", reason: text(fields["reason"]) ?? "max-requests" };
    case "fork":
      return name === undefined || pid === undefined ? undefined : { type: "fork", name, pid };
    case "exit": {
      if (name === undefined || pid === undefined) return undefined;
      return { type: "exit", name, pid, code: integer(fields["code"]), signal: integer(fields["signal"]) };
    }
    default:
      return undefined;
  }
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function integer(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
