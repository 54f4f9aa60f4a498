/** What uwsgi_* and fastcgi_* have in common besides what all proxying has: where to, and the parameters. */
import { type ArgumentType, variableText } from "../../config/nginx/argument-types.ts";
import { type ComplexValue, constantOf, parseComplexValue } from "../../config/nginx/complex-value.ts";
import type { ArgumentRefusal, DirectiveRow } from "../../config/nginx/directive-row.ts";
import { type Result, err, ok } from "../../std/result.ts";
import { type Family, everywhere } from "./directives-family.ts";
import type { ParamSettings } from "./settings.ts";
import { addressMistake } from "./upstream-address.ts";

/** What both families have. */
export const ofParams: Pick<Family, "nextUpstream" | "hidden"> = {
  nextUpstream: [
    "error", "timeout", "invalid_header", "http_500", "http_503", "http_403", "http_404", "http_429", "non_idempotent",
  ],
  hidden: ["status"],
};

export interface PeerAddress {
  /** Without the protocol. */
  readonly address: ComplexValue;
  readonly isTls: boolean;
}

/** @param protocol what may stand in front; its group is not empty for TLS */
export function peerAddress(label: string, protocol: RegExp | undefined): ArgumentType<PeerAddress> {
  return {
    label,
    parse: (word) => {
      const [found = "", tls = ""] = protocol?.exec(word) ?? [];
      const rest = word.slice(found.length);
      const address = parseComplexValue(rest);
      if (!address.ok) return err({ nginx: address.error, expected: undefined });
      const constant = constantOf(address.value);
      const nginx = constant === undefined ? undefined : addressMistake(constant);
      if (nginx !== undefined) return err({ nginx, expected: "an upstream's name, host:port or unix:path" });
      return ok({ address: address.value, isTls: tls !== "" });
    },
  };
}

/** `parameter value [if_not_empty]` */
export function paramRow({ prefix, module, peer }: Family): DirectiveRow<ParamSettings> {
  return {
    module,
    merge: "nearest",
    contexts: everywhere,
    name: `${prefix}_param`,
    arguments: {
      label: "parameter value [if_not_empty]",
      countMin: 2,
      countMax: 3,
      parse: ([name = "", text = "", flag], directive): Result<ParamSettings, ArgumentRefusal> => {
        const value = variableText("value").parse(text, directive);
        if (!value.ok) return err({ ...value.error, index: 1 });
        if (flag === undefined || flag === "if_not_empty") {
          return ok({ name, value: value.value, ifNotEmpty: flag !== undefined });
        }
        const words = ["if_not_empty"];
        return err({ nginx: `invalid parameter "${flag}"`, expected: "if_not_empty", index: 2, words });
      },
    },
    mayRepeat: true,
    doc: `A parameter of requests; several of one name are all sent. if_not_empty: only if its value is not empty. `
      + `Those named HTTP_… take the place of the client's field. What ${peer} needs stands in ${prefix}_params.`,
    example: `${prefix}_param REQUEST_METHOD $request_method;`,
  };
}
