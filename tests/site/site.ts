// A site with two applications of tests/site/apps in one file of nginx's language: `wsgi` and `asgi`, of which the
// field X-Say asks for an answer, and which otherwise say what they were asked.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { venvPython } from "../../tools/venv.ts";
import type { RequestText, Response } from "../support/connection.ts";
import { Program } from "../support/program.ts";

const directory = join(import.meta.dirname, "apps");
export const interfaces = ["wsgi", "asgi"] as const;

export interface SiteText {
  /** Beside http; what replaces the two applications stands here. */
  readonly main?: string;
  /** Beside the server. */
  readonly http?: string;
  readonly server: string;
  /** Is its socket for TLS? Then the certificate is the server's to say. */
  readonly isTls?: boolean;
  /** In the block of each application. */
  readonly app?: string;
  readonly apps?: string;
  /** What files there are below %FOLDER%/www, by name. */
  readonly files?: Readonly<Record<string, string>>;
}

/** An `app` block of the applications in tests/site/apps. */
export function appBlock(name: string, module: string, more: string = ""): string {
  return `app ${name} {
    module ${module}; chdir ${directory}; python ${venvPython}; env NAME=${name}; env EVENTS=%FOLDER%/events; ${more}
  }`;
}

/** Starts the program with a file; ends with `stop`. */
export async function startSite(
  { main = "", http = "", server, isTls = false, app = "", apps, files = {} }: SiteText,
): Promise<Program> {
  const program = await Program.start({
    file: `daemon off; pid %FOLDER%/tricorn.pid; error_log stderr info; events { }
      ${main}
      ${apps ?? `${appBlock("wsgi", "saying:wsgi", app)} ${appBlock("asgi", "saying:asgi", `lifespan off; ${app}`)}`}
      http {
        ${http}
        server { listen 127.0.0.1:%PORT%${isTls ? " ssl" : ""}; root %FOLDER%/www; ${server} }
      }`,
  });
  await mkdir(join(program.folder, "www"), { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    const path = join(program.folder, "www", name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
  return program;
}

/** What the applications shall answer. */
export interface Said {
  readonly status?: number;
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly parts?: readonly string[];
  /** Each part so often. */
  readonly times?: number;
  readonly mode?: "whole" | "stream" | "endless" | "file" | "fail" | "hang" | "die";
  /** Seconds between parts. */
  readonly pause?: number;
}

/** Asks for an answer on a connection of its own. */
export async function ask(program: Program, target: string, said: Said, more: RequestText = {}): Promise<Response> {
  using connection = await program.connect();
  return await connection.ask({ ...more, target, fields: { "X-Say": JSON.stringify(said), ...more.fields } });
}

/** What an application says it was asked. */
export interface Echo {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly uri?: string;
  readonly raw: string;
  readonly client: string;
  readonly scheme: string;
  readonly length: string | null;
  readonly size: number;
  readonly sha: string;
  readonly events?: number;
  readonly fields: Readonly<Record<string, string>>;
}

export const echoOf = ({ text }: Pick<Response, "text">): Echo => JSON.parse(text) as Echo;

/** A request on a connection of its own. */
export async function get(program: Program, target: string, more: RequestText = {}): Promise<Response> {
  using connection = await program.connect();
  return await connection.ask({ ...more, target });
}

/** The lines of a file in the program's folder, none where there is no file. */
export async function linesOf(program: Program, name: string): Promise<readonly string[]> {
  const text = await readFile(join(program.folder, name), "utf8").catch(() => "");
  return text.split("\n").slice(0, -1);
}
