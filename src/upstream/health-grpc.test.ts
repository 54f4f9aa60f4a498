import { deepEqual, equal } from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { FieldLine } from "../http/response-head.ts";
import { fromLatin1 } from "../std/bytes.ts";
import { GrpcHealth, grpcCheckRequest } from "./health-grpc.ts";

const hex = (service: string): string => grpcCheckRequest(service).toString("hex");

/** A message with gRPC's head. */
function message(bytes: readonly number[]): string {
  return String.fromCharCode(0, 0, 0, 0, bytes.length, ...bytes);
}

const wellStatus: readonly FieldLine[] = [["grpc-status", "0"]];

function verdict(body: string, trailers: readonly FieldLine[] = wellStatus, status = 0): string | undefined {
  return new GrpcHealth({ service: "", status }).whole({ lines: [], body, trailers });
}

describe("a health check of gRPC", () => {
  test("asks for a service, or for the server as a whole", () => {
    equal(hex(""), "0000000000");
    equal(hex("a.B"), "00000000050a03612e42");
    equal(hex("x".repeat(200)), `00000000cb0ac801${"78".repeat(200)}`, "its size takes two bytes");
  });

  test("finds well who says SERVING, and nobody else", () => {
    equal(verdict(message([0x08, 1])), undefined);
    equal(verdict(message([0x08, 2])), "serving status 2");
    equal(verdict(message([])), "serving status 0");
    const unknown = [0x12, 2, 8, 1, 0x19, 1, 2, 3, 4, 5, 6, 7, 8, 0x25, 1, 2, 3, 4, 0x28, 0x81, 1];
    equal(verdict(message([...unknown, 0x08, 1])), undefined, "fields that nobody knows are passed over");
    equal(verdict(message([0x08, 2, 0x08, 1])), undefined, "the last one counts");
  });

  test("takes nothing for an answer that is none", () => {
    for (const body of [
      "", "\0\0\0\0", "\x01\0\0\0\x02\x08\x01", "\0\0\0\0\x03\x08\x01", "\0\0\0\0\x01\x08\x01",
      message([0x08]), message([0x08, 0x81]), message([0x0a, 9, 1]), message([0x0b]), message([0x0c]), message([0x0f]),
      message([0x09, 1]), message([0x0d, 1]), message([0x08, ...Array.from({ length: 11 }, () => 0x80)]),
    ]) equal(verdict(body), "serving status unreadable", JSON.stringify(body));
  });

  test("goes by grpc-status, in trailers or in a head without any", () => {
    const serving = message([0x08, 1]);
    equal(verdict(serving, []), "grpc-status, which is not there");
    equal(verdict(serving, [["grpc-status", "5"]]), 'grpc-status "5"');
    equal(verdict("", [["grpc-status", "12"]], 12), undefined, "a status that is named is well");
    equal(verdict("", [["grpc-status", "13"]], 12), 'grpc-status "13"');
    equal(verdict(serving, wellStatus, 12), undefined, "and so is SERVING then");
    equal(verdict(message([0x08, 2]), wellStatus, 12), "serving status 2");
    equal(verdict(serving, [["grpc-status", "0 0"]]), 'grpc-status "0 0"');
    const health = new GrpcHealth({ service: "", status: 12 });
    equal(health.whole({ lines: [["grpc-status", "12"]], body: "", trailers: [] }), undefined);
    deepEqual([health.head(200), health.head(503)], [undefined, "status code"]);
  });

  test("throws at no bytes", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), fc.boolean(), (bytes, isFramed) => {
      const body = fromLatin1(isFramed ? message([...bytes]) : "").latin1Slice() || String.fromCharCode(...bytes);
      const said = verdict(body);
      equal(said === undefined || said.startsWith("serving status "), true);
    }), { numRuns: 2000 });
  });
});
