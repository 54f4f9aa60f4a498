/** Private keys of the kinds that certificates and accounts have. */
import { type KeyObject, createPrivateKey, generateKeyPair } from "node:crypto";
import { promisify } from "node:util";
import type { KeyType } from "./settings.ts";

const generate = promisify(generateKeyPair);

const curves: Readonly<Record<string, KeyType>> = {
  prime256v1: "ecdsa:256", secp384r1: "ecdsa:384", secp521r1: "ecdsa:521",
};
const rsaSizes: Readonly<Record<number, KeyType>> = { 2048: "rsa:2048", 3072: "rsa:3072", 4096: "rsa:4096" };

/** A new key, PEM of PKCS #8; an RSA key takes up to seconds, in another thread. */
export async function makeKey(type: KeyType): Promise<string> {
  const [kind, size = ""] = type.split(":");
  const { privateKey } = kind === "rsa"
    ? await generate("rsa", { modulusLength: Number(size) })
    : await generate("ec", { namedCurve: size === "256" ? "prime256v1" : `secp${size}r1` });
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

/** The kind of a key, or undefined for another. */
export function keyTypeOf(key: KeyObject): KeyType | undefined {
  const { namedCurve = "", modulusLength = 0 } = key.asymmetricKeyDetails ?? {};
  return key.asymmetricKeyType === "rsa" ? rsaSizes[modulusLength] : curves[namedCurve];
}

/** Reads a key; undefined for what is none, or none of the kinds that are of use. */
export function readKey(pem: string): KeyObject | undefined {
  try {
    const key = createPrivateKey(pem);
    return keyTypeOf(key) === undefined ? undefined : key;
  } catch {
    // Damaged, or protected by a password.
    return undefined;
  }
}
