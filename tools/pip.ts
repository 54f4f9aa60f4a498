// pip for a Python that came without it (Debian's, unless python3-venv is installed). A wheel of pip is a zip that
// Python can run in place, so one pinned download is enough. The index is asked as pip itself would ask it.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const wheelName = "pip-26.0.1-py3-none-any.whl";
const wheelSha256 = "bdb1b08f4274833d62c1aa29e20907365a2ceb950410df15fc9521bad440122b";
const downloadTimeoutMs = 60_000;

/**
 * Downloads the pinned pip once.
 * @param directory where the wheel is kept
 * @returns the wheel's path; `python <path>/pip install …` runs it
 * @throws Error when the index has no such file or the file is not the pinned one
 */
export async function fetchPip(directory: string): Promise<string> {
  const path = join(directory, wheelName);
  if (existsSync(path) && sha256(readFileSync(path)) === wheelSha256) return path;
  const index = (process.env["PIP_INDEX_URL"] ?? "https://pypi.org/simple").replace(/\/+$/, "");
  const page = await (await get(`${index}/pip/`)).text();
  // PEP 503: the index page of a project is a list of links, the file's name is the last part of each.
  const href = [...page.matchAll(/href="([^"#]+)/g)].map((match) => match[1] ?? "").find(endsWithWheel);
  if (href === undefined) throw new Error(`${index}/pip/ has no ${wheelName}: apt-get install python3-venv instead.`);
  const wheel = new Uint8Array(await (await get(new URL(href, `${index}/pip/`).href)).arrayBuffer());
  if (sha256(wheel) !== wheelSha256) throw new Error(`${wheelName} from ${index} is not the file that was pinned.`);
  mkdirSync(directory, { recursive: true });
  writeFileSync(path, wheel);
  return path;
}

function endsWithWheel(href: string): boolean {
  return href.endsWith(`/${wheelName}`);
}

async function get(url: string): Promise<Response> {
  const response = await fetch(url, { signal: AbortSignal.timeout(downloadTimeoutMs) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response;
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
