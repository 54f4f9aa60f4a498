/** What can be said of the addresses of proxy_pass, uwsgi_pass and fastcgi_pass before the program runs. */
import { parseReachedAddress } from "../../config/nginx/address.ts";

/** @returns nginx's words for what is wrong with a URL of proxy_pass that has no variables */
export function proxyUrlMistake(url: string): string | undefined {
  const rest = /^https?:\/\/(.*)$/is.exec(url)?.[1];
  if (rest === undefined) return "invalid URL prefix";
  // nginx: a second colon ends the path of a socket.
  const authority = /^unix:/i.test(rest) ? rest.split(":", 2).join(":") : rest.split(/[/?]/, 1).join("");
  return addressMistake(authority, rest);
}

/**
 * @param written how nginx's words show it
 * @returns nginx's words for what is wrong with an address
 */
export function addressMistake(address: string, written: string = address): string | undefined {
  // A host of digits is one for nginx, and here.
  if (/^\d+$/.test(address)) return undefined;
  const parsed = parseReachedAddress(address);
  return parsed.ok ? undefined : `${parsed.error} in upstream "${written}"`;
}
