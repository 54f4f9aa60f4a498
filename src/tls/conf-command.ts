/**
 * `ssl_conf_command`: what of OpenSSL's configuration commands (SSL_CONF_cmd) can be said to node:tls. They come after
 * nginx's own directives, and win.
 */
import type { ArgumentRefusal } from "../config/nginx/directive-row.ts";
import { err, ok, type Result } from "../std/result.ts";
import type { TlsSettings, TlsVersion } from "./settings.ts";

type Changed = "protocols" | "ciphers" | "cipherSuites" | "curves" | "signatureAlgorithms" | "optionBits"
  | "preferServerCiphers" | "sessionTickets";

/** Changes settings as the command says. */
export type ConfCommand = (settings: TlsSettings) => Pick<TlsSettings, Changed>;

const VERSIONS: readonly TlsVersion[] = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];

/** SSL_OP_NO_RENEGOTIATION, as openssl/ssl.h numbers it: node:crypto has the same, but the master need not load it. */
export const NO_RENEGOTIATION: number = 1 << 30;

/** Options of OpenSSL by their names, in lower case, as bits that are set when they are on. */
const OPTIONS: ReadonlyMap<string, number> = new Map([
  ["prioritizechacha", 1 << 21],
  ["norenegotiation", NO_RENEGOTIATION],
  ["noresumptiononrenegotiation", 1 << 16],
  ["allownodhekex", 1 << 10],
]);

/** Names of commands in lower case, as nginx takes them in any case. */
const COMMANDS: Readonly<Record<string, (value: string) => Result<ConfCommand, string>>> = {
  protocol: parseProtocol,
  minprotocol: (value) => between(value, (version, at) => VERSIONS.indexOf(version) >= at),
  maxprotocol: (value) => between(value, (version, at) => VERSIONS.indexOf(version) <= at),
  cipherstring: (value) => ok((settings) => ({ ...settings, ciphers: value })),
  ciphersuites: (value) => ok((settings) => ({ ...settings, cipherSuites: value })),
  groups: (value) => ok((settings) => ({ ...settings, curves: value })),
  curves: (value) => ok((settings) => ({ ...settings, curves: value })),
  signaturealgorithms: (value) => ok((settings) => ({ ...settings, signatureAlgorithms: value })),
  options: parseOptions,
};

export function parseConfCommand([name = "", value = ""]: readonly string[]): Result<ConfCommand, ArgumentRefusal> {
  const command = COMMANDS[name.toLowerCase()];
  if (command === undefined) {
    const expected = `one of ${"Protocol, MinProtocol, MaxProtocol, CipherString, Ciphersuites, Groups, "
      + "SignatureAlgorithms, Options"}: no other can be said to the TLS of Node`;
    return err({ nginx: `SSL_CONF_cmd("${name}", "${value}") failed`, expected, index: 0 });
  }
  const parsed = command(value);
  if (parsed.ok) return parsed;
  return err({ nginx: `SSL_CONF_cmd("${name}", "${value}") failed`, expected: parsed.error, index: 1 });
}

function versionOf(word: string): TlsVersion | undefined {
  return VERSIONS.find((version) => version.toLowerCase() === word.toLowerCase());
}

function between(word: string, keep: (version: TlsVersion, at: number) => boolean): Result<ConfCommand, string> {
  const bound = versionOf(word);
  if (bound === undefined) return err("TLSv1, TLSv1.1, TLSv1.2 or TLSv1.3");
  const at = VERSIONS.indexOf(bound);
  return ok((settings) => {
    const kept = settings.protocols.filter((version) => keep(version, at));
    return { ...settings, protocols: kept.length > 0 ? kept : [bound] };
  });
}

/** "-ALL,TLSv1.2", "TLSv1.3", "ALL,-TLSv1". */
function parseProtocol(value: string): Result<ConfCommand, string> {
  let wanted: readonly TlsVersion[] = [];
  for (const word of value.split(",")) {
    const name = word.replace(/^[+-]/, "");
    const version = versionOf(name);
    const named = name.toLowerCase() === "all" ? VERSIONS : version === undefined ? undefined : [version];
    if (named === undefined) return err("versions such as -ALL,TLSv1.3");
    const others = wanted.filter((one) => !named.includes(one));
    wanted = word.startsWith("-") ? others : [...others, ...named];
  }
  if (wanted.length === 0) return err("at least one version");
  return ok((settings) => ({ ...settings, protocols: VERSIONS.filter((version) => wanted.includes(version)) }));
}

/** "PrioritizeChaCha,-SessionTicket,ServerPreference" */
function parseOptions(value: string): Result<ConfCommand, string> {
  const changes: ConfCommand[] = [];
  for (const word of value.split(",")) {
    const isOn = !word.startsWith("-");
    const name = word.replace(/^[+-]/, "").toLowerCase();
    const bit = OPTIONS.get(name);
    if (name === "serverpreference") changes.push((settings) => ({ ...settings, preferServerCiphers: isOn }));
    else if (name === "sessionticket") changes.push((settings) => ({ ...settings, sessionTickets: isOn }));
    else if (bit !== undefined) {
      const change = (bits: number): number => (isOn ? bits | bit : bits & ~bit);
      changes.push((settings) => ({ ...settings, optionBits: change(settings.optionBits) }));
    } else {
      return err("options of these: ServerPreference, SessionTicket, PrioritizeChaCha, NoRenegotiation, "
        + "NoResumptionOnRenegotiation, AllowNoDHEKEX");
    }
  }
  return ok((settings) => changes.reduce<TlsSettings>((made, change) => ({ ...made, ...change(made) }), settings));
}
