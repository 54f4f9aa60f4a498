/** Who sent a request: realip (nginx), and what trusted proxies say (gunicorn's and uvicorn's forwarded_allow_ips). */
import { forwardedScheme, plainAddress } from "../access/index.ts";
import type { Peer } from "../app/index.ts";
import type { Bind } from "../config/model.ts";
import type { ByteStream } from "../net/index.ts";
import type { PeerFacts } from "../route/index.ts";
import type { CompiledLocation } from "./compiled-site.ts";
import type { CurrentRequest } from "./current-request.ts";

/** The same peer as applications and as variables are told of it. */
export interface Identity {
  readonly peer: Peer;
  /** Undefined where nobody but the peer is meant. */
  readonly client: PeerFacts | undefined;
}

/**
 * @param location says whose word counts
 * @param before who sent the request, before anybody has told
 */
export function identify(
  { trusted, realIp }: Pick<CompiledLocation, "trusted" | "realIp">, before: Peer,
  { received, connection }: Pick<CurrentRequest, "received" | "connection">,
): Identity {
  const { fields } = received;
  const { trust } = connection;
  // Of an earlier request of the connection, and this one says nothing else.
  if (realIp === undefined && trust !== undefined && trust.by === trusted && !fields.semantics.forwarded) return trust;
  let peer = before;
  if (trusted !== undefined) {
    // Asked once for a connection: its address stays.
    const known = trust?.by === trusted
      ? trust
      : { by: trusted, peer: { ...before, trusted: trusted.trusts(before.address) }, client: undefined };
    connection.trust = known;
    ({ peer } = known);
    const isTrusted = peer.trusted;
    if (isTrusted && fields.semantics.forwarded) {
      const address = trusted.clientAddress(fields);
      const scheme = forwardedScheme(fields) ?? peer.scheme;
      peer = { address: address ?? peer.address, port: address === undefined ? peer.port : 0, scheme, trusted: true };
    }
  }
  if (realIp === undefined) return { peer, client: undefined };
  const client = realIp.clientOf(connection.peer, fields, connection.proxied);
  const { address, port = 0 } = client;
  return { peer: { ...peer, address: address === "unix:" ? "" : address, port }, client };
}

/** A peer as variables see it. */
export function peerFacts({ address, port }: Pick<Peer, "address" | "port">): PeerFacts {
  return address === "" ? { address: "unix:", port: undefined } : { address, port };
}

/** Our end of a connection. @param bind of its listener */
export function localFacts({ localAddress, localPort }: ByteStream, bind: Bind | undefined): PeerFacts {
  if (bind?.kind === "unix") return { address: `unix:${bind.path}`, port: undefined };
  return peerFacts({ address: plainAddress(localAddress), port: localPort });
}
