/**
 * As whom the edge and the workers run: `user` and `group`, by name or number.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { err, ok, type Result } from "../std/result.ts";

export interface Identity {
  readonly uid: number;
  readonly gid: number;
}

export interface IdentityFailure {
  readonly message: string;
  readonly hint: string | undefined;
}

interface Account {
  readonly user?: string | undefined;
  readonly group?: string | undefined;
}

/** Undefined if this process already is who it shall be. */
export function identityOf({ user, group }: Account): Result<Identity | undefined, IdentityFailure> {
  if (user === undefined && group === undefined) return ok(undefined);
  const own: Identity = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const account = user === undefined ? own : findUser(user);
  if (account === undefined)
    return err({ message: `there is no user "${user}"`, hint: "create it, or name another" });
  const gid = group === undefined ? account.gid : findGroup(group);
  if (gid === undefined)
    return err({ message: `there is no group "${group}"`, hint: "create it, or name another" });
  if (account.uid === own.uid && gid === own.gid) return ok(undefined);
  if (own.uid !== 0) {
    return err({
      message: "a user or a group can only be taken by root, which this process is not",
      hint: "start it with sudo, or leave them out",
    });
  }
  return ok({ uid: account.uid, gid });
}

/** /etc/passwd first: no process for the common case; id(1) knows directories such as LDAP too. */
function findUser(user: string): Identity | undefined {
  const line = entry("/etc/passwd", user);
  if (line !== undefined) return { uid: Number(line[2]), gid: Number(line[3]) };
  if (/^\d+$/.test(user)) return { uid: Number(user), gid: Number(user) };
  const uid = ask("id", ["-u", "--", user]);
  const gid = ask("id", ["-g", "--", user]);
  return uid === undefined || gid === undefined ? undefined : { uid, gid };
}

function findGroup(group: string): number | undefined {
  const line = entry("/etc/group", group);
  if (line !== undefined) return Number(line[2]);
  if (/^\d+$/.test(group)) return Number(group);
  return ask("getent", ["group", group]);
}

/** The columns of the line whose first (name) or third (number) column is `wanted`. */
function entry(file: string, wanted: string): readonly string[] | undefined {
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.map((line) => line.split(":")).find((columns) => columns[0] === wanted || columns[2] === wanted);
}

function ask(program: string, args: readonly string[]): number | undefined {
  try {
    const answer = execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    const number = /(?:^|:)(\d+)/.exec(answer)?.[1];
    return number === undefined ? undefined : Number(number);
  } catch {
    // The program is missing or does not know the name either.
    return undefined;
  }
}
