/** Arguments that several directives of certificates have. */
import type { ArgumentType } from "../config/nginx/argument-types.ts";
import type { ArgumentRefusal, Arguments } from "../config/nginx/directive-row.ts";
import { type Result, err, ok } from "../std/result.ts";
import type { ChallengeKind, KeyType, ProfileSettings } from "./settings.ts";

const keyTypes: readonly KeyType[] = ["ecdsa:256", "ecdsa:384", "ecdsa:521", "rsa:2048", "rsa:3072", "rsa:4096"];
const keyWords: readonly string[] = ["ecdsa", ...keyTypes.slice(0, 3), "rsa", ...keyTypes.slice(3)];

/** `ecdsa` and `rsa`, with or without a size. Fails with nginx's words and what was expected. */
export function keyType(): ArgumentType<KeyType> {
  return {
    label: "alg[:size]",
    words: keyWords,
    parse: (word) => {
      const whole = word === "ecdsa" ? "ecdsa:256" : word === "rsa" ? "rsa:2048" : word;
      const found = keyTypes.find((type) => type === whole);
      if (found !== undefined) return ok(found);
      const [algorithm = "", size = ""] = word.split(":");
      const nginx = algorithm === "ecdsa" ? `unsupported curve "${size}"`
        : algorithm === "rsa" ? `unsupported key size "${size}"` : `unsupported key type "${word}"`;
      return err({ nginx, expected: `one of ${keyWords.join(", ")}` });
    },
  };
}

/** Both challenges, in either of their names. */
export function challenge(): ArgumentType<ChallengeKind> {
  const kinds: Readonly<Record<string, ChallengeKind>> = {
    "http-01": "http-01", http: "http-01", "tls-alpn-01": "tls-alpn-01", "tls-alpn": "tls-alpn-01",
  };
  return {
    label: "type",
    words: Object.keys(kinds),
    parse: (word) => {
      const kind = kinds[word];
      return kind === undefined
        ? err({ nginx: `unsupported challenge type "${word}"`, expected: "http-01 or tls-alpn-01" })
        : ok(kind);
    },
  };
}

/** `name [require]`. */
export const profileArguments: Arguments<ProfileSettings> = {
  label: "name [require]",
  countMin: 1,
  countMax: 2,
  parse: ([name = "", word]): Result<ProfileSettings, ArgumentRefusal> => {
    if (word === undefined || word === "require") return ok({ name, isRequired: word === "require" });
    return err({ nginx: `invalid parameter "${word}"`, expected: "require", index: 1, words: ["require"] });
  },
};

/** An address, or a URL with a scheme; `mailto:` is added. */
export function contact(): ArgumentType<string> {
  return {
    label: "URL",
    parse: (word) => {
      const url = /^[a-z][a-z0-9+.-]*:/i.test(word) ? word : `mailto:${word}`;
      const isAddress = /^mailto:[^\s@,?&]+@[^\s@,?&]+$/i.test(url) || (!/^mailto:/i.test(url) && URL.canParse(url));
      // RFC 8555 §7.3: one address, without anything that mail programs would fill in.
      if (isAddress) return ok(url);
      return err({ nginx: `invalid contact "${word}"`, expected: "an address, owner@example.org" });
    },
  };
}
