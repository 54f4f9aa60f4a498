/** What do name servers' messages mean? DNS as a client asks it (RFC 1035, RFC 2782; pure: no input or output). */
export { encodeDnsQuery, readDnsAnswer } from "./message.ts";
export type { DnsAnswer, DnsQuestion, DnsReading, DnsService, DnsType } from "./message.ts";
export { DNS_NAME_SIZE_MAX } from "./names.ts";
