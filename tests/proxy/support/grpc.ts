// grpcio at both ends: its service as an upstream, its client, and what that says where all is well.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { applications, pythonOf } from "../../../tools/venv.ts";
import { Peer } from "../peers.ts";

const directory = join(import.meta.dirname, "../../applications");
const python = pythonOf(applications);
const timeoutMs = 60_000;

export const whatGrpcioSays: Readonly<Record<string, unknown>> = {
  "unary": "HELLO", "initial": "1", "trailing": "2", "large": 3_000_000, "failed": "NOT_FOUND: no such thing",
  "unknown": "UNIMPLEMENTED", "server streaming": 499_500, "client streaming": "2000000", "both": true,
  "deadline": "DEADLINE_EXCEEDED", "deadline arrived": "yes", "cancelled": "cancelled", "cancellation arrived": "yes",
  "many": true,
};

/** The service. @param files for TLS: its certificate and key; and an authority, if clients must show a certificate */
export function grpcService(...files: readonly string[]): Promise<Peer> {
  return Peer.start({
    command: python, args: ({ port }) => [join(directory, "apps/grpc_service.py"), String(port), ...files],
  });
}

/** Calls of every kind. @param secure for TLS: a trusted authority, and the name that the certificate must have */
export async function callByGrpcio(port: number, ...secure: readonly string[]): Promise<unknown> {
  const script = join(directory, "clients/grpc_calls.py");
  const { stdout } = await promisify(execFile)(python, [script, String(port), ...secure], { timeout: timeoutMs });
  return JSON.parse(stdout);
}

/** A message of gRPC: its flag, its size, itself. */
export function grpcMessage(text: string): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(text.length, 1);
  return Buffer.concat([head, Buffer.from(text)]);
}
