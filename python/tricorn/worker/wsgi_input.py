"""`wsgi.input` and `wsgi.errors`: file objects as PEP 3333 "Input and Error Streams" wants them."""
from __future__ import annotations

import io
import os
import sys
from typing import Any, Callable

from tricorn.worker.wire import ClientDisconnected, Upload


def open_spooled(path: str) -> io.BufferedReader:
    """Opens a body that the edge has spooled, and unlinks it: it lives as long as somebody has it open."""
    spooled = open(path, "rb")
    try:
        os.unlink(path)
    except OSError:
        # The edge's clean-up of the run directory was faster.
        pass
    return spooled


class StreamedInput(io.RawIOBase):
    """A body that arrives while the application reads it; to be wrapped into an io.BufferedReader.

    `wait(upload)` grants credit and returns once a chunk, the end or an abort is there.
    """

    def __init__(self, upload: Upload, wait: Callable[[Upload], None]) -> None:
        super().__init__()
        self._upload = upload
        self._wait = wait
        self._chunk = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._chunk:
            upload = self._upload
            while not upload.chunks:
                if upload.aborted:
                    raise ClientDisconnected("the client has gone away before its whole body arrived")
                if upload.ended:
                    return 0
                self._wait(upload)
            self._chunk = memoryview(upload.chunks.popleft())
        count = min(len(buffer), len(self._chunk))
        buffer[:count] = self._chunk[:count]
        self._chunk = self._chunk[count:]
        return count


class Input(io.BufferedReader):
    """A streamed body with exact reads: read(n) gives n bytes unless the body ends (behaviour of io)."""

    def close(self) -> None:
        """Frameworks close what they have read; later reads shall still find the end, so nothing happens."""


class Errors:
    """`wsgi.errors`: text to standard error, which the application may replace but not close through us."""

    encoding = "utf-8"

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            sys.stderr.write(line)

    def flush(self) -> None:
        sys.stderr.flush()

    def close(self) -> None:
        """The log outlives the request."""
