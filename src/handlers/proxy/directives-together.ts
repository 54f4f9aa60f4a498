/** What is wrong with directives of proxying that one of them alone does not show: nginx's checks of whole blocks. */
import { getBuiltinModule } from "node:process";
import { parseReachedAddress } from "../../config/nginx/address.ts";
import { type Block, type CheckedDirective, read } from "../../config/nginx/block.ts";
import { type ComplexValue, constantOf } from "../../config/nginx/complex-value.ts";
import type { Token } from "../../config/nginx/lexer.ts";
import type { PlacedMistake } from "../../config/nginx/mistakes.ts";
import type { Pattern } from "../../route/index.ts";
import type { FamilyRows } from "./directives-common.ts";
import { fastcgiPassRow, fastcgiTogether, splitPathInfoRow } from "./directives-of-fastcgi.ts";
import { grpcPassRow, grpcTogether } from "./directives-of-grpc.ts";
import { mirrorRow } from "./directives-of-mirror.ts";
import {
  type PassPlaces, cookieFlagsRow, proxyPassRow, proxyTogether, redirectRow, replacementRows,
} from "./directives-of-proxy.ts";
import { uwsgiPassRow, uwsgiTogether } from "./directives-of-uwsgi.ts";
import { absoluteName } from "./directives-values.ts";
import type { UpstreamTlsSettings } from "./settings.ts";
import { parseProxyTarget } from "./target.ts";

export interface PassFacts extends PassPlaces {
  /** In lower case. */
  readonly upstreams: ReadonlySet<string>;
  /** Is it a location for a path, so that a URI can take the path's place? */
  readonly isPath: (directive: CheckedDirective) => boolean;
  readonly kindOf: (path: string) => "file" | "directory" | "other" | undefined;
}

const families: readonly FamilyRows[] = [proxyTogether, grpcTogether, uwsgiTogether, fastcgiTogether];
const listRows = [...replacementRows, cookieFlagsRow, mirrorRow];

const URI_REFUSED = '"proxy_pass" cannot have URI part in location given by regular expression, or inside named '
  + 'location, or inside "if" statement, or inside "limit_except" block';

/** In the http block, and in all that are in it. */
export function passMistakes(http: Block, facts: PassFacts): readonly PlacedMistake[] {
  const checker = new PassChecker(facts);
  checker.check(http, false);
  return checker.mistakes;
}

/** The expressions in a directive's words, if it is one of these. */
export function passPatterns({ row, directive }: CheckedDirective): readonly Pattern[] {
  if (row === splitPathInfoRow) return [read(splitPathInfoRow, directive)];
  if (row === cookieFlagsRow) {
    const flags = read(cookieFlagsRow, directive);
    return flags !== "off" && flags.cookie.kind === "regex" ? [flags.cookie.pattern] : [];
  }
  const found = replacementRows.find((candidate) => candidate === row);
  const replacement = found === undefined ? "off" : read(found, directive);
  return typeof replacement !== "string" && replacement.searched.kind === "regex"
    ? [replacement.searched.pattern] : [];
}

class PassChecker {
  readonly mistakes: PlacedMistake[] = [];
  readonly #facts: PassFacts;
  readonly #knownCiphers = new Map<string, boolean>();

  constructor(facts: PassFacts) {
    this.#facts = facts;
  }

  /** @param isPath is it the block of a location for a path? */
  check(block: Block, isPath: boolean): void {
    for (const at of block.directives) {
      const { row, directive, block: inner } = at;
      if (row === proxyPassRow) this.#checkProxyPass(at, block, isPath);
      else if (row === grpcPassRow) this.#checkGrpcPass(at, block);
      else if (row === uwsgiPassRow) {
        const { address, isTls } = read(uwsgiPassRow, directive);
        this.#checkAddress(at, constantOf(address));
        if (isTls) this.#checkTls(at, block, uwsgiTogether);
      } else if (row === fastcgiPassRow) this.#checkAddress(at, constantOf(read(fastcgiPassRow, directive).address));
      if (inner === undefined) continue;
      this.check(inner, this.#facts.isPath(at));
    }
    for (const row of listRows) this.#checkList(block.own(row));
    this.#checkRedirects(block);
    for (const family of families) this.#checkFamily(block, family);
  }

  #checkFamily(block: Block, { bind, sets, tls }: FamilyRows): void {
    for (const { directive } of block.own(bind)) {
      if (!read(bind, directive).transparent) continue;
      this.#warn(directive.args[1] ?? directive.name,
        "transparent proxying is not supported on this platform, ignored");
    }
    for (const row of sets) {
      const seen = new Set<string>();
      for (const word of block.own(row).flatMap(({ directive }) => directive.args)) {
        if (seen.has(word.value.toLowerCase())) this.#warn(word, `duplicate value "${word.value}"`);
        seen.add(word.value.toLowerCase());
      }
    }
    for (const at of tls === undefined ? [] : block.own(tls.passwordFile)) {
      const path = absoluteName(at.directive.args[0]?.value ?? "", this.#facts.directory);
      if (this.#isMissing(path)) this.#refuse(at, `open() "${path}" failed (2: No such file or directory)`);
    }
  }

  #warn(place: Token, nginx: string): void {
    this.mistakes.push({ severity: "warning", place, nginx });
  }

  #refuse({ directive }: CheckedDirective, nginx: string, hint?: string): void {
    const place: Token = directive.args[0] ?? directive.name;
    this.mistakes.push(hint === undefined ? { place, nginx } : { place, nginx, hint });
  }

  #checkProxyPass(at: CheckedDirective, block: Block, isPath: boolean): void {
    const url = constantOf(read(proxyPassRow, at.directive));
    const target = url === undefined ? undefined : parseProxyTarget(url);
    if (target === undefined || target.isTls) this.#checkTls(at, block, proxyTogether);
    if (target === undefined) return;
    if (target.uri !== undefined && !isPath) {
      this.#refuse(at, URI_REFUSED, "leave out what follows the host, or rewrite the path before it");
    }
    if (target.place.kind === "unix") return;
    const { host, port } = target.place;
    if (port !== undefined && this.#facts.upstreams.has(host.toLowerCase())) this.#refusePort(at, host, port);
  }

  #checkGrpcPass(at: CheckedDirective, block: Block): void {
    const url = constantOf(read(grpcPassRow, at.directive));
    if (url === undefined || /^grpcs:/i.test(url)) this.#checkTls(at, block, grpcTogether);
    this.#checkAddress(at, url?.replace(/^grpcs?:\/\//i, ""));
  }

  /** gRPC, uwsgi and FastCGI have no port of their own. */
  #checkAddress(at: CheckedDirective, text: string | undefined): void {
    if (text === undefined || this.#facts.upstreams.has(text.toLowerCase())) return;
    const address = parseReachedAddress(text);
    const place = address.ok && address.value.kind === "tcp" ? address.value : undefined;
    // Digits alone are a host for nginx, and here.
    if (/^\d+$/.test(text) || (place !== undefined && place.port === undefined)) {
      this.#refuse(at, `no port in upstream "${text}"`, "write host:port, or the name of an upstream");
    } else if (place?.port !== undefined && this.#facts.upstreams.has(place.host.toLowerCase())) {
      this.#refusePort(at, place.host, place.port);
    }
  }

  #refusePort(at: CheckedDirective, host: string, port: number): void {
    this.#refuse(at, `upstream "${host}" may not have port ${port}`, `its servers have ports: leave :${port} out`);
  }

  /** One that says off is alone. */
  #checkList(written: readonly CheckedDirective[]): void {
    const isOff = ({ directive: { args } }: CheckedDirective): boolean => args.length === 1 && args[0]?.value === "off";
    for (const [index, at] of written.entries()) {
      const [first] = written;
      if (first === undefined || index === 0 || (!isOff(at) && !isOff(first))) continue;
      const { name } = at.directive;
      const hint = `it stands in line ${first.directive.name.line} already: off stands alone`;
      this.mistakes.push({ place: name, nginx: `"${name.value}" directive is duplicate`, hint });
      return;
    }
  }

  #checkRedirects(block: Block): void {
    const [pass] = block.own(proxyPassRow);
    for (const at of block.own(redirectRow)) {
      if (read(redirectRow, at.directive) !== "default") continue;
      const where = block.directives.indexOf(at);
      if (pass === undefined || block.directives.indexOf(pass) > where) {
        this.#refuse(at, '"proxy_redirect default" should be placed after the "proxy_pass" directive',
          "write it below proxy_pass, or leave it out: it is the default");
      } else if (constantOf(read(proxyPassRow, pass.directive)) === undefined) {
        this.#refuse(at, '"proxy_redirect default" cannot be used with "proxy_pass" directive with variables',
          "write what is to be replaced, and by what");
      }
    }
  }

  /** nginx reads these files when a location passes requests on over TLS, or may. */
  #checkTls(at: CheckedDirective, block: Block, { prefix, tls }: FamilyRows): void {
    if (tls === undefined) return;
    const settings = tls.settings(block, this.#facts.directory);
    const nginx = this.#certificateMistake(settings, prefix) ?? this.#trustMistake(settings, prefix)
      ?? this.#cipherMistake(settings);
    if (nginx !== undefined) this.#refuse(at, nginx);
  }

  #certificateMistake({ certificate, certificateKey }: UpstreamTlsSettings, prefix: string): string | undefined {
    if (certificate === undefined) return undefined;
    const path = constantOf(certificate);
    if (certificateKey === undefined) {
      return `no "${prefix}_ssl_certificate_key" is defined for certificate "${textOf(certificate)}"`;
    }
    const key = constantOf(certificateKey);
    if (path !== undefined && this.#isMissing(path)) return cannotLoad("certificate", path);
    return key !== undefined && this.#isMissing(key) ? cannotLoad("certificate key", key) : undefined;
  }

  #trustMistake({ verify, trustedCertificate, crl }: UpstreamTlsSettings, prefix: string): string | undefined {
    if (!verify) return undefined;
    if (trustedCertificate === undefined) return `no ${prefix}_ssl_trusted_certificate for ${prefix}_ssl_verify`;
    if (this.#isMissing(trustedCertificate)) {
      return `SSL_CTX_load_verify_locations("${trustedCertificate}") failed (${NO_FILE})`;
    }
    if (crl === undefined || !this.#isMissing(crl)) return undefined;
    return `X509_LOOKUP_load_file("${crl}") failed (${NO_FILE})`;
  }

  /** OpenSSL knows its names; it is asked only where some are written, and once for the same. */
  #cipherMistake({ ciphers }: UpstreamTlsSettings): string | undefined {
    if (ciphers === "DEFAULT") return undefined;
    const isKnown = this.#knownCiphers.get(ciphers) ?? areCiphers(ciphers);
    this.#knownCiphers.set(ciphers, isKnown);
    if (isKnown) return undefined;
    return `SSL_CTX_set_cipher_list("${ciphers}") failed (SSL: error:0A0000B9:SSL routines::no cipher match)`;
  }

  #isMissing(path: string): boolean {
    return this.#facts.kindOf(path) === undefined;
  }
}

/** As it was written, but for brackets. */
function textOf(value: ComplexValue): string {
  return value.map((part) =>
    part.kind === "literal" ? part.text : `$${part.kind === "variable" ? part.name : part.index}`).join("");
}

const NO_FILE = "SSL: error:80000002:system library::No such file or directory";

function cannotLoad(what: string, path: string): string {
  return `cannot load ${what} "${path}": BIO_new_file() failed (${NO_FILE}:calling fopen(${path}, r)`
    + " error:10000080:BIO routines::no such file)";
}

function areCiphers(ciphers: string): boolean {
  try {
    // Without authorities: reading node's own takes far longer than reading the names.
    getBuiltinModule("node:tls").createSecureContext({ ciphers, ca: [] });
    return true;
  } catch {
    return false;
  }
}
