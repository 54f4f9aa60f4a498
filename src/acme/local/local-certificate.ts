/**
 * HTTPS for development in one call: an authority made once on this machine, and a certificate that it signs for what
 * the server is reached by. Once its owner trusts the authority, browsers show no warning, and the authority can sign
 * nothing but names and addresses that are private (names.ts). docs/https-in-development.md says it to users.
 */
import { X509Certificate } from "node:crypto";
import { err, ok } from "../../std/result.ts";
import type { Result } from "../../std/result.ts";
import { systemReason } from "../../std/system-reason.ts";
import { authorityPath, readAuthority, readServer, writeAuthority, writeServer } from "./authority-folder.ts";
import type { Authority, Identity } from "./authority-folder.ts";
import { authorityFolder, thisMachine } from "./machine.ts";
import type { Machine } from "./machine.ts";
import { isPermitted, NAMES_MAX, normalName, permittedOn, wantedNames, writtenNames } from "./names.ts";
import type { Permitted, Reachable } from "./names.ts";
import { makeAuthority, makeServerCertificate, permittedBy } from "./signed-certificate.ts";
import type { Signed } from "./signed-certificate.ts";
import { isTrusted, trustHints, trustStoreOf } from "./trust-hints.ts";

/** Names in one note, at most. */
const NOTED_MAX = 5;

export interface LocalCertificateOptions {
  /** What `server_name` says: "shop.test", "*.shop.test", ".shop.test"; what no certificate can hold is left out. */
  readonly names: readonly string[];
  /** Addresses that the server binds to, without ports; 0.0.0.0 and :: stand for those of the machine. */
  readonly addresses: readonly string[];
  /** Where the authority is kept, instead of the place that `authorityFolder` says. */
  readonly folder?: string;
  /** Now, in milliseconds since 1970; instead of the clock. */
  readonly nowMs?: number;
  /** Instead of the one that this runs on. */
  readonly machine?: Machine;
}

/** `certificate` has what a server sends: its own, then the one of whoever signed it. */
export interface LocalCertificate extends Signed {
  /** Names and addresses that it is for, normal forms. */
  readonly names: readonly string[];
  /**
   * When to call again, in milliseconds since 1970: a third of its life is left then. That is about 60 days, more than
   * a timer of Node's can wait (2^31 ms are 24 days).
   */
  readonly renewAtMs: number;
  /** The authority's certificate, PEM. */
  readonly authorityPath: string;
  /** Whether this call made the authority: nobody can trust it yet. */
  readonly isNew: boolean;
  /** Whether the list of the system has the authority; undefined where that cannot be read. */
  readonly isTrusted: boolean | undefined;
  /** What to type to trust the authority on this machine; lines. */
  readonly trustHints: readonly string[];
  /** What a person should know: names that were left out, a certificate that could not be kept. */
  readonly notes: readonly string[];
}

/**
 * The certificate of this machine for its servers, made, taken as it was kept, or renewed. Of two calls at once, in one
 * process or in several, both get a certificate of the same authority.
 * @returns a refusal is a sentence or two for a person: what is in the way, and what to do. Nothing was changed then
 */
export async function localCertificate(options: LocalCertificateOptions): Promise<Result<LocalCertificate, string>> {
  const { nowMs = Date.now(), machine = thisMachine() } = options;
  const folder = options.folder === undefined ? authorityFolder(machine.isRoot, process.env) : ok(options.folder);
  if (!folder.ok) return folder;
  const found = await findAuthority(folder.value, machine, nowMs);
  if (!found.ok) return found;
  const { authority, isNew } = found.value;
  const kept = readServer(folder.value, authority);
  if (!kept.ok) return kept;
  const { names, addresses } = options;
  const reachable = { names, addresses, hostName: machine.hostName, machineAddresses: machine.addresses };
  const { identity, notes } = await signedFor(reachable, { folder: folder.value, authority, kept: kept.value, nowMs });
  const path = authorityPath(folder.value);
  return ok({
    certificate: identity.certificate + authority.intermediate.certificate,
    key: identity.key,
    names: namesIn(identity.x509),
    renewAtMs: renewalOf(identity.x509, authority.intermediate.x509),
    authorityPath: path,
    isNew,
    isTrusted: isTrusted(authority.root),
    trustHints: trustHints({
      authorityPath: path, certificate: authority.root, isRoot: machine.isRoot,
      store: trustStoreOf(machine.platform, machine.osRelease),
    }),
    notes,
  });
}

interface Found {
  readonly authority: Authority;
  readonly isNew: boolean;
}

async function findAuthority(folder: string, machine: Machine, nowMs: number): Promise<Result<Found, string>> {
  const found = readAuthority(folder, nowMs);
  if (!found.ok) return found;
  if (found.value !== undefined) return ok({ authority: found.value, isNew: false });
  const owner = `${machine.userName}@${machine.hostName}`;
  const written = writeAuthority(folder, await makeAuthority(owner, permittedOn(machine.hostName), nowMs));
  if (!written.ok) return written;
  const made = readAuthority(folder, nowMs);
  if (!made.ok) return made;
  if (made.value !== undefined) return ok({ authority: made.value, isNew: written.value });
  return err(`${folder} has other things in it than an authority. Move them away, or it.`);
}

interface Place {
  readonly folder: string;
  readonly authority: Authority;
  /** What was signed last. */
  readonly kept: Identity | undefined;
  readonly nowMs: number;
}

async function signedFor(
  reachable: Reachable, { folder, authority: { intermediate }, kept, nowMs }: Place,
): Promise<{ readonly identity: Identity; readonly notes: readonly string[] }> {
  const current = kept !== undefined && isCurrent(kept.x509, intermediate.x509, nowMs) ? kept : undefined;
  const had = current === undefined ? [] : namesIn(current.x509);
  const wanted = wantedNames(reachable);
  if (current !== undefined && isAllOf(wanted, had)) return { identity: current, notes: [] };
  const permitted = await permittedBy(intermediate.certificate);
  const names = wanted.filter((name) => isPermitted(name, permitted)).slice(0, NAMES_MAX);
  const notes = notesOn(writtenNames(reachable).filter((name) => !names.includes(name)), permitted);
  if (current !== undefined && isAllOf(names, had)) return { identity: current, notes };
  // With those of other servers of this user, or each would replace what the other had made.
  const united = [...new Set([...names, ...had])];
  const made = await makeServerCertificate(intermediate, united.length > NAMES_MAX ? names : united, nowMs);
  const identity = { ...made, x509: new X509Certificate(made.certificate) };
  try {
    writeServer(folder, { certificate: made.certificate + intermediate.certificate, key: made.key });
  } catch (error) {
    // It serves as well; a folder that cannot be written to may be somebody's intention.
    return { identity, notes: [...notes, `The certificate could not be kept in ${folder} (${systemReason(error)}).`] };
  }
  return { identity, notes };
}

function notesOn(omitted: readonly string[], permitted: Permitted): readonly string[] {
  const foreign = omitted.filter((name) => !isPermitted(name, permitted));
  const surplus = omitted.filter((name) => isPermitted(name, permitted));
  const notes: string[] = [];
  if (foreign.length > 0) {
    notes.push(`The certificate is not for ${list(foreign)}: the local authority may sign private names only.`);
  }
  if (surplus.length > 0) notes.push(`The certificate is not for ${list(surplus)}: it has ${NAMES_MAX} names already.`);
  return notes;
}

function list(names: readonly string[]): string {
  const rest = names.length - NOTED_MAX;
  return rest > 0 ? `${names.slice(0, NOTED_MAX).join(", ")} and ${rest} more` : names.join(", ");
}

function isAllOf(wanted: readonly string[], had: readonly string[]): boolean {
  return wanted.every((name) => had.includes(name));
}

/** Begun, and not in its last third. */
function isCurrent(certificate: X509Certificate, issuer: X509Certificate, nowMs: number): boolean {
  return nowMs >= certificate.validFromDate.getTime() && nowMs < renewalOf(certificate, issuer);
}

/** Two thirds of its life from its beginning; its end, when it ends with its issuer, as another one would. */
function renewalOf({ validFromDate, validToDate }: X509Certificate, issuer: X509Certificate): number {
  const from = validFromDate.getTime(), to = validToDate.getTime();
  return to >= issuer.validToDate.getTime() ? to : from + ((to - from) * 2) / 3;
}

/** Node's text of them: "DNS:localhost, IP Address:0:0:0:0:0:0:0:1". */
function namesIn({ subjectAltName }: X509Certificate): readonly string[] {
  const entries = (subjectAltName ?? "").split(", ");
  return entries.flatMap((entry) => normalName(entry.replace(/^(DNS|IP Address):/, "")) ?? []);
}
