import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { innermost } from "../../tests/conf/blocks.ts";
import { type Said, programVariables, request } from "../../tests/route/facts.ts";
import { ResponseHead } from "../http/response-head.ts";
import { filterDirectives, responseSettings } from "./directives.ts";
import { ResponseFilters } from "./index.ts";

/** What nginx 1.22 says of this cookie. */
const cookie = "AQAAALI8iVk4ECk7AwMDAg==";
const asHex = "uid=0000000159893CB23B29103802030303";

interface Answer {
  readonly setCookie: string | undefined;
  readonly p3p: string | undefined;
  readonly got: string | undefined;
  readonly set: string | undefined;
}

function answer(text: string, said: Said = {}, status: number = 200): Answer {
  const settings = responseSettings(innermost(`http { server { location / { ${text} } } }`, filterDirectives));
  assert.ok(settings !== undefined);
  const filters = new ResponseFilters(settings, programVariables());
  const evaluation = request("/", { nowMs: () => Date.UTC(2026, 10, 21, 12, 16, 57), ...said });
  const { head } = filters.begin({
    head: new ResponseHead(status, "", []), evaluation, isMain: true, hasBody: true, mayTransform: true,
  });
  const value = (wanted: string): string | undefined => head.fields.find(([name]) => name === wanted)?.[1];
  const [got, set] = ["uid_got", "uid_set"].map((name) => filters.provided(name, evaluation));
  return { setCookie: value("Set-Cookie"), p3p: value("P3P"), got, set };
}

const sent = (value: string): Said => ({ fields: { cookie: value } });
const idOf = (setCookie: string | undefined): Buffer =>
  Buffer.from(/=([^;]*)/.exec(setCookie ?? "")?.[1] ?? "", "base64");

describe("userid", () => {
  test("gives a browser without a cookie one, whatever the status", () => {
    for (const status of [200, 404]) {
      const { setCookie, got, set, p3p } = answer("userid on;", {}, status);
      assert.match(setCookie ?? "", /^uid=[A-Za-z0-9+/]{22}==; path=\/$/);
      assert.equal(got, undefined);
      assert.equal(p3p, undefined);
      const id = idOf(setCookie);
      assert.equal(id.length, 16);
      assert.equal(id.subarray(0, 4).toString("hex"), "7f000001", "the address of this end");
      assert.equal(id.readUInt32BE(4), Date.UTC(2026, 10, 21, 12, 16, 57) / 1000);
      assert.equal(id.readUInt32BE(12), 0x03030302);
      assert.equal(set?.slice(0, 12), "uid=0100007F");
    }
  });

  test("has a sequence", () => {
    const settings = responseSettings(innermost("http { userid on; server { location / { } } }", filterDirectives));
    assert.ok(settings !== undefined);
    const filters = new ResponseFilters(settings, programVariables());
    const ids = [1, 2].map(() => filters.provided("uid_set", request("/")));
    assert.notEqual(ids[0], ids[1]);
    assert.deepEqual(ids.map((id) => id?.slice(-8)), ["02030303", "02040303"]);
  });

  test("counts from its service, and the other way round in version 1", () => {
    assert.equal(idOf(answer("userid on; userid_service 4294967295;").setCookie).readUInt32BE(0), 0xffff_ffff);
    assert.equal(idOf(answer("userid on; userid_service 1;").setCookie).readUInt32BE(0), 1);
    const old = idOf(answer("userid v1; userid_service 5;").setCookie);
    assert.equal(old.readUInt32LE(0), 5);
    assert.equal(old.readUInt32LE(4), Date.UTC(2026, 10, 21, 12, 16, 57) / 1000);
    assert.equal(old.readUInt32LE(12), 1);
    assert.equal(idOf(answer("userid v1;").setCookie).readUInt32LE(0), 0);
    const ipv6 = { local: { address: "2001:db8::a:b", port: 80 } };
    assert.equal(idOf(answer("userid on;", ipv6).setCookie).subarray(0, 4).toString("hex"), "000a000b");
  });

  test("says all that it is told to", () => {
    const { setCookie, p3p } = answer(
      "userid on; userid_name n; userid_expires max; userid_domain d.x; userid_path /p; userid_p3p policyref; "
        + "userid_mark T; userid_flags samesite=lax httponly secure;",
    );
    assert.match(setCookie ?? "", /^n=[\w+/]{22}T=; expires=Thu, 31-Dec-37 23:55:55 GMT; domain=d.x; path=\/p; /);
    assert.match(setCookie ?? "", /path=\/p; secure; httponly; samesite=lax$/);
    assert.equal(p3p, "policyref");
    assert.match(answer("userid on; userid_expires 1h;").setCookie ?? "", /expires=Sat, 21-Nov-26 13:16:57 GMT; path/);
    assert.match(answer("userid on; userid_expires 20y;").setCookie ?? "", /expires=Fri, 16-Nov-2046 /);
  });

  test("leaves a browser its cookie", () => {
    const { setCookie, p3p, got, set } = answer("userid on; userid_p3p x;", sent(`a=b; uid=${cookie}`));
    assert.deepEqual([setCookie, p3p, got, set], [undefined, undefined, asHex, undefined]);
    assert.equal(answer("userid on;", sent("uid=AQAAALI8iVk4ECk7AwMDAg")).got, asHex);
  });

  test("sends it again with its mark", () => {
    const marked = "userid on; userid_mark T;";
    const { setCookie, got, set } = answer(marked, sent(`uid=${cookie}`));
    assert.equal(setCookie, "uid=AQAAALI8iVk4ECk7AwMDAgT=; path=/");
    assert.deepEqual([got, set], [asHex, asHex]);
    assert.equal(answer(marked, sent("uid=AQAAALI8iVk4ECk7AwMDAgT=")).setCookie, undefined);
    const other = answer(marked, sent("UID=AQAAALI8iVk4ECk7AwMDAgQ=;x=y"));
    assert.equal(other.setCookie, "uid=AQAAALI8iVk4ECk7AwMDAgT=; path=/");
  });

  test("makes a new one for what is none", () => {
    const log: string[] = [];
    for (const value of ["AQAA", "AQAAALI8iVk4ECk7AwMDA!=="]) {
      const { setCookie, got } = answer("userid on;", { ...sent(`uid=${value}`), log });
      assert.ok(setCookie !== undefined);
      assert.equal(got, undefined);
    }
    assert.deepEqual(log, [
      'warn: client sent too short userid cookie "uid=AQAA"',
      'warn: client sent invalid userid cookie "uid=AQAAALI8iVk4ECk7AwMDA!=="',
    ]);
  });

  test("makes a new one where $uid_reset says so", () => {
    const log: string[] = [];
    const reset = (value: string): Answer => answer("userid on;", {
      ...sent(`uid=${cookie}`), log, provided: (name) => (name === "uid_reset" ? value : undefined),
    });
    for (const value of ["1", "log"]) {
      const { setCookie, got, set } = reset(value);
      assert.ok(setCookie !== undefined && set !== undefined && set !== asHex);
      assert.equal(got, asHex);
    }
    for (const value of ["", "0"]) assert.equal(reset(value).setCookie, undefined);
    assert.deepEqual(log, [`warn: userid cookie "${asHex}" was reset`]);
  });

  test("only reads it for logs", () => {
    const { setCookie, got, set } = answer("userid log;", sent(`uid=${cookie}`));
    assert.deepEqual([setCookie, got, set], [undefined, asHex, undefined]);
    assert.equal(answer("userid log;").set, undefined);
  });

  test("is silent when it is off", () => {
    assert.equal(answer("add_header A b;", sent(`uid=${cookie}`)).got, undefined);
  });
});
