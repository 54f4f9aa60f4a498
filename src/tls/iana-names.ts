/** Names of what clients offer: IANA's "TLS Cipher Suites" and "TLS Supported Groups", in OpenSSL's words. */

const CIPHERS: ReadonlyMap<number, string> = new Map([
  [0x1301, "TLS_AES_128_GCM_SHA256"], [0x1302, "TLS_AES_256_GCM_SHA384"], [0x1303, "TLS_CHACHA20_POLY1305_SHA256"],
  [0x1304, "TLS_AES_128_CCM_SHA256"], [0x1305, "TLS_AES_128_CCM_8_SHA256"],
  [0xc02b, "ECDHE-ECDSA-AES128-GCM-SHA256"], [0xc02c, "ECDHE-ECDSA-AES256-GCM-SHA384"],
  [0xc02f, "ECDHE-RSA-AES128-GCM-SHA256"], [0xc030, "ECDHE-RSA-AES256-GCM-SHA384"],
  [0xcca8, "ECDHE-RSA-CHACHA20-POLY1305"], [0xcca9, "ECDHE-ECDSA-CHACHA20-POLY1305"],
  [0xccaa, "DHE-RSA-CHACHA20-POLY1305"], [0x009e, "DHE-RSA-AES128-GCM-SHA256"], [0x009f, "DHE-RSA-AES256-GCM-SHA384"],
  [0x009c, "AES128-GCM-SHA256"], [0x009d, "AES256-GCM-SHA384"], [0x002f, "AES128-SHA"], [0x0035, "AES256-SHA"],
  [0x003c, "AES128-SHA256"], [0x003d, "AES256-SHA256"], [0x0033, "DHE-RSA-AES128-SHA"], [0x0039, "DHE-RSA-AES256-SHA"],
  [0x0067, "DHE-RSA-AES128-SHA256"], [0x006b, "DHE-RSA-AES256-SHA256"],
  [0xc009, "ECDHE-ECDSA-AES128-SHA"], [0xc00a, "ECDHE-ECDSA-AES256-SHA"], [0xc013, "ECDHE-RSA-AES128-SHA"],
  [0xc014, "ECDHE-RSA-AES256-SHA"], [0xc023, "ECDHE-ECDSA-AES128-SHA256"], [0xc024, "ECDHE-ECDSA-AES256-SHA384"],
  [0xc027, "ECDHE-RSA-AES128-SHA256"], [0xc028, "ECDHE-RSA-AES256-SHA384"], [0x000a, "DES-CBC3-SHA"],
  [0x00ff, "TLS_EMPTY_RENEGOTIATION_INFO_SCSV"], [0x5600, "TLS_FALLBACK_SCSV"],
]);

const GROUPS: ReadonlyMap<number, string> = new Map([
  [23, "prime256v1"], [24, "secp384r1"], [25, "secp521r1"], [29, "X25519"], [30, "X448"],
  [256, "ffdhe2048"], [257, "ffdhe3072"], [258, "ffdhe4096"], [259, "ffdhe6144"], [260, "ffdhe8192"],
  [0x11eb, "SecP256r1MLKEM768"], [0x11ec, "X25519MLKEM768"], [0x11ed, "SecP384r1MLKEM1024"],
]);

/** @param number of a cipher suite; without a name here it is shown as nginx does */
export function cipherName(number: number): string {
  return CIPHERS.get(number) ?? unknown(number);
}

const NUMBERS: ReadonlyMap<string, number> = new Map([...CIPHERS].map(([number, name]) => [name, number]));

/** @returns undefined for a name that is not known here */
export function cipherNumber(name: string): number | undefined {
  return NUMBERS.get(name);
}

/** @param number of a group */
export function groupName(number: number): string {
  return GROUPS.get(number) ?? unknown(number);
}

function unknown(number: number): string {
  return `0x${number.toString(16).padStart(4, "0")}`;
}
