// Clients that ask one request after the other on connections that they keep, and time every answer.
import { Connection, type Response } from "./connection.ts";

export interface Answer {
  readonly target: string;
  /** 0 when the connection ended without a response. */
  readonly status: number;
  readonly text: string;
  /** From the request's last byte to its response's head. */
  readonly elapsedMs: number;
}

export interface LoadSettings {
  readonly port: number;
  readonly clients: number;
  /** The next request of any client, undefined when there is none. */
  readonly next: () => string | undefined;
  /** Called with each answer as it comes. */
  readonly onAnswer?: (answer: Answer) => void;
}

/** Runs the clients until `next` gives nothing more; one whose connection ends takes a new one. @returns all answers */
export async function load({ port, clients, next, onAnswer }: LoadSettings): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  await Promise.all(Array.from({ length: clients }, async () => {
    let connection = await Connection.open({ port });
    try {
      for (let target = next(); target !== undefined; target = next()) {
        const startMs = performance.now();
        const response: Partial<Response> = await connection.get(target).catch(() => ({}));
        const elapsedMs = performance.now() - startMs;
        const answer = { target, status: response.status ?? 0, text: response.text ?? "", elapsedMs };
        answers.push(answer);
        onAnswer?.(answer);
        if (answer.status !== 0 && response.fields?.get("connection") !== "close") continue;
        connection.close();
        connection = await Connection.open({ port });
      }
    } finally {
      connection.close();
    }
  }));
  return answers;
}

/** The value that a share of all values does not exceed. @param share 0 to 1 */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
