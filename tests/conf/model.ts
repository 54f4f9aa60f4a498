// nginx's reading of a text once more, as slowly and plainly as it can be said: one character after the other, and the
// first mistake ends it. What src/config/nginx/lexer.ts says must agree.

export interface ModelDirective {
  readonly words: readonly string[];
  /** "}" closes a block and has no words. */
  readonly end: ";" | "{" | "}";
  /** The line of its end. */
  readonly line: number;
}

export interface Model {
  readonly directives: readonly ModelDirective[];
  /** nginx's words and line for the first mistake. */
  readonly mistake: { readonly nginx: string; readonly line: number } | undefined;
}

const blanks: readonly string[] = [" ", "\t", "\r", "\n"];

export function readModel(text: string): Model {
  const directives: ModelDirective[] = [];
  let words: string[] = [];
  let word: string | undefined;
  let quote = "";
  let state: "between" | "in word" | "behind quote" | "in comment" = "between";
  let isEscaped = false;
  let isBehindDollar = false;
  let depth = 0;
  let line = 1;
  const failed = (nginx: string): Model => ({ directives, mistake: { nginx, line } });
  const finish = (end: ";" | "{" | "}"): void => {
    directives.push({ words, end, line });
    words = [];
    if (end === "{") depth += 1;
    if (end === "}") depth -= 1;
  };
  const endWord = (): void => {
    if (word !== undefined) words.push(unescape(word));
    word = undefined;
    quote = "";
  };
  for (const character of text) {
    if (character === "\n") line += 1;
    if (state === "in comment") {
      if (character === "\n") state = "between";
      continue;
    }
    if (state === "in word") {
      if (isEscaped) {
        isEscaped = false;
        word += character;
        continue;
      }
      if (character === "{" && isBehindDollar) {
        word += character;
        continue;
      }
      isBehindDollar = character === "$";
      if (character === "\\") isEscaped = true;
      const ends = quote === "" ? [...blanks, ";", "{"].includes(character) : character === quote;
      if (isEscaped || !ends) {
        word += character;
        continue;
      }
      state = quote === "" ? "between" : "behind quote";
      endWord();
      if (state === "behind quote" || blanks.includes(character)) continue;
      finish(character === ";" ? ";" : "{");
      continue;
    }
    if (state === "behind quote") {
      if (![...blanks, ";", "{", ")"].includes(character)) return failed(`unexpected "${character}"`);
      state = "between";
    }
    if (blanks.includes(character)) continue;
    if (character === "#") {
      state = "in comment";
    } else if (character === ";" || character === "{") {
      if (words.length === 0) return failed(`unexpected "${character}"`);
      finish(character);
    } else if (character === "}") {
      if (words.length > 0 || depth === 0) return failed('unexpected "}"');
      finish("}");
    } else {
      state = "in word";
      quote = character === '"' || character === "'" ? character : "";
      word = quote === "" ? character : "";
      isEscaped = character === "\\";
      isBehindDollar = character === "$";
    }
  }
  if (state === "in word" || state === "behind quote" || words.length > 0) {
    return failed('unexpected end of file, expecting ";" or "}"');
  }
  return depth > 0 ? failed('unexpected end of file, expecting "}"') : { directives, mistake: undefined };
}

function unescape(word: string): string {
  let value = "";
  for (let at = 0; at < word.length; at++) {
    const pair = word.slice(at, at + 2);
    const resolved = { "\\\"": '"', "\\'": "'", "\\\\": "\\", "\\t": "\t", "\\r": "\r", "\\n": "\n" }[pair];
    value += resolved ?? word[at] ?? "";
    if (resolved !== undefined) at += 1;
  }
  return value;
}
