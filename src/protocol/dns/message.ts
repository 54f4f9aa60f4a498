/**
 * Questions to name servers and what these answer (RFC 1035 §4): one question a message, and of the answer those
 * records that lead from the asked name to what was asked for.
 */
import { addressText } from "../../std/address-text.ts";
import type { Bytes } from "../../std/bytes.ts";
import { fromLatin1 } from "../../std/bytes.ts";
import { encodeDnsName, readDnsName } from "./names.ts";

export type DnsType = "A" | "AAAA" | "SRV";

export interface DnsQuestion {
  /** In any case, with or without a dot at its end. */
  readonly name: string;
  readonly type: DnsType;
}

/** RFC 2782. */
export interface DnsService {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  /** In lower case. */
  readonly target: string;
}

export interface DnsAnswer {
  readonly kind: "answer";
  /** RFC 1035 §4.1.1: 0 no error, 2 server failure, 3 no such name, 5 refused … */
  readonly code: number;
  /** Of A and AAAA: IP addresses. */
  readonly addresses: readonly string[];
  readonly services: readonly DnsService[];
  /** Where the records were not in the answer itself: the name that the asked one is an alias of. */
  readonly alias: string | undefined;
  /** Seconds that all of it counts for, aliases included; Infinity where there is nothing. */
  readonly ttl: number;
}

/**
 * "unrelated": not the answer to this question. "malformed": it is, but cannot be understood. "truncated": the whole
 * answer is to be had by TCP.
 */
export type DnsReading = DnsAnswer | { readonly kind: "unrelated" | "malformed" | "truncated" };

const HEADER_SIZE = 12;
/** Of the header's flags: it is an answer; of what kind; cut off; recursion is wanted; what went wrong. */
const RESPONSE = 0x8000, OPCODE = 0x7800, TRUNCATED = 0x0200, RECURSION = 0x0100, CODE = 0x000f;
const ALIAS = 5, INTERNET = 1;
const types: Readonly<Record<DnsType, number>> = { A: 1, AAAA: 28, SRV: 33 };
/** Records of a hostile answer that are looked at. */
const RECORD_COUNT_MAX = 512;
/** Aliases within one answer that are followed. */
const ALIAS_COUNT_MAX = 16;
/** Of a record behind its name: type, class, TTL, size. */
const RECORD_HEAD_SIZE = 10;
const IPV4_SIZE = 4, IPV6_SIZE = 16, SERVICE_HEAD_SIZE = 6;
/** RFC 2181 §8: larger ones are 0. */
const TTL_MAX = 0x7fff_ffff;

/** @param id 0 to 65535 @returns the message; undefined for what is no name */
export function encodeDnsQuery(id: number, { name, type }: DnsQuestion): Bytes | undefined {
  const wire = encodeDnsName(name);
  if (wire === undefined) return undefined;
  return fromLatin1(words(id, RECURSION, 1, 0, 0, 0) + wire + words(types[type], INTERNET));
}

function words(...values: readonly number[]): string {
  return values.map((value) => String.fromCharCode(value >> 8, value & 255)).join("");
}

/** Reads a message that came from where the question had gone. @param id the question's */
export function readDnsAnswer(bytes: Bytes, id: number, question: DnsQuestion): DnsReading {
  const recordsAt = answerStart(bytes, id, question);
  if (recordsAt === undefined) return { kind: "unrelated" };
  const flags = bytes.readUInt16BE(2);
  const code = flags & CODE;
  if (code !== 0) return { kind: "answer", code, addresses: [], services: [], alias: undefined, ttl: Infinity };
  if ((flags & TRUNCATED) !== 0) return { kind: "truncated" };
  const records = readRecords(bytes, recordsAt, Math.min(bytes.readUInt16BE(6), RECORD_COUNT_MAX));
  if (records === undefined) return { kind: "malformed" };
  return gather(bytes, plain(question.name), types[question.type], records) ?? { kind: "malformed" };
}

/** @returns where the records begin, if it answers this question and no other */
function answerStart(bytes: Bytes, id: number, { name, type }: DnsQuestion): number | undefined {
  if (bytes.length < HEADER_SIZE || bytes.readUInt16BE(0) !== id) return undefined;
  const flags = bytes.readUInt16BE(2);
  if ((flags & RESPONSE) === 0 || (flags & OPCODE) !== 0 || bytes.readUInt16BE(4) !== 1) return undefined;
  const asked = readDnsName(bytes, HEADER_SIZE);
  if (asked === undefined || asked.name !== plain(name) || asked.end + 4 > bytes.length) return undefined;
  const isIt = bytes.readUInt16BE(asked.end) === types[type] && bytes.readUInt16BE(asked.end + 2) === INTERNET;
  return isIt ? asked.end + 4 : undefined;
}

function plain(name: string): string {
  return (name.endsWith(".") ? name.slice(0, -1) : name).toLowerCase();
}

interface ResourceRecord {
  readonly owner: string;
  readonly type: number;
  readonly ttl: number;
  readonly start: number;
  readonly end: number;
}

/** @returns those of the internet's class; undefined for what is cut off */
function readRecords(bytes: Bytes, start: number, count: number): readonly ResourceRecord[] | undefined {
  const records: ResourceRecord[] = [];
  let at = start;
  for (let index = 0; index < count; index++) {
    const owner = readDnsName(bytes, at);
    if (owner === undefined || owner.end + RECORD_HEAD_SIZE > bytes.length) return undefined;
    const [type, kind] = [bytes.readUInt16BE(owner.end), bytes.readUInt16BE(owner.end + 2)];
    const said = bytes.readUInt32BE(owner.end + 4);
    const dataAt = owner.end + RECORD_HEAD_SIZE;
    at = dataAt + bytes.readUInt16BE(owner.end + 8);
    if (at > bytes.length) return undefined;
    const ttl = said > TTL_MAX ? 0 : said;
    if (kind === INTERNET) records.push({ owner: owner.name, type, ttl, start: dataAt, end: at });
  }
  return records;
}

/** Follows aliases from the asked name, and takes the records of where they end. */
function gather(bytes: Bytes, asked: string, type: number, records: readonly ResourceRecord[]): DnsAnswer | undefined {
  let name = asked;
  let ttl = Infinity;
  for (let count = 0; count <= ALIAS_COUNT_MAX; count++) {
    const own = records.filter(({ owner }) => owner === name);
    const found = own.filter((record) => record.type === type);
    const alias = own.find((record) => record.type === ALIAS);
    if (found.length > 0 || alias === undefined) {
      const values = valuesOf(bytes, type, found);
      if (values === undefined) return undefined;
      ttl = found.reduce((least, record) => Math.min(least, record.ttl), ttl);
      const isElsewhere = found.length === 0 && name !== asked;
      return { kind: "answer", code: 0, ...values, alias: isElsewhere ? name : undefined, ttl };
    }
    const target = readDnsName(bytes, alias.start);
    if (target === undefined || target.end !== alias.end) return undefined;
    ({ name } = target);
    ttl = Math.min(ttl, alias.ttl);
  }
  return undefined;
}

/** @returns undefined if one of them is not what its type must be */
function valuesOf(
  bytes: Bytes, type: number, records: readonly ResourceRecord[],
): Pick<DnsAnswer, "addresses" | "services"> | undefined {
  const addresses: string[] = [];
  const services: DnsService[] = [];
  for (const { start, end } of records) {
    if (type === types.SRV) {
      const target = readDnsName(bytes, start + SERVICE_HEAD_SIZE);
      if (target === undefined || target.end !== end) return undefined;
      const [priority, weight, port] = [0, 2, 4].map((at) => bytes.readUInt16BE(start + at));
      services.push({ priority: priority ?? 0, weight: weight ?? 0, port: port ?? 0, target: target.name });
    } else {
      const version = type === types.A ? 4 : 6;
      if (end - start !== (version === 4 ? IPV4_SIZE : IPV6_SIZE)) return undefined;
      addresses.push(addressText({ version, value: BigInt(`0x${bytes.toString("hex", start, end)}`) }));
    }
  }
  return { addresses, services };
}
