/**
 * The folder of the local authority: `ca.pem`, which people trust; `intermediate.pem`, which signs; and `server.pem`,
 * what was signed last. The last two have their key in front. The folder appears at once with the authority in it (a
 * rename), so of several processes that make one the first wins, and the others read it. Nothing in it is ever written
 * over but our own `server.pem`.
 */
import { createPrivateKey, randomBytes, X509Certificate } from "node:crypto";
import {
  closeSync, constants, fstatSync, fsyncSync, mkdirSync, mkdtempSync, openSync, readFileSync, renameSync, rmSync,
  statSync, writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { err, ok } from "../../std/result.ts";
import type { Result } from "../../std/result.ts";
import { systemCode, systemReason } from "../../std/system-reason.ts";
import { ORGANIZATION } from "./signed-certificate.ts";
import type { NewAuthority, Signed } from "./signed-certificate.ts";
import { quoted } from "./trust-hints.ts";

/** The longest file that is read, in bytes: what is made here has at most 5 kB. */
export const FILE_SIZE_MAX = 65_536;

/** A certificate as it was read, with the key that belongs to it. */
export interface Identity extends Signed {
  readonly x509: X509Certificate;
}

const SIGNER = "intermediate.pem";
const SERVER = "server.pem";
const ELSEWHERE = "Let this user write there, or name another place in XDG_DATA_HOME.";

export interface Authority {
  /** PEM, one certificate. */
  readonly root: string;
  readonly intermediate: Identity;
}

/** @returns the certificate that others are to trust */
export function authorityPath(folder: string): string {
  return join(folder, "ca.pem");
}

/**
 * The authority in a folder, looked at closely: whoever has its key is believed by all who trust it.
 * @returns undefined when there is none yet; a refusal is a sentence or two, with what to do next
 */
export function readAuthority(folder: string, nowMs: number): Result<Authority | undefined, string> {
  try {
    const found = statSync(folder, { throwIfNoEntry: false });
    if (found === undefined) return ok(undefined);
    if (!found.isDirectory()) return err(`${folder} is no folder. ${anew(folder)}`);
    if (!isOurs(found.uid)) return err(`${folder} belongs to another user. ${anew(folder)}`);
    if ((found.mode & 0o022) !== 0) return err(`Others may write to ${folder}. Forbid it: chmod 700 ${quoted(folder)}`);
  } catch (error) {
    return err(`${folder} cannot be read (${systemReason(error)}). ${ELSEWHERE}`);
  }
  const rootText = readText(authorityPath(folder), false), signerText = readText(join(folder, SIGNER), true);
  if (!rootText.ok) return rootText;
  if (!signerText.ok) return signerText;
  if (rootText.value === undefined && signerText.value === undefined) return ok(undefined);
  const root = certificateOf(rootText.value ?? ""), intermediate = identityOf(signerText.value ?? "");
  if (root === undefined) return err(`${authorityPath(folder)} is no certificate. ${anew(folder)}`);
  if (intermediate === undefined) return err(`${join(folder, SIGNER)} is no certificate with its key. ${anew(folder)}`);
  const { x509 } = intermediate;
  if (!isIssued(root, root) || !isIssued(x509, root) || !x509.ca) {
    return err(`The files in ${folder} are not an authority that Tricorn made. ${anew(folder)}`);
  }
  if (nowMs >= x509.validToDate.getTime()) {
    return err(`The authority in ${folder} was valid until ${x509.validTo}. ${anew(folder)}`);
  }
  if (nowMs < x509.validFromDate.getTime()) {
    return err(`The authority in ${folder} is valid from ${x509.validFrom}, which is to come. Set the clock.`);
  }
  return ok({ root: root.toString(), intermediate });
}

/**
 * Makes the folder with an authority in it, and the folders above it.
 * @returns whether it was made: false when something is there already; a refusal says what to do
 */
export function writeAuthority(folder: string, { root, intermediate }: NewAuthority): Result<boolean, string> {
  let made: string | undefined;
  try {
    mkdirSync(dirname(folder), { recursive: true, mode: 0o700 });
    made = mkdtempSync(join(dirname(folder), ".authority-"));
    writeWhole(join(made, SIGNER), intermediate.key + intermediate.certificate);
    writeWhole(authorityPath(made), root);
    renameSync(made, folder);
    syncFolder(dirname(folder));
    return ok(true);
  } catch (error) {
    if (made !== undefined) rmSync(made, { recursive: true, force: true });
    // POSIX rename(): the one or the other when the folder exists with something in it.
    if (["ENOTEMPTY", "EEXIST", "ENOTDIR"].includes(systemCode(error)) && made !== undefined) return ok(false);
    return err(`${folder} cannot be made (${systemReason(error)}). ${ELSEWHERE}`);
  }
}

/**
 * The certificate for servers that the authority has signed last; it may have expired.
 * @returns undefined when there is none yet; a refusal is a sentence or two, with what to do next
 */
export function readServer(folder: string, { intermediate }: Authority): Result<Identity | undefined, string> {
  const path = join(folder, SERVER);
  const text = readText(path, true);
  if (!text.ok || text.value === undefined) return text.ok ? ok(undefined) : text;
  const identity = identityOf(text.value);
  if (identity !== undefined && isIssued(identity.x509, intermediate.x509)) return ok(identity);
  return err(`${path} is not what this authority signed. Remove it to have it made again: rm ${quoted(path)}`);
}

/** Keeps a certificate and those behind it for the next start. @throws the system's error */
export function writeServer(folder: string, { certificate, key }: Signed): void {
  const path = join(folder, SERVER), made = join(folder, `.server-${randomBytes(8).toString("hex")}.pem`);
  try {
    writeWhole(made, key + certificate);
    renameSync(made, path);
  } catch (error) {
    rmSync(made, { force: true });
    throw error;
  }
}

/** @param isSecret whether nobody else may read it */
function readText(path: string, isSecret: boolean): Result<string | undefined, string> {
  try {
    // O_NONBLOCK: a FIFO must not be waited for.
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const { size, mode, uid } = fstatSync(descriptor);
      if (!isOurs(uid)) return err(`${path} belongs to another user. Remove it, or give it to this one.`);
      if (isSecret && (mode & 0o077) !== 0) return err(`Others may read ${path}. Forbid it: chmod 600 ${quoted(path)}`);
      if (size > FILE_SIZE_MAX) return err(`${path} has more than ${FILE_SIZE_MAX} bytes. Is it yours? Move it away.`);
      return ok(readFileSync(descriptor, "latin1"));
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if (systemCode(error) === "ENOENT") return ok(undefined);
    return err(`${path} cannot be read (${systemReason(error)}). Let this user read it.`);
  }
}

/** Readable by nobody else, and on the disk when this returns: a rename must not come before its content. */
function writeWhole(path: string, text: string): void {
  const descriptor = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  try {
    writeFileSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Has a rename on the disk: who trusts an authority must not lose it with the power. */
function syncFolder(path: string): void {
  const descriptor = openSync(path, constants.O_RDONLY);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** @returns undefined when the text is no key with its certificate */
function identityOf(text: string): Identity | undefined {
  const x509 = certificateOf(text);
  if (x509 === undefined) return undefined;
  try {
    const privateKey = createPrivateKey(text);
    if (!x509.checkPrivateKey(privateKey)) return undefined;
    const key = String(privateKey.export({ type: "pkcs8", format: "pem" }));
    return { certificate: x509.toString(), key, x509 };
  } catch {
    // OpenSSL's words ("bad base64 decode") would not tell the reader what to do.
    return undefined;
  }
}

/** @returns the first certificate of a text */
function certificateOf(text: string): X509Certificate | undefined {
  try {
    return new X509Certificate(text);
  } catch {
    // The same.
    return undefined;
  }
}

/** Whether a certificate is of the kind that is made here, and signed by that issuer. */
function isIssued(x509: X509Certificate, issuer: X509Certificate): boolean {
  if (!x509.subject.split("\n").includes(`O=${ORGANIZATION}`)) return false;
  const { asymmetricKeyDetails } = x509.publicKey;
  return asymmetricKeyDetails?.namedCurve === "prime256v1" && x509.checkIssued(issuer) && x509.verify(issuer.publicKey);
}

/** Root's files are as good as one's own, and root may use anybody's. */
function isOurs(owner: number): boolean {
  const self = process.geteuid?.();
  return self === undefined || self === 0 || owner === self || owner === 0;
}

function anew(folder: string): string {
  return `To have one made anew, move it away: mv ${quoted(folder)} ${quoted(`${folder}.old`)}`;
}
