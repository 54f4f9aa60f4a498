// One application, its client, and what the client sees on a server. The client is a Python script that plays all its
// scenarios once and prints what it saw; each test is a sentence about one of them.
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before } from "node:test";
import { promisify } from "node:util";
import { python, type Server, type ServerName, type ServerOptions, start } from "./server.ts";

const clientTimeoutMs = 50_000;
const outputSizeMax = 16 * 1024 * 1024;

export interface Application {
  /** `module:attribute` in tests/applications/apps. */
  readonly app: string;
  /** The script in tests/applications/clients, without `_client.py`. */
  readonly client: string;
  readonly options?: Omit<ServerOptions, "env">;
  /**
   * Makes what the application needs before it can start, in a throw-away folder, which is its APPLICATION_FOLDER.
   * @returns further variables of its environment
   */
  readonly prepare?: (folder: string) => Promise<Readonly<Record<string, string>>>;
}

type Outcome = { readonly result: unknown } | { readonly error: string };

/**
 * Lets the client of an application play against a server before the tests of the enclosing `describe`.
 * @returns a function for those tests: what a scenario of the client has returned. It throws what the scenario has
 *   thrown, with what the server has printed.
 */
export function play(serverName: ServerName, application: Application): (scenario: string) => unknown {
  let played: Played | undefined;
  before(async () => {
    played = await run(serverName, application);
  });
  return (scenario) => {
    const outcome = played?.outcomes[scenario];
    if (outcome === undefined) throw new Error(`the client ${application.client} has no scenario ${scenario}`);
    if ("error" in outcome) throw new Error(`${outcome.error}\nprinted by ${serverName}:\n${played?.printed}`);
    return outcome.result;
  };
}

async function run(serverName: ServerName, { app, client, options, prepare }: Application): Promise<Played> {
  const folder = await mkdtemp(join(tmpdir(), "tricorn-application-"));
  let server: Server | undefined;
  try {
    const prepared = await prepare?.(folder);
    server = await start(serverName, app, { ...options, env: { APPLICATION_FOLDER: folder, ...prepared } });
    const outcomes = await runClient(client, server);
    return { outcomes, printed: server.output() };
  } finally {
    await server?.close();
    await rm(folder, { recursive: true, force: true });
  }
}

interface Played {
  readonly outcomes: Readonly<Record<string, Outcome>>;
  readonly printed: string;
}

async function runClient(client: string, server: Server): Promise<Readonly<Record<string, Outcome>>> {
  const script = join(import.meta.dirname, "clients", `${client}_client.py`);
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: "1" };
  try {
    const options = { env, timeout: clientTimeoutMs, maxBuffer: outputSizeMax };
    const { stdout } = await promisify(execFile)(python, [script, server.origin], options);
    return JSON.parse(stdout) as Readonly<Record<string, Outcome>>;
  } catch (cause) {
    const { stderr = "" } = cause as { readonly stderr?: string };
    const printed = `printed by ${server.name}:\n${server.output()}`;
    throw new Error(`the client ${client} failed:\n${stderr}\n${printed}`, { cause });
  }
}
