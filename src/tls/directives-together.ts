/** What is wrong with certificates and the other files of TLS: nginx's checks when it loads them, and some of ours. */
import type { Block, CheckedDirective } from "../config/nginx/block.ts";
import type { DirectiveRow } from "../config/nginx/directive-row.ts";
import type { PlacedMistake } from "../config/nginx/mistakes.ts";
import {
  certificateKeyRow, certificateRow, ciphersRow, clientCertificateRow, crlRow, curveRow, dhparamRow,
  passwordFileRow, sessionTicketKeyRow, staplingFileRow, trustedCertificateRow, verifyClientRow,
} from "./directives-rows.ts";
import { errnoOf, whyUnread } from "./files.ts";
import { findInquiry, readChain } from "./ocsp/index.ts";
import { type TlsProblem, certificatesIn, contextOptions, cryptoModule, makeContext } from "./pem.ts";
import { type TlsFiles, type TlsSettings, filesOf, shownName, textOf } from "./settings.ts";
import { stapledCertificates } from "./stapled.ts";
import { ticketKeyOf } from "./ticket-keys.ts";

/** A server, and what it says of TLS. */
export interface TlsPlace {
  readonly block: Block;
  readonly settings: TlsSettings;
  /** Where the server begins. */
  readonly line: number;
  /** Its listen that wants a certificate, where there is none. */
  readonly listen: CheckedDirective | undefined;
}

/**
 * What is wrong with the servers of all sockets for TLS; each mistake once.
 * @param readFiles contents by path; undefined where they are not looked at
 */
export function tlsMistakes(
  places: readonly TlsPlace[], readFiles: ((paths: Iterable<string>) => TlsFiles) | undefined,
): readonly PlacedMistake[] {
  const mistakes: PlacedMistake[] = [];
  const files = readFiles?.(new Set(places.flatMap(({ settings }) => filesOf(settings))));
  const checked = new Set<TlsSettings>();
  for (const place of places) {
    mistakes.push(...missingCertificate(place));
    const isUnused = place.settings.certificates.length === 0;
    if (files === undefined || isUnused || checked.has(place.settings)) continue;
    checked.add(place.settings);
    mistakes.push(...new Checker(place, files).check());
  }
  return mistakes;
}

function missingCertificate({ block, listen, line }: TlsPlace): readonly PlacedMistake[] {
  const certificates = inForce(block, certificateRow), keys = inForce(block, certificateKeyRow);
  const unkeyed = certificates[keys.length];
  if (unkeyed !== undefined) {
    const name = unkeyed.directive.args[0];
    const nginx = `no "ssl_certificate_key" is defined for certificate "${shownName(name?.value ?? "")}"`;
    const place = name ?? unkeyed.directive.name;
    return [{ place, nginx, nginxLine: 0, hint: "the key may stand in the same file" }];
  }
  return listen !== undefined && certificates.length === 0 && !rejects(block)
    ? [{
      place: listen.directive.args[0] ?? listen.directive.name,
      nginx: 'no "ssl_certificate" is defined for the "listen ... ssl" directive',
      nginxLine: line,
      hint: "add ssl_certificate and ssl_certificate_key",
    }]
    : [];
}

function rejects(block: Block): boolean {
  for (let at: Block | undefined = block; at !== undefined; at = at.parent) {
    const [own] = at.directives.filter(({ directive }) => directive.name.value === "ssl_reject_handshake");
    if (own !== undefined) return own.directive.args[0]?.value.toLowerCase() === "on";
  }
  return false;
}

/** The directives of a row that count in a block. */
function inForce(block: Block, row: DirectiveRow<unknown>): readonly CheckedDirective[] {
  for (let at: Block | undefined = block; at !== undefined; at = at.parent) {
    const own = at.own(row);
    if (own.length > 0) return own;
  }
  return [];
}

class Checker {
  readonly #place: TlsPlace;
  readonly #files: TlsFiles;
  readonly #mistakes: PlacedMistake[] = [];

  constructor(place: TlsPlace, files: TlsFiles) {
    this.#place = place;
    this.#files = files;
  }

  check(): readonly PlacedMistake[] {
    this.#checkFiles();
    this.#checkTicketKeys();
    this.#checkClients();
    if (this.#mistakes.length > 0) return this.#mistakes;
    const { settings } = this.#place;
    const options = contextOptions(settings, this.#files);
    const made = options.ok ? makeContext(settings, options.value) : options;
    if (made.ok) {
      this.#checkDates();
      this.#checkStapling();
    } else this.#refuse(this.#at(made.error.what), made.error.nginx);
    return this.#mistakes;
  }

  /** Can all of them be read? */
  #checkFiles(): void {
    const { settings } = this.#place;
    const missing = (name: string | undefined): name is string =>
      name !== undefined && textOf(this.#files, name) === undefined;
    for (const [index, { certificate, key }] of settings.certificates.entries()) {
      if (missing(certificate)) {
        const nginx = `cannot load certificate "${certificate}": ${open(certificate)}`;
        this.#refuse(this.#nth(certificateRow, index), nginx);
      }
      if (missing(key)) {
        this.#refuse(this.#nth(certificateKeyRow, index), `cannot load certificate key "${key}": ${open(key)}`);
      }
    }
    const { clientCertificate, trustedCertificate, crl, dhparam, passwordFile, stapling } = settings;
    const others = [
      [clientCertificateRow, clientCertificate, "SSL_CTX_load_verify_locations"],
      [trustedCertificateRow, trustedCertificate, "SSL_CTX_load_verify_locations"],
      [crlRow, crl, "X509_LOOKUP_load_file"], [dhparamRow, dhparam, "BIO_new_file"],
      [staplingFileRow, stapling?.file, "BIO_new_file"],
    ] as const;
    for (const [row, name, call] of others) {
      const more = call === "BIO_new_file" ? "" : " error:05880002:x509 certificate routines::system lib";
      if (missing(name)) this.#refuse(this.#nth(row, 0), `${call}("${name}") failed (SSL: ${whyUnread(name)}${more})`);
    }
    if (missing(passwordFile)) {
      const at = this.#nth(passwordFileRow, 0)?.directive;
      const nginx = `open() "${passwordFile}" failed (${errnoOf(passwordFile)})`;
      const hint = "a pipe cannot be read twice: write the passphrases into a file";
      if (at !== undefined) this.#mistakes.push({ place: at.args[0] ?? at.name, nginx, hint });
    }
  }

  #checkTicketKeys(): void {
    for (const [index, name] of this.#place.settings.ticketKeyFiles.entries()) {
      const text = textOf(this.#files, name);
      if (text !== undefined && ticketKeyOf(text) !== undefined) continue;
      const nginx = text === undefined
        ? `open() "${name}" failed (${errnoOf(name)})`
        : `"${name}" must be 48 or 80 bytes`;
      this.#refuse(this.#nth(sessionTicketKeyRow, index), nginx);
    }
  }

  #checkClients(): void {
    const { verifyClient, clientCertificate, trustedCertificate } = this.#place.settings;
    if (verifyClient === "off" || verifyClient === "optional_no_ca") return;
    if (clientCertificate !== undefined || trustedCertificate !== undefined) return;
    const nginx = "no ssl_client_certificate for ssl_verify_client";
    this.#refuse(this.#nth(verifyClientRow, 0), nginx, "say whose certificates clients may show");
  }

  /** Nobody is served by a certificate that is over; nginx says nothing. */
  #checkDates(): void {
    const { X509Certificate } = cryptoModule();
    for (const [index, { certificate }] of this.#place.settings.certificates.entries()) {
      const [leaf] = certificatesIn(textOf(this.#files, certificate) ?? "");
      const at = this.#nth(certificateRow, index);
      if (leaf === undefined || at === undefined) continue;
      const { validFrom, validFromDate, validTo, validToDate } = new X509Certificate(leaf);
      const now = Date.now();
      const which = `certificate "${shownName(certificate)}"`;
      const nginx = validToDate.getTime() < now
        ? `${which} has expired: ${validTo}`
        : validFromDate.getTime() > now ? `${which} is not valid before ${validFrom}` : undefined;
      if (nginx === undefined) continue;
      this.#mistakes.push({ severity: "warning", place: at.directive.args[0] ?? at.directive.name, nginx });
    }
  }

  /** Is there anybody to ask? What is in a file of ours is looked at when it is used. */
  #checkStapling(): void {
    for (const [index, certificate] of stapledCertificates(this.#place.settings, this.#files).entries()) {
      const at = this.#nth(certificateRow, index);
      const read = certificate.file === undefined ? readChain(certificate) : undefined;
      const found = read === undefined ? undefined : findInquiry(read, certificate);
      if (found?.ok !== false || at === undefined) continue;
      const nginx = `"ssl_stapling" ignored, ${found.error.nginx}`;
      const place = at.directive.args[0] ?? at.directive.name;
      this.#mistakes.push({ severity: "warning", place, nginx, hint: found.error.hint, nginxLine: 0 });
    }
  }

  #at(what: TlsProblem["what"]): CheckedDirective | undefined {
    switch (what.kind) {
      case "certificate": return this.#nth(certificateRow, what.index);
      case "key": return this.#nth(certificateKeyRow, what.index);
      case "client": return this.#nth(clientCertificateRow, 0);
      case "trusted": return this.#nth(trustedCertificateRow, 0);
      case "crl": return this.#nth(crlRow, 0);
      case "dhparam": return this.#nth(dhparamRow, 0);
      case "ciphers": return this.#nth(ciphersRow, 0);
      case "curves": return this.#nth(curveRow, 0);
      case "staple": return this.#nth(staplingFileRow, 0);
      case "settings": return this.#nth(certificateRow, 0);
    }
  }

  #nth(row: DirectiveRow<unknown>, index: number): CheckedDirective | undefined {
    return inForce(this.#place.block, row)[index];
  }

  #refuse(at: CheckedDirective | undefined, nginx: string, hint?: string): void {
    // nginx names no line for what is in files.
    const { listen, block } = this.#place;
    const where = at ?? listen ?? inForce(block, certificateRow)[0];
    if (where === undefined) return;
    const place = where.directive.args[0] ?? where.directive.name;
    this.#mistakes.push(hint === undefined ? { place, nginx, nginxLine: 0 } : { place, nginx, hint, nginxLine: 0 });
  }
}

function open(name: string): string {
  return `BIO_new_file() failed (SSL: ${whyUnread(name)})`;
}
