"""Response fields (headers) as applications hand them over: checked once, remembered, normalised.

Most responses carry fields that were seen before, so a pair that was found good is remembered in a bounded
table with what it means: nothing special, a Content-Length, or a field of the connection that is dropped.
A whole head, status and fields, that was seen before is remembered as the bytes that it is on the wire.
"""
from __future__ import annotations

import re
from typing import Any, Callable, Optional

from tricorn.worker.wire import dumps

# Remembered pairs; a full table is emptied, which costs one slow check for each.
REMEMBERED_MAX = 2048
# Longer values (cookies, policies) are checked each time rather than kept.
REMEMBERED_SIZE_MAX = 512
# Remembered heads, and the bytes of the longest; a full table is emptied.
HEADS_MAX = 512
HEAD_SIZE_MAX = 2048

# What `known.get(pair, UNKNOWN)` gives: None for a plain field, a number ≥ 0 for a Content-Length.
DROP = -1
UNKNOWN = -2

# RFC 9110 §7.6.1, and PEP 3333 "Other HTTP Features": the connection is the edge's, not the application's.
HOP_BY_HOP = frozenset((
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailers", "transfer-encoding",
    "upgrade", "proxy-connection"))

is_token = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+").fullmatch
# RFC 9110 §5.5: no CR, LF, NUL; other control characters except HTAB are refused with them.
is_value = re.compile(r"[\t\x20-\x7e\x80-\xff]*").fullmatch
is_status = re.compile(r"[2-9][0-9][0-9](?: [\t\x20-\x7e\x80-\xff]*)?").fullmatch


def _meaning(name: str, value: str) -> Optional[int]:
    """Returns what a good field means: None, a length, or DROP. Raises ValueError for a bad Content-Length."""
    lower = name.lower()
    if lower == "content-length":
        digits = value.strip(" \t")
        if not (digits.isascii() and digits.isdigit()) or len(digits) > 18:
            raise ValueError("Content-Length must be a number of bytes, not %r" % value)
        return int(digits)
    if lower in HOP_BY_HOP and not (lower == "connection" and value.strip().lower() == "close"):
        return DROP
    return None


class Fields:
    """Checks the fields of one interface. `heads` is read directly by the request path."""

    def __init__(self, normalise: Callable[[Any], tuple]) -> None:
        self.known: dict = {}
        # By (status, pair, pair, …): its bytes at the end of a frame, Content-Length or None, status, pairs.
        self.heads: dict = {}
        self._normalise = normalise

    def read(self, headers: list) -> tuple:
        """Returns (list of good pairs, Content-Length or None, were all of them remembered?). Raises as `examine`."""
        length = None
        try:
            for pair in headers:
                meaning = self.known.get(pair, UNKNOWN)
                if meaning is not None:
                    if meaning < 0 or length is not None:
                        return *self.examine(headers), False
                    length = meaning
        except TypeError:
            # A pair that is a list cannot be looked up; what is really wrong gets its own error here.
            return *self.examine(headers), False
        # What the application does to its list from now on comes too late.
        return headers.copy(), length, True

    def keep_head(self, status: Any, headers: list, length: Optional[int]) -> None:
        """Remembers a head whose pairs are all remembered. Nobody may change `headers` afterwards."""
        try:
            head = dumps(status, 2) + dumps(headers, 2)
        except ValueError:
            # A subclass of str or bytes slipped through as the equal of a remembered pair.
            return
        if len(head) <= HEAD_SIZE_MAX:
            if len(self.heads) >= HEADS_MAX:
                self.heads.clear()
            self.heads[(status, *headers)] = head, length, status, headers

    def examine(self, headers: Any) -> tuple:
        """Returns (list of good pairs, Content-Length or None). Raises TypeError or ValueError, naming the field."""
        good = []
        length = None
        known = self.known
        for item in headers:
            pair, name, value = self._normalise(item)
            if not is_token(name):
                raise ValueError("%r is not a valid field name" % name)
            if not is_value(value):
                raise ValueError("the value of field %s has characters that are not allowed "
                                 "(line breaks, control characters or above U+00FF)" % name)
            meaning = _meaning(name, value)
            if len(value) <= REMEMBERED_SIZE_MAX:
                if len(known) >= REMEMBERED_MAX:
                    known.clear()
                known[pair] = meaning
            if meaning == DROP:
                continue
            if meaning is not None:
                if length is not None:
                    if length != meaning:
                        raise ValueError("two different Content-Length fields: %d and %d" % (length, meaning))
                    continue
                length = meaning
            good.append(pair)
        return good, length


def _text_pair(item: Any) -> tuple:
    """WSGI: a pair of str (PEP 3333 "Unicode Issues")."""
    try:
        name, value = item
    except (TypeError, ValueError):
        raise TypeError("a header must be a (name, value) tuple, not %.100r" % (item,)) from None
    if not isinstance(name, str):
        raise TypeError("a header's name must be str, not %s (%.100r)" % (type(name).__name__, name))
    if not isinstance(value, str):
        raise TypeError("the value of header %s must be str, not %s" % (name, type(value).__name__))
    # A subclass of str (Django's SafeString) is not a str to marshal; this makes it one.
    name, value = str.__str__(name), str.__str__(value)
    return (name, value), name, value


def _byte_pair(item: Any) -> tuple:
    """ASGI: a pair of byte strings."""
    try:
        name, value = item
    except (TypeError, ValueError):
        raise TypeError("a header must be a pair of byte strings, not %.100r" % (item,)) from None
    for part in (name, value):
        if not isinstance(part, (bytes, bytearray, memoryview)):
            raise TypeError("headers must be byte strings, not %s (%.100r: %.100r)"
                            % (type(part).__name__, name, value))
    name, value = bytes(name), bytes(value)
    return (name, value), name.decode("latin-1"), value.decode("latin-1")


def wsgi_fields() -> Fields:
    return Fields(_text_pair)


def asgi_fields() -> Fields:
    return Fields(_byte_pair)
