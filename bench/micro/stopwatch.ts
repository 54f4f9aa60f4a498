// How long one call takes, in nanoseconds, when it is made again and again. Cases are interleaved, as the rounds of
// `npm run bench` are: sample by sample, so that what disturbs the machine disturbs all of them.

export interface Case {
  readonly name: string;
  /** Runs the code under test so many times; what it returns keeps the optimizer from leaving it out. */
  readonly run: (times: number) => number;
}

const samplesPerCase = 31;
const sampleMs = 15;

/** Measures all cases and prints, for each, the median and the middle half of its samples. */
export function measure(title: string, cases: readonly Case[]): void {
  const chosen = cases.map((each) => ({ ...each, times: timesFor(each), samples: new Array<number>() }));
  for (let sample = 0; sample < samplesPerCase; sample++) {
    for (const { run, times, samples } of chosen) {
      const start = performance.now();
      sink += run(times);
      samples.push(((performance.now() - start) * 1e6) / times);
    }
  }
  process.stdout.write(`${title}\n`);
  for (const { name, samples } of chosen) {
    samples.sort((a, b) => a - b);
    const at = (part: number): string => (samples[Math.floor(part * (samples.length - 1))] ?? Number.NaN).toFixed(0);
    process.stdout.write(`  ${name.padEnd(56)} ${at(0.5).padStart(6)} ns  (${at(0.25)} to ${at(0.75)})\n`);
  }
  // Never true; the optimizer cannot know.
  if (sink === 0.5) process.stdout.write("\n");
}

let sink = 0;

/** Warms up, and finds how many calls make a sample of sampleMs. */
function timesFor({ run }: Case): number {
  let times = 1000;
  for (let round = 0; round < 12; round++) {
    const start = performance.now();
    sink += run(times);
    const took = performance.now() - start;
    times = Math.max(100, Math.round((times * sampleMs) / Math.max(took, 0.1)));
  }
  return times;
}
