import assert from "node:assert/strict";
import { test } from "node:test";
import { fromLatin1 } from "../../std/bytes.ts";
import { ReadyText } from "./ready-text.ts";

test("a ready text is head and body, and made anew when the head changes", () => {
  const ready = new ReadyText();
  const body = fromLatin1("b\xe9dy");
  const first = ready.of("HTTP/1.1 200 OK\r\n", "Date: 1\r\n\r\n", body);
  assert.equal(first, "HTTP/1.1 200 OK\r\nDate: 1\r\n\r\nb\xe9dy");
  assert.equal(ready.of("HTTP/1.1 200 OK\r\n", "Date: 1\r\n\r\n", body), first);
  assert.equal(ready.of("HTTP/1.1 200 OK\r\n", "Date: 2\r\n\r\n", body), "HTTP/1.1 200 OK\r\nDate: 2\r\n\r\nb\xe9dy");
  assert.equal(ready.of("HTTP/1.1 200 Yes\r\n", "\r\n", body), "HTTP/1.1 200 Yes\r\n\r\nb\xe9dy");
});
