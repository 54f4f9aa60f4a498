"""Request heads that may come again, by their bytes.

A client sends the same fields with each of its requests, and programs send the same request again and again. A head
that was seen costs a copy of its dict, a quarter of what `marshal.loads` and the merge with the base cost.
Everything in a head is immutable but the dict itself and a scope's list of headers: both are copied for each request.
"""
from __future__ import annotations

from typing import Optional

# A browser's head is 700 bytes, and about 3 KB as a dict: 2 MB for each edge thread at most, for usual heads.
HEADS_MAX = 512
HEAD_SIZE_MAX = 4096
# A table that filled up with less use than entries is of no use to these clients; so many requests go without.
PAUSE = 16 * HEADS_MAX


class Heads:
    """One connection's table. The reader looks into `table` by itself, and counts `hits`."""

    def __init__(self) -> None:
        self.table: Optional[dict] = {}
        self.hits = 0
        self._pause = 0

    def put(self, tail: bytes, complete: dict) -> None:
        """Remembers an environ or scope by the bytes of its frame after the id."""
        table = self.table
        if table is None:
            return
        if len(table) >= HEADS_MAX:
            if self.hits < HEADS_MAX:
                self.table = None
                self._pause = PAUSE
                return
            table.clear()
            self.hits = 0
        table[tail] = complete.copy()

    def missed(self) -> None:
        """Counts a request that went without the table; ends the pause."""
        self._pause -= 1
        if self._pause <= 0:
            self.table = {}
            self.hits = 0
