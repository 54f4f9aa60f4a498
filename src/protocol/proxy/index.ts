/** Who is behind the proxy? HAProxy's PROXY protocol, versions 1 and 2 (pure: no input or output). */
export { PROXY_HEADER_SIZE_MAX, ProxyHeaderReader } from "./header-reader.ts";
export type { ProxyEnd, ProxyEvent, ProxyHeader, ProxyViolation } from "./header-reader.ts";
export { tlvNamed } from "./tlv.ts";
export type { ProxyTlv } from "./tlv.ts";
