/** What variables say of a client's certificate, as nginx writes it (ngx_http_ssl_module, "Embedded Variables"). */
import type { X509Certificate } from "node:crypto";
import { fromUtf8 } from "../std/bytes.ts";

const DAY_MS = 86_400_000;
/** RFC 3986 §2.3: what needs no escape. */
const UNESCAPED = /[^A-Za-z0-9._~-]/g;

/** @returns undefined when the name is none of them */
export function certificateVariable(
  name: string, certificate: X509Certificate, nowMs: number,
): string | undefined {
  switch (name) {
    case "ssl_client_s_dn": return distinguishedName(certificate.subject);
    case "ssl_client_i_dn": return distinguishedName(certificate.issuer);
    case "ssl_client_s_dn_legacy": return legacyName(certificate.subject);
    case "ssl_client_i_dn_legacy": return legacyName(certificate.issuer);
    case "ssl_client_serial": return certificate.serialNumber;
    case "ssl_client_fingerprint": return certificate.fingerprint.replaceAll(":", "").toLowerCase();
    case "ssl_client_v_start": return certificate.validFrom;
    case "ssl_client_v_end": return certificate.validTo;
    case "ssl_client_v_remain": {
      // As nginx counts: by whole seconds.
      const leftMs = certificate.validToDate.getTime() - Math.floor(nowMs / 1000) * 1000;
      return String(Math.max(0, Math.floor(leftMs / DAY_MS)));
    }
    case "ssl_client_raw_cert": return certificate.toString();
    // Deviates: nginx folds it for fields, which RFC 9112 §5.2 forbids; whoever unfolds it has it like this.
    case "ssl_client_cert": return certificate.toString().trimEnd().replaceAll("\n", " ");
    case "ssl_client_escaped_cert":
      return certificate.toString().replace(UNESCAPED, (character) => percent(character.charCodeAt(0)));
    default: return undefined;
  }
}

/** RFC 2253: the last component first. @param lines as node has them: one component each, its escapes made */
export function distinguishedName(lines: string | undefined): string {
  const parts = (lines ?? "").split("\n").filter((line) => line !== "");
  const text = parts.reverse().map((part) => part.replaceAll(" + ", "+")).join(",");
  return withoutOthers(text, "\\");
}

/** "/C=XX/CN=name", as OpenSSL has always written it: without the escapes of RFC 2253. */
function legacyName(lines: string | undefined): string {
  const parts = (lines ?? "").split("\n").filter((line) => line !== "");
  const plain = parts.map((part) => part.replace(/\\([0-9A-F]{2}|.)/gs, (_all, escaped: string) =>
    escaped.length === 2 ? String.fromCharCode(Number.parseInt(escaped, 16)) : escaped));
  return withoutOthers(plain.map((part) => `/${part}`).join(""), "\\x");
}

/** Characters beyond ASCII as their bytes of UTF-8. @param mark what stands before two digits */
function withoutOthers(text: string, mark: string): string {
  return text.replace(/[^ -~]/gu, (character) =>
    [...fromUtf8(character)].map((byte) => mark + hex(byte)).join(""));
}

function percent(byte: number): string {
  return `%${hex(byte)}`;
}

function hex(byte: number): string {
  return byte.toString(16).toUpperCase().padStart(2, "0");
}
