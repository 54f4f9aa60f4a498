/** The arguments of `resolver`: name servers and parameters, read as nginx does. */
import { onOff, time } from "../config/nginx/argument-types.ts";
import { parseAddress } from "../config/nginx/address.ts";
import type { ArgumentRefusal, Arguments } from "../config/nginx/directive-row.ts";
import { err, ok } from "../std/result.ts";

const PARAMETER = /^(valid|ipv4|ipv6|status_zone)=(.*)$/;

export const resolverArguments: Arguments<readonly string[]> = {
  label: "address ... [valid=time] [ipv4=on|off] [ipv6=on|off] [status_zone=zone]",
  countMin: 1,
  // Bounded by nobody in nginx; resolv.conf(5) has three.
  countMax: 32,
  parse: (words, directive) => {
    let hasServer = false;
    for (const [index, word] of words.entries()) {
      const refusal = PARAMETER.test(word) ? parameterRefusal(word, directive) : serverRefusal(word);
      if (refusal !== undefined) return err({ ...refusal, index });
      hasServer ||= !PARAMETER.test(word);
    }
    return hasServer ? ok(words) : err({ nginx: "no name servers defined", expected: "a name server", index: 0 });
  },
};

type Refusal = Omit<ArgumentRefusal, "index"> | undefined;

function parameterRefusal(word: string, directive: string): Refusal {
  const [, name = "", value = ""] = PARAMETER.exec(word) ?? [];
  const nginx = `invalid parameter: ${word}`;
  if (name === "status_zone") return undefined;
  const type = name === "valid" ? time("seconds") : onOff();
  const parsed = type.parse(value, directive);
  return parsed.ok ? undefined : { nginx, expected: `${name}= and ${parsed.error.expected ?? type.label}` };
}

function serverRefusal(word: string): Refusal {
  const parsed = parseAddress(word);
  if (parsed.ok && (parsed.value.kind === "unix" || parsed.value.host !== undefined)) return undefined;
  const reason = parsed.ok ? "host not found" : parsed.error;
  return { nginx: `${reason} in resolver "${word}"`, expected: "the address of a name server" };
}
