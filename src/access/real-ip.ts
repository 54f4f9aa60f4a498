/** Who the client is, as trusted proxies say in the field of real_ip_header. */
import type { FieldSection } from "../http/field-section.ts";
import type { PeerFacts } from "../route/index.ts";
import type { RealIpSettings } from "./settings.ts";

export class RealIp {
  constructor(settings: RealIpSettings) {
    void settings;
  }

  /** @param peer who opened the connection. @returns `peer` itself where nobody else is named */
  clientOf(peer: PeerFacts, fields: FieldSection): PeerFacts {
    void fields;
    return peer;
  }
}
