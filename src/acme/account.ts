/**
 * The account at one issuer (RFC 8555 §7.3): made once, kept as account.key and account.json in the issuer's directory.
 * Its URL is forgotten when the issuer's address, our key or the account at the issuer is another; the key stays.
 */
import { createHash, createPublicKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { Client } from "acme-client";
import type { LogLevel } from "../config/model.ts";
import { systemReason } from "../std/system-reason.ts";
import { isRecord, parseJson } from "./json.ts";
import { makeKey, readKey } from "./key-types.ts";
import { AcmeProblem, problem } from "./problem.ts";
import type { IssuerSettings } from "./settings.ts";
import type { StateDirectory } from "./state-directory.ts";

const KEY_FILE = "account.key", RECORD_FILE = "account.json";

export interface AccountTools {
  /** undefined: nothing is kept. */
  readonly directory: StateDirectory | undefined;
  readonly notice: (level: LogLevel, text: string) => void;
}

interface AccountRecord {
  readonly uri: string;
  readonly url: string;
  readonly keyDigest: string;
  readonly contacts: readonly string[];
}

/**
 * A client with an account, which is made if there is none.
 * @param forget the issuer does not know the one that is kept
 * Rejects with an AcmeProblem.
 */
export async function clientWithAccount(
  settings: IssuerSettings, tools: AccountTools, forget: boolean,
): Promise<Client> {
  const key = await accountKey(settings, tools);
  const keyDigest = digestOf(key);
  const record = forget ? undefined : readRecord(settings, tools, keyDigest);
  const { externalAccount } = settings;
  const client = new Client({
    directoryUrl: settings.uri,
    accountKey: key,
    ...(record === undefined ? {} : { accountUrl: record.url }),
    ...(externalAccount === undefined ? {} : {
      externalAccountBinding: { kid: externalAccount.kid, hmacKey: externalKey(externalAccount.key) },
    }),
  });
  const contacts = [...settings.contacts];
  if (record === undefined) {
    await makeAccount(client, settings, tools);
    tools.notice("info", `there is an account at ${settings.name} now: ${client.getAccountUrl()}`);
  } else if (record.contacts.join() !== contacts.join()) {
    await client.updateAccount({ contact: contacts });
  } else {
    return client;
  }
  const made: AccountRecord = { uri: settings.uri, url: client.getAccountUrl(), keyDigest, contacts };
  keep(tools, RECORD_FILE, `${JSON.stringify(made, undefined, 2)}\n`);
  return client;
}

async function makeAccount(client: Client, settings: IssuerSettings, { directory }: AccountTools): Promise<void> {
  const { name, acceptsTerms, contacts } = settings;
  const terms = await client.getTermsOfServiceUrl();
  // RFC 8555 §7.3.3: the issuer would refuse it, without saying which directive is meant. "" and null: there are none.
  if (terms && !acceptsTerms) {
    throw problem(`${name} has terms of service: read ${terms}, then write accept_terms_of_service in its acme_issuer`);
  }
  try {
    await client.createAccount({
      ...(terms ? { termsOfServiceAgreed: true } : {}), ...(contacts.length > 0 ? { contact: [...contacts] } : {}),
    });
  } catch (thrown) {
    if (!(thrown instanceof AcmeProblem) || thrown.facts.type !== "unauthorized") throw thrown;
    const place = directory?.pathOf(KEY_FILE) ?? "its key";
    throw problem(`${name} refuses the account (${thrown.message}): for a new one, remove ${place}`);
  }
}

async function accountKey({ accountKey: wanted, name }: IssuerSettings, tools: AccountTools): Promise<string> {
  const { directory, notice } = tools;
  if (wanted.kind === "file") {
    const pem = readText(wanted.path, "account_key");
    if (readKey(pem) === undefined) throw problem(`account_key ${wanted.path} is no private key, RSA or ECDSA, in PEM`);
    return pem;
  }
  const kept = directory?.read(KEY_FILE);
  if (directory !== undefined && kept !== undefined) {
    if (kept.ok && kept.value !== undefined && readKey(kept.value) !== undefined) return kept.value;
    if (!kept.ok || kept.value !== undefined) {
      const why = kept.ok ? "it is no private key" : kept.error;
      const aside = directory.setAside(KEY_FILE);
      notice("error", `${directory.pathOf(KEY_FILE)} cannot be used (${why}): it is ${aside} now, and ${name} gets `
        + "another account");
    }
  }
  const made = await makeKey(wanted.type);
  keep(tools, KEY_FILE, made);
  return made;
}

function keep({ directory, notice }: AccountTools, file: string, text: string): void {
  const written = directory?.write(file, text);
  if (directory === undefined || written === undefined || written.ok) return;
  notice("error", `${directory.pathOf(file)} cannot be written (${written.error}): after a restart there will be `
    + "another account; make room, or correct acme_state_path");
}

function readRecord(
  { uri, name }: IssuerSettings, { directory, notice }: AccountTools, keyDigest: string,
): AccountRecord | undefined {
  const text = directory?.read(RECORD_FILE);
  if (directory === undefined || text === undefined || (text.ok && text.value === undefined)) return undefined;
  const fields = text.ok ? parseJson(text.value ?? "") : undefined;
  if (!isRecord(fields) || typeof fields["url"] !== "string") {
    const why = text.ok ? "it is damaged" : text.error;
    const path = directory.pathOf(RECORD_FILE);
    notice("warning", `${path} cannot be read (${why}): ${name} is asked for the account again`);
    return undefined;
  }
  if (fields["uri"] !== uri || fields["keyDigest"] !== keyDigest) return undefined;
  const contacts: readonly unknown[] = Array.isArray(fields["contacts"]) ? fields["contacts"] : [];
  return { uri, keyDigest, url: fields["url"], contacts: contacts.map(String) };
}

/** The library decodes it as it would base64, which reads base64url, too. */
function externalKey(key: NonNullable<IssuerSettings["externalAccount"]>["key"]): string {
  return key.kind === "data" ? key.key : readText(key.path, "external_account_key").trim();
}

function readText(path: string, directive: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (thrown) {
    throw problem(`${directive} ${path} cannot be read: ${systemReason(thrown)}`);
  }
}

function digestOf(key: string): string {
  return createHash("sha256").update(createPublicKey(key).export({ type: "spki", format: "der" })).digest("hex");
}
