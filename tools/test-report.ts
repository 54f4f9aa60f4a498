// What `npm test` prints: a line per file while it runs, every failure in full, those that a second run alone did not
// show, what was left out and how to get it, and a last line of counts. Events come from node's runner in the order of
// the files.
import { relative } from "node:path";
import { stripVTControlCharacters, inspect } from "node:util";
import type { TestEvent } from "node:test/reporters";

/** A file's own output is shown when it fails; of a flood only the end. */
const outputLinesMax = 200;

interface FileState {
  /** Names of the tests that are open at each nesting. */
  readonly names: string[];
  readonly output: string[];
  failed: boolean;
}

interface Failure {
  /** Absolute; undefined for what is no file of node's. */
  readonly file: string | undefined;
  readonly text: string;
}

/** Collects the results of one `npm test`. */
export class TestReport {
  readonly #root: string;
  readonly #write: (text: string) => void;
  readonly #files = new Map<string, FileState>();
  #failures: Failure[] = [];
  readonly #unsteady: Failure[] = [];
  /** How many tests of each failed, by absolute path. */
  readonly #failedIn = new Map<string, number>();
  readonly #leftOut = new Map<string, number>();
  readonly #startedMs = performance.now();
  #tests = 0;
  #passed = 0;
  #failed = 0;
  #skipped = 0;

  /**
   * @param root paths are printed relative to it
   * @param write takes what is printed
   */
  constructor(root: string, write: (text: string) => void) {
    this.#root = root;
    this.#write = write;
  }

  /** Takes one event of node's test runner. */
  add(event: TestEvent): void {
    switch (event.type) {
      case "test:start":
        this.#file(event.data.file).names[event.data.nesting] = event.data.name;
        break;
      case "test:stdout":
      case "test:stderr":
        this.#addOutput(event.data.file, event.data.message);
        break;
      case "test:pass":
        if (event.data.skip !== undefined && event.data.skip !== false) this.#leaveOut(String(event.data.skip));
        break;
      case "test:fail":
        this.#addFailure(event);
        break;
      case "test:summary":
        this.#addSummary(event);
        break;
      default:
        // Plans, diagnostics and coverage say nothing that the others do not.
        break;
    }
  }

  /**
   * Takes the result of Python's unittest.
   * @param name what was run
   * @param status its exit status, null when it was killed
   * @param text what it printed on stderr, where unittest reports
   */
  addUnittest(name: string, status: number | null, text: string): void {
    const count = (pattern: RegExp): number => Number(pattern.exec(text)?.[1] ?? 0);
    const tests = count(/^Ran (\d+) tests?/m);
    const failed = count(/failures=(\d+)/) + count(/errors=(\d+)/);
    const skipped = count(/skipped=(\d+)/);
    // Exit status 5: there was nothing to run.
    const broken = status !== 0 && status !== 5 && failed === 0 ? 1 : 0;
    this.#tests += tests;
    this.#failed += failed + broken;
    this.#skipped += skipped;
    this.#passed += tests - failed - skipped;
    if (skipped > 0) this.#leftOut.set(`unittest: see ${name}`, skipped);
    if (failed + broken > 0) this.#failures.push({ file: undefined, text: `${name}\n${text.trimEnd()}` });
    this.#write(`${failed + broken > 0 ? "FAIL" : "ok  "} ${name} (${tests} tests)\n`);
  }

  /** Absolute paths of the files of node's in which a test failed. */
  get failedFiles(): readonly string[] {
    return [...this.#failedIn.keys()];
  }

  /**
   * Takes it that `file` failed beside others and passed in a second run alone: what it said is told, but does not
   * fail the whole.
   */
  passedAlone(file: string): void {
    const failed = this.#failedIn.get(file) ?? 0;
    this.#failedIn.delete(file);
    this.#failed -= failed;
    this.#passed += failed;
    this.#unsteady.push(...this.#failures.filter((failure) => failure.file === file));
    this.#failures = this.#failures.filter((failure) => failure.file !== file);
    this.#write(`UNSTEADY ${relative(this.#root, file)} passed alone\n`);
  }

  /**
   * Prints the failures, what passed only alone, what was left out, and the counts.
   * @returns whether everything that ran passed, and anything ran
   */
  finish(): boolean {
    for (const [index, { text }] of this.#failures.entries()) {
      this.#write(`\n--- failure ${index + 1} of ${this.#failures.length}: ${text}\n`);
    }
    for (const { text } of this.#unsteady) {
      this.#write(`\n--- failed beside other files and passed alone, a race of the test's or of ours: ${text}\n`);
    }
    if (this.#leftOut.size > 0) this.#write("\nLeft out:\n");
    for (const [reason, count] of this.#leftOut) {
      this.#write(`  ${count} ${count === 1 ? "test" : "tests"}: ${reason}\n`);
    }
    const seconds = ((performance.now() - this.#startedMs) / 1000).toFixed(1);
    this.#write(`\n# tests ${this.#tests}\n# pass ${this.#passed}\n# fail ${this.#failed}\n`);
    this.#write(`# skipped ${this.#skipped}\n# seconds ${seconds}\n`);
    this.#write(`${this.#passed} passed, ${this.#failed} failed\n`);
    return this.#failed === 0 && this.#failures.length === 0 && this.#passed > 0;
  }

  #file(path: string | undefined): FileState {
    const key = path ?? "";
    const known = this.#files.get(key);
    if (known !== undefined) return known;
    const state: FileState = { names: [], output: [], failed: false };
    this.#files.set(key, state);
    return state;
  }

  #addOutput(path: string | undefined, message: string): void {
    const { output } = this.#file(path);
    output.push(...message.trimEnd().split("\n"));
    if (output.length > outputLinesMax) output.splice(0, output.length - outputLinesMax);
  }

  #leaveOut(reason: string): void {
    this.#leftOut.set(reason, (this.#leftOut.get(reason) ?? 0) + 1);
  }

  #addFailure(event: Extract<TestEvent, { type: "test:fail" }>): void {
    const { file, line, name, nesting, details } = event.data;
    const state = this.#file(file);
    state.failed = true;
    const error = details.error as Error & { readonly failureType?: string };
    // The parent of a failed test fails too; the child has been told.
    if (error.failureType === "subtestsFailed") return;
    const where = file === undefined ? "" : `${relative(this.#root, file)}:${line ?? 1}`;
    // A `describe` that was called in another file than its test has no name here.
    const known = [...state.names.slice(0, nesting), name].filter((part: string | undefined) => part !== undefined);
    const names = known.map((part) => part.replace(`${this.#root}/`, ""));
    const cause = error.cause instanceof Error ? inspect(error.cause, { depth: 8 }) : error.message;
    const output = state.output.length === 0 ? "" : `\n  its file printed:\n${indent(state.output.join("\n"))}`;
    const failure = `${names.join(" > ")}\n  ${where}\n${indent(stripVTControlCharacters(cause))}${output}`;
    state.output.length = 0;
    this.#failures.push({ file, text: failure });
    this.#write(`FAIL ${where} ${names.join(" > ")}\n`);
  }

  #addSummary(event: Extract<TestEvent, { type: "test:summary" }>): void {
    const { file, counts, duration_ms: durationMs } = event.data;
    if (file === undefined) {
      this.#tests += counts.tests;
      this.#passed += counts.passed;
      const skipped = counts.skipped + counts.todo;
      this.#skipped += skipped;
      this.#failed += counts.tests - counts.passed - skipped;
      return;
    }
    const { failed } = this.#file(file);
    const verdict = failed ? "FAIL" : "ok  ";
    if (failed) this.#failedIn.set(file, counts.tests - counts.passed - counts.skipped - counts.todo);
    const path = relative(this.#root, file);
    this.#write(`${verdict} ${path} (${counts.tests} tests, ${Math.round(durationMs)} ms)\n`);
    this.#files.delete(file);
  }
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, "    ");
}
