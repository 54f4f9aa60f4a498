/**
 * From settings and the texts of their files to what node:tls makes a context of. The same is done when a configuration
 * is checked and when it is used, so that what was accepted works.
 */
import type * as crypto from "node:crypto";
import type * as tls from "node:tls";
import { fromLatin1 } from "../std/bytes.ts";
import { err, ok, type Result } from "../std/result.ts";
import { looksLikeResponse } from "./ocsp/response-shape.ts";
import { type TlsFiles, type TlsSettings, shownName, textOf } from "./settings.ts";

/** Why there can be no context, in the words of nginx and OpenSSL. */
export interface TlsProblem {
  /** Of the settings, what cannot be used; the index of a certificate, or of its key. */
  readonly what:
    | { readonly kind: "certificate" | "key"; readonly index: number }
    | { readonly kind: "client" | "trusted" | "crl" | "dhparam" | "ciphers" | "curves" | "staple" | "settings" };
  readonly nginx: string;
}

/** Without TLS none of these is loaded: together they hold some megabytes in each process. */
export function tlsModule(): typeof tls {
  return process.getBuiltinModule("node:tls");
}

export function cryptoModule(): typeof crypto {
  return process.getBuiltinModule("node:crypto");
}

const CERTIFICATE = /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[^-]+-----END (?:X509 |TRUSTED )?CERTIFICATE-----/g;
const NO_KEY = "error:1E08010C:DECODER routines::unsupported:No supported data to decode. Input type: PEM";
const NO_AUTHORITY = "error:05800088:x509 certificate routines::no certificate or crl found";
const NO_START_LINE = "error:0480006C:PEM routines::no start line";

/** Mozilla's intermediate profile, 5.8: with the group that no quantum computer breaks, where a client has it. */
const CURVES = "X25519MLKEM768:X25519:prime256v1:secp384r1";

interface LoadedPair {
  readonly cert: string;
  readonly key: tls.KeyObject;
}

/** The certificates of a PEM text, in their order. */
export function certificatesIn(text: string): readonly string[] {
  return text.match(CERTIFICATE) ?? [];
}

/** What a context is made of, but for its sessions. */
export function contextOptions(
  settings: TlsSettings, files: TlsFiles,
): Result<tls.SecureContextOptions, TlsProblem> {
  const pairs: LoadedPair[] = [];
  for (const index of settings.certificates.keys()) {
    const pair = loadPair(settings, files, index);
    if (!pair.ok) return pair;
    pairs.push(pair.value);
  }
  const ca: string[] = [];
  for (const kind of ["client", "trusted"] as const) {
    const name = kind === "client" ? settings.clientCertificate : settings.trustedCertificate;
    const trusted = name === undefined ? [] : certificatesIn(textOf(files, name) ?? "");
    if (name !== undefined && trusted.length === 0) {
      return err({ what: { kind }, nginx: `SSL_CTX_load_verify_locations("${name}") failed (SSL: ${NO_AUTHORITY})` });
    }
    ca.push(...trusted);
  }
  const crl = settings.crl === undefined ? undefined : textOf(files, settings.crl);
  const dhparam = settings.dhparam === undefined ? undefined : textOf(files, settings.dhparam);
  if (dhparam !== undefined && !/-----BEGIN (?:X9\.42 )?DH PARAMETERS-----/.test(dhparam)) {
    const expected = `${NO_START_LINE}:Expecting: DH PARAMETERS`;
    const nginx = `PEM_read_bio_DHparams("${settings.dhparam}") failed (SSL: ${expected})`;
    return err({ what: { kind: "dhparam" }, nginx });
  }
  const staple = settings.stapling?.file;
  if (staple !== undefined && !looksLikeResponse(fromLatin1(textOf(files, staple) ?? ""))) {
    const words = "error:0680008E:asn1 encoding routines::not enough data";
    return err({ what: { kind: "staple" }, nginx: `d2i_OCSP_RESPONSE_bio("${staple}") failed (SSL: ${words})` });
  }
  const { protocols, ciphers, cipherSuites, curves, signatureAlgorithms, preferServerCiphers } = settings;
  const [first = "TLSv1.2"] = protocols;
  return ok({
    cert: pairs.map(({ cert }) => cert),
    key: pairs.map(({ key }) => key),
    // Always said, if nobody: without it node takes the authorities of the public web for those of clients.
    ca,
    ...(crl === undefined ? {} : { crl }),
    ...(dhparam === undefined ? {} : { dhparam }),
    minVersion: first, maxVersion: protocols.at(-1) ?? first,
    ciphers: `${cipherSuites}:${ciphers}`, ecdhCurve: curves === "auto" ? CURVES : curves,
    honorCipherOrder: preferServerCiphers,
    ...(signatureAlgorithms === undefined ? {} : { sigalgs: signatureAlgorithms }),
  });
}

function loadPair(settings: TlsSettings, files: TlsFiles, index: number): Result<LoadedPair, TlsProblem> {
  const { certificate, key } = settings.certificates[index] ?? { certificate: "", key: "" };
  const shownKey = shownName(key);
  const refuse = (kind: "certificate" | "key", nginx: string): Result<LoadedPair, TlsProblem> =>
    err({ what: { kind, index }, nginx });
  const text = textOf(files, certificate) ?? "";
  const chain = certificatesIn(text);
  const [leaf] = chain;
  const load = `cannot load certificate "${shownName(certificate)}": `;
  if (leaf === undefined) {
    return refuse("certificate",
      `${load}PEM_read_bio_X509_AUX() failed (SSL: ${NO_START_LINE}:Expecting: TRUSTED CERTIFICATE)`);
  }
  const { X509Certificate } = cryptoModule();
  let parsed: crypto.X509Certificate;
  try {
    parsed = new X509Certificate(leaf);
    for (const other of chain.slice(1)) new X509Certificate(other);
  } catch (problem) {
    return refuse("certificate", `${load}PEM_read_bio_X509() failed (SSL: ${messageOf(problem)})`);
  }
  const keyText = textOf(files, key) ?? "";
  const opened = openKey(keyText, passphrases(settings, files));
  if (!opened.ok) {
    const nginx = `cannot load certificate key "${shownKey}": PEM_read_bio_PrivateKey() failed (SSL: ${opened.error})`;
    return refuse("key", nginx);
  }
  if (!parsed.checkPrivateKey(opened.value.key)) {
    const words = "error:05800074:x509 certificate routines::key values mismatch";
    return refuse("key", `SSL_CTX_use_PrivateKey("${shownKey}") failed (SSL: ${words})`);
  }
  return ok({ cert: chain.join("\n"), key: opened.value.option });
}

function passphrases({ passwordFile }: TlsSettings, files: TlsFiles): readonly string[] {
  return (passwordFile === undefined ? undefined : textOf(files, passwordFile))?.split("\n") ?? [];
}

interface OpenedKey {
  readonly key: crypto.KeyObject;
  readonly option: tls.KeyObject;
}

function openKey(pem: string, words: readonly string[]): Result<OpenedKey, string> {
  const { createPrivateKey } = cryptoModule();
  const found = /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----[^]+?-----END (?:[A-Z]+ )*PRIVATE KEY-----/.exec(pem)?.[0];
  if (found === undefined) return err(NO_KEY);
  const isLocked = /BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED/.test(found);
  const tried = isLocked ? words : [undefined];
  let reason = "error:07880109:common libcrypto routines::interrupted or cancelled";
  for (const passphrase of tried) {
    const locked = passphrase === undefined ? {} : { passphrase };
    try {
      const key = createPrivateKey({ key: found, format: "pem", ...locked });
      return ok({ key, option: { pem: found, ...locked } });
    } catch (problem) {
      // The next passphrase may fit.
      reason = messageOf(problem);
    }
  }
  return err(reason);
}

/** What OpenSSL says: "error:0A0000B9:SSL routines::no cipher match". */
export function messageOf(problem: unknown): string {
  return problem instanceof Error ? problem.message : String(problem);
}

/** Makes a context, or says why not. @param more sessions, options */
export function makeContext(
  settings: TlsSettings, options: tls.SecureContextOptions, more: tls.SecureContextOptions = {},
): Result<tls.SecureContext, TlsProblem> {
  try {
    return ok(tlsModule().createSecureContext({ ...options, ...more }));
  } catch (problem) {
    return err(blame(settings, messageOf(problem)));
  }
}

/** Which of the settings does OpenSSL mean? */
function blame({ ciphers, curves, clientCertificate, crl, dhparam }: TlsSettings, message: string): TlsProblem {
  if (message.includes("cipher")) {
    return { what: { kind: "ciphers" }, nginx: `SSL_CTX_set_cipher_list("${ciphers}") failed (SSL: ${message})` };
  }
  if (message.includes("ECDH curve")) {
    return { what: { kind: "curves" }, nginx: `SSL_CTX_set1_curves_list("${curves}") failed (SSL: ${message})` };
  }
  if (message.includes("CRL")) {
    return { what: { kind: "crl" }, nginx: `X509_LOOKUP_load_file("${crl}") failed (SSL: ${message})` };
  }
  if (dhparam !== undefined && /DH|dh key/.test(message)) {
    return { what: { kind: "dhparam" }, nginx: `PEM_read_bio_DHparams("${dhparam}") failed (SSL: ${message})` };
  }
  if (clientCertificate !== undefined && message.includes("PEM")) {
    const nginx = `SSL_CTX_load_verify_locations("${clientCertificate}") failed (SSL: ${message})`;
    return { what: { kind: "client" }, nginx };
  }
  return { what: { kind: "settings" }, nginx: `SSL_CTX_new() failed (SSL: ${message})` };
}
