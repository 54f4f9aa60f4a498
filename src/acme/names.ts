/**
 * Names for which no issuer can sign, found before one is asked: a refused order costs a place in its rate limits.
 */
import { isIP } from "node:net";
import { domainToASCII } from "node:url";
import { type Result, err, ok } from "../std/result.ts";

/** RFC 1035 §2.3.4, without the root's dot. */
const NAME_SIZE_MAX = 253;
const LABEL_SIZE_MAX = 63;
const LABEL = /^(?!-)[a-z0-9-]+(?<!-)$/;

/** RFC 6761, 6762, 7686, 8375, 9476 and ICANN's .internal: nobody else can look these up. */
const privateDomains: readonly string[] = [
  "localhost", "local", "internal", "home.arpa", "test", "example", "invalid", "onion", "alt", "localdomain", "lan",
];

/**
 * Checks one name.
 * @param name as written
 * @param isPublic of an issuer that signs for everybody: names of private networks are refused
 * @returns it in lower case, punycode for others than ASCII, or why not and what to do, as the end of a sentence
 */
export function checkName(name: string, isPublic: boolean): Result<string, string> {
  if (isIP(name.replace(/^\[(.*)\]$/, "$1")) !== 0) {
    return err("is an address: certificates are for names; write the name that people type, as server_name");
  }
  if (name.includes("*") || name.startsWith(".")) {
    return err("is a wildcard, which takes a change in the DNS that is not made here: write each name as server_name, "
      + "or turn acme_on_demand on");
  }
  // It reads a URL's host: whatever would end one must not get there.
  const ascii = /^[\w.\u0080-\u{10ffff}-]*$/u.test(name) ? domainToASCII(name.replace(/\.$/, "")).toLowerCase() : "";
  const labels = ascii.split(".");
  const isName = ascii.length <= NAME_SIZE_MAX
    && labels.every((label) => label.length <= LABEL_SIZE_MAX && LABEL.test(label));
  if (ascii === "" || !isName) {
    return err("is no name of the DNS: letters, digits and hyphens between dots, 63 a label, 253 in all");
  }
  if (!isPublic) return ok(ascii);
  const domain = privateDomains.find((known) => ascii === known || ascii.endsWith(`.${known}`));
  if (domain !== undefined) {
    return err(`is a name of private networks (${domain}), for which no public issuer signs: name an issuer of your `
      + "own with acme_issuer");
  }
  if (labels.length < 2) {
    return err("has no dot, and no public issuer signs for such names: write the whole name");
  }
  return ok(ascii);
}
