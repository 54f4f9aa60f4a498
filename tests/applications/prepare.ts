// What the Django applications need before they start.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { python } from "./server.ts";

const timeoutMs = 30_000;

/** Makes the tables and the user of apps/django_site.py in a folder. @returns no variables: the folder says it all */
export async function prepareDjango(folder: string): Promise<Readonly<Record<string, string>>> {
  const env = { ...process.env, APPLICATION_FOLDER: folder, PYTHONDONTWRITEBYTECODE: "1" };
  await promisify(execFile)(python, [join(import.meta.dirname, "apps/django_site.py")], { env, timeout: timeoutMs });
  return {};
}
