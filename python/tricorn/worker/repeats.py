"""Requests that come again, by the bytes of their frame after the id.

Clients that poll, health checks and proxies send the same request on the same connection again and again. One that
was seen costs a hash and a copy of its dict, where `marshal.loads` and the merge with its field section cost four times
as much; one that was not costs a tenth more. Everything in it is immutable but the dict itself and a scope's list of
headers: both are copied for each request.
"""
from __future__ import annotations

from typing import Optional

# About 3 KB each: 1.5 MB for each edge thread at most.
REPEATS_MAX = 512
# A frame with a field section is 200 bytes long; longer ones carry what comes but once.
REPEAT_SIZE_MAX = 512
# After so many entries without as many uses the table is of no use to these clients; so many requests go without.
PAUSE = 32 * REPEATS_MAX


class Repeats:
    """One connection's table. The reader looks into `table` by itself, and counts `hits`."""

    def __init__(self) -> None:
        self.table: Optional[dict] = {}
        self.hits = 0
        self._puts = 0
        self._pause = 0

    def put(self, tail: bytes, complete: dict) -> None:
        """Remembers an environ or scope."""
        self._puts += 1
        if self._puts > REPEATS_MAX:
            if self.hits < self._puts:
                self.table = None
                self._pause = PAUSE
            self.forget()
            self.hits = self._puts = 0
        if self.table is not None:
            self.table[tail] = complete.copy()

    def forget(self) -> None:
        """Empties the table: it is full, or a number in it stands for another section now."""
        if self.table is not None:
            self.table.clear()

    def missed(self) -> None:
        """Counts a request that went without the table; ends the pause."""
        self._pause -= 1
        if self._pause <= 0:
            self.table = {}
