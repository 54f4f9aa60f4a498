// What must hold however HTTP/2 is carried: in cleartext and over TLS, each with a site of its own.
import { after, test } from "node:test";
import type { Program } from "../support/program.ts";
import { Certificates, pairOf } from "../tls/site.ts";
import { startH2Site } from "./client.ts";

/** Two tests of a `describe`. @param server what its server says besides */
export function testBothWays(server: string, play: (program: Program, isTls: boolean) => Promise<void>): void {
  const certificates = new Certificates();
  after(() => certificates[Symbol.dispose]());
  for (const [how, ssl] of [["in cleartext", ""], ["over TLS", pairOf(certificates.sign("shop.test"))]] as const) {
    test(how, async () => {
      const isTls = ssl !== "";
      await using program = await startH2Site({ isTls, server: `${ssl} ${server}` });
      await play(program, isTls);
    });
  }
}
