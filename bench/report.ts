// What was measured, as text: bars while it runs, a table of ratios at the end.

/** One contender's round. */
export interface Measured {
  /** Requests answered for each second of processor time that the server used. */
  readonly rate: number;
  /** How much of its core the server got, 1 for all. */
  readonly busy: number;
  readonly p99Ms: number;
}

/** The rounds of one contender. */
export interface Row {
  readonly name: string;
  readonly rounds: readonly Measured[];
}

/** One scenario's rows; the first is ours. */
export interface Result {
  readonly scenario: string;
  readonly rows: readonly Row[];
}

const barWidth = 32;
const blocks = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** The middle value; of two middle ones their mean. NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

export function rateOf(row: Row): number {
  return median(row.rounds.map(({ rate }) => rate));
}

/** From the slowest to the fastest round, as a part of the median. */
function spreadOf(row: Row): number {
  const rates = row.rounds.map(({ rate }) => rate);
  return (Math.max(...rates) - Math.min(...rates)) / rateOf(row);
}

/** Bars of one scenario, for a terminal. */
export function bars({ scenario, rows }: Result): string {
  const rates = rows.map(rateOf);
  const fastest = Math.max(...rates);
  const ours = rates[0] ?? Number.NaN;
  const lines = rows.map((row, index) => {
    const rate = rates[index] ?? Number.NaN;
    const p99 = median(row.rounds.map(({ p99Ms }) => p99Ms));
    const facts = [
      `${whole(rate).padStart(8)}/s`,
      `±${Math.round(spreadOf(row) * 50)} %`.padStart(5),
      `busy ${Math.round(median(row.rounds.map(({ busy }) => busy)) * 100)} %`.padStart(10),
      (Number.isNaN(p99) ? "" : `p99 ${p99.toFixed(1)} ms`).padStart(13),
      index === 0 ? "" : `tricorn × ${(ours / rate).toFixed(2)}`,
    ];
    return `  ${row.name.padEnd(15)} ${bar(rate / fastest)} ${facts.join(" ")}`.trimEnd();
  });
  return `${scenario}\n${lines.join("\n")}\n`;
}

function bar(part: number): string {
  const eighths = Math.round(part * barWidth * 8);
  return `${"█".repeat(eighths >> 3)}${blocks[eighths & 7] ?? ""}`.padEnd(barWidth);
}

/** A Markdown table: requests per second, and in brackets how many times as many Tricorn answers. */
export function table(results: readonly Result[]): string {
  const kinds: Readonly<Record<string, string>> = {
    "gunicorn": "gunicorn or uvicorn", "uvicorn": "gunicorn or uvicorn",
    "nginx+gunicorn": "nginx + gunicorn or uvicorn", "nginx+uvicorn": "nginx + gunicorn or uvicorn",
    "nginx+granian": "nginx + granian",
  };
  const kindOf = (row: Row): string => kinds[row.name] ?? row.name;
  const columns = [...new Set(results.flatMap(({ rows }) => rows.map(kindOf)))];
  const cells = results.map(({ scenario, rows }) => {
    const ours = rows[0];
    const figures = columns.map((column) => {
      const row = rows.find((each) => kindOf(each) === column);
      if (row === undefined || ours === undefined) return "";
      const rate = whole(rateOf(row));
      return row === ours ? `**${rate}**` : `${rate} (× ${(rateOf(ours) / rateOf(row)).toFixed(2)})`;
    });
    return [scenario, ...figures];
  });
  const all = [["", ...columns], ...cells];
  const widths = all[0]?.map((_, column) => Math.max(...all.map((line) => line[column]?.length ?? 0))) ?? [];
  const line = (texts: readonly string[]): string => {
    const padded = texts.map((text, at) => (at === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart(widths[at] ?? 0)));
    return `| ${padded.join(" | ")} |\n`;
  };
  const dashes = widths.map((width, at) => (at === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`));
  const rule = `| ${dashes.join(" | ")} |\n`;
  return line(all[0] ?? []) + rule + cells.map(line).join("");
}

/** "17,500": the last digits of such a measurement mean nothing. */
export function whole(rate: number): string {
  const digits = rate < 1000 ? 1 : 10 ** (Math.floor(Math.log10(rate)) - 2);
  return (Math.round(rate / digits) * digits).toLocaleString("en");
}
