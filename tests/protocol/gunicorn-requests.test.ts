// gunicorn's own corpus of requests (tests/cases/gunicorn-requests, MIT) against our reader.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { HeadLimits } from "../../src/protocol/h1/index.ts";
import { type Played, limits, play, playEveryWay, playText, withHost } from "./engine.ts";
import { fromLatin1 } from "../../src/std/bytes.ts";

interface Expected {
  readonly method: string;
  readonly target: string;
  readonly path: string;
  readonly query: string;
  readonly minorVersion: number;
  readonly fields: readonly (readonly [string, string])[];
  readonly body: string;
}

interface Case {
  /** `valid/…` or `invalid/…`, as in gunicorn's repository. */
  readonly name: string;
  /** A character a byte. */
  readonly raw: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** What gunicorn makes of a valid one. */
  readonly requests?: readonly Expected[];
  /** What gunicorn raises for an invalid one. */
  readonly exception?: string;
}

const path = join(import.meta.dirname, "../cases/gunicorn-requests/cases.json");
const { cases } = JSON.parse(readFileSync(path, "utf8")) as { readonly cases: readonly Case[] };

const onlyChunked = "a transfer coding other than chunked, or a second one, is what smuggling is made of";
const laterProxyProtocol = "the PROXY protocol stands in front of HTTP; this reader sees what is behind it";
const noFolding = "obs-fold is refused always; there is no option that lets it in (RFC 9112 §5.2)";
const noConnect = "Tricorn is no forward proxy: authority-form has nothing to name here";
const upperCaseMethods = "methods with lower case are refused always; nothing folds them (RFC 9110 §9.1: case counts)";
const underscoresDropped = "a name with _ is no framing for us, and the field is dropped, as with header_map=drop";

/** Where we deliberately say something else than the corpus: the outcome, and why. */
const deviations: Readonly<Record<string, readonly [outcome: string, why: string]>> = {
  "valid/005": ["400 request_target", "a request-target has no fragment in any form (RFC 9112 §3.2)"],
  "valid/025": ["400 transfer_encoding_invalid", onlyChunked],
  "valid/025_line": ["400 transfer_encoding_invalid", onlyChunked],
  "valid/028": ["400 field_name", "whitespace before the colon is refused; no option strips it (RFC 9112 §5.1)"],
  "valid/029": ["400 transfer_encoding_invalid", onlyChunked],
  "valid/030": ["400 transfer_encoding_invalid", onlyChunked],
  "valid/031compat": ["400 method", upperCaseMethods],
  "valid/031compat2": ["400 method", upperCaseMethods],
  "valid/099": ["incomplete", "the body ends before its Content-Length: gunicorn stops at the end of file, we wait"],
  "valid/compat_obs_fold": ["400 obs_fold", noFolding],
  "valid/compat_obs_fold_huge": ["400 obs_fold", noFolding],
  "valid/pp_01": ["400 version", laterProxyProtocol],
  "valid/pp_02": ["400 version", laterProxyProtocol],
  "valid/pp_04": ["400 request_line", laterProxyProtocol],
  "valid/pp_05": ["400 request_line", laterProxyProtocol],
  "valid/rfc9112_smuggle_gzip_chunked_01": ["400 transfer_encoding_invalid", onlyChunked],
  "valid/rfc9112_smuggle_te_identity_chunked_01": ["400 transfer_encoding_invalid", onlyChunked],
  "valid/rfc9112_target_absolute_userinfo_01": ["400 request_target", "userinfo is refused (RFC 9110 §4.2.4)"],
  "valid/rfc9112_target_authority_connect_01": ["400 request_target", noConnect],
  "valid/rfc9112_target_authority_ipv6_01": ["400 request_target", noConnect],
  "invalid/001": ["incomplete", "a head without its end is waited for; the end of the connection ends it"],
  "invalid/019": ["idle", "X-Forwarded-Ssl is not read at all, so that it cannot contradict X-Forwarded-Proto"],
  "invalid/040": ["closed", underscoresDropped],
  "invalid/chunked_07": ["idle", underscoresDropped],
  "invalid/rfc9112_chunked_missing_final_crlf_01": ["incomplete", "a body without its end is waited for"],
  "invalid/rfc9112_leading_crlf_02": ["idle", "RFC 9112 §2.2: at least one empty line is ignored; we bear four"],
};

/** Why each invalid one is refused. */
const refusals: Readonly<Record<string, readonly string[]>> = {
  "400 request_target": [
    "002", "016", "rfc9112_target_asterisk_non_options_01", "rfc9112_target_authority_non_connect_01",
    "rfc9112_target_non_ascii_01", "rfc9112_target_non_ascii_02", "rfc9112_target_nul_01",
    "rfc9112_target_relative_01", "rfc9112_te_identity_with_cl_01",
  ],
  "400 method": [
    "003", "003c", "nonascii_01", "nonascii_02", "prefix_01", "prefix_02", "prefix_05",
  ],
  "400 request_line": ["003b"],
  "400 version": ["004", "018", "pp_01", "pp_02", "pp_03", "prefix_06"],
  "505 version": ["version_01", "version_02"],
  "414 request_line_size": ["006"],
  "431 field_size": ["007", "008", "010", "012", "017", "limit_header_default_01"],
  "431 field_count": ["009", "011"],
  "400 obs_fold": ["013", "obs_fold_01"],
  "400 field_name": ["005", "020", "nonascii_03", "nonascii_04"],
  "400 field_value": ["rfc9110_field_value_ctl_bel_01", "rfc9110_field_value_ctl_del_01"],
  "400 bare_lf": ["invalid_field_value_01", "rfc9112_bare_lf_01"],
  "400 content_length_invalid": [
    "014", "015", "022", "023", "024", "prefix_03", "prefix_04", "rfc9112_smuggle_cl_list_form_01",
  ],
  "400 content_length_repeated": ["021"],
  "400 length_and_transfer_encoding": ["chunked_02", "rfc9112_smuggle_cl_te_chunked_01"],
  "400 transfer_encoding_invalid": [
    "chunked_03", "chunked_04", "chunked_06", "chunked_08", "rfc9112_te_not_chunked_final_01",
  ],
  "400 transfer_encoding_version": ["chunked_05"],
  "400 content_type_repeated": ["041"],
  "400 host_repeated": ["042"],
  "400 chunk_size": [
    "chunked_01", "chunked_09", "chunked_10", "chunked_11", "chunked_12", "chunked_13", "chunked_14",
    "rfc9112_chunked_size_minus_sign_01", "rfc9112_chunked_size_plus_sign_01",
  ],
  "400 trailer_section": [
    "rfc9110_trailer_forbidden_cl_01", "rfc9110_trailer_forbidden_host_01", "rfc9110_trailer_forbidden_te_01",
  ],
};

const refusalOf: ReadonlyMap<string, string> = new Map(Object.entries(refusals).flatMap(([outcome, names]) =>
  names.map((name) => [`invalid/${name}`, outcome] as const)));

/** gunicorn's options and defaults as our limits; its request line counts without CRLF. */
function limitsOf({ options }: Case): HeadLimits {
  const option = (name: string, fallback: number): number => {
    const value = options[name];
    return typeof value === "number" && value > 0 ? value : fallback;
  };
  return {
    requestLineSizeMax: option("limit_request_line", 4094) + 2,
    fieldCountMax: option("limit_request_fields", 100),
    fieldSizeMax: option("limit_request_field_size", 8190),
    headSizeMax: limits.headSizeMax,
  };
}

/** The played requests in gunicorn's words: names in upper case, and with `header_map=drop` those with "_" gone. */
function inTheirWords({ requests }: Played, { options }: Case): readonly Expected[] {
  const dropped = options["header_map"] === undefined ? /_/ : /^$/;
  return requests.map(({ method, target, path: ofTarget, query, minorVersion, fields, body }) => ({
    method, target, path: ofTarget, query, minorVersion, body,
    fields: fields.filter(([name]) => !dropped.test(name)).map(([name, value]) => [name.toUpperCase(), value] as const),
  }));
}

/** A second request, in the way of whatever the first might swallow. */
const next = "GET /next HTTP/1.1\r\nHost: tricorn.test\r\n\r\n";

/** Most of the corpus sends no Host with HTTP/1.1: it must be refused for that, then is given one. */
function withTheDutyToSendHost(raw: string, setting: { readonly limits: HeadLimits }): string {
  if (playText(raw, setting).outcome !== "400 host_missing") return raw;
  assert.equal(playEveryWay(raw, setting).outcome, "400 host_missing");
  return withHost(raw);
}

/** Their words for ours: without the Host field that we added. */
function withoutAddedHost(requests: readonly Expected[]): readonly Expected[] {
  return requests.map((request) => ({
    ...request, fields: request.fields.filter(([, value]) => value !== "tricorn.test"),
  }));
}

describe("gunicorn's requests", () => {
  test("the corpus is whole", () => {
    const valid = cases.filter(({ name }) => name.startsWith("valid/"));
    assert.deepEqual([valid.length, cases.length - valid.length], [62, 81]);
    const names = new Set(cases.map(({ name }) => name));
    for (const name of [...Object.keys(deviations), ...refusalOf.keys()]) assert.ok(names.has(name), name);
  });

  for (const item of cases) {
    const { name, requests } = item;
    const [outcome, why] = deviations[name] ?? [];
    const setting = { limits: limitsOf(item) };

    test(why === undefined ? name : `${name}: ${outcome}, because ${why}`, () => {
      const raw = withTheDutyToSendHost(item.raw, setting);
      const played = playEveryWay(raw, setting);
      const expected = outcome ?? refusalOf.get(name);
      if (expected === undefined) assert.match(played.outcome, /^(?:idle|closed)$/);
      else assert.equal(played.outcome, expected);
      const refused = /^\d/.test(played.outcome);
      if (requests === undefined || refused) return;

      assert.deepEqual(withoutAddedHost(inTheirWords(played, item)), requests);
      const { requests: two, outcome: after } = play([fromLatin1(raw + next)], setting);
      if (played.outcome === "idle") {
        assert.deepEqual(two.slice(0, -1), played.requests, "what follows changes nothing");
        assert.equal(two.at(-1)?.target, "/next");
      }
      if (played.outcome === "idle" || played.outcome === "closed") assert.equal(after, played.outcome);
    });
  }
});
