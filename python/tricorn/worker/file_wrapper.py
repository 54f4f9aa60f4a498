"""`wsgi.file_wrapper` (PEP 3333 "Optional Platform-Specific File Handling").

A real file goes to the edge by its name, not by its content. Whatever only looks like one (GzipFile, a wrapper
with its own read) is iterated in blocks, because a fileno() does not prove that read() gives the file's bytes.
"""
from __future__ import annotations

import io
import os
import stat
from typing import Any, Optional


class FileWrapper:
    """An iterable over a file-like object's blocks, closing it when it is closed."""

    def __init__(self, filelike: Any, block_size: int = 8192) -> None:
        self.filelike = filelike
        self.block_size = block_size
        for name in ("close", "seek", "tell"):
            if hasattr(filelike, name):
                setattr(self, name, getattr(filelike, name))

    def __iter__(self) -> "FileWrapper":
        return self

    def __next__(self) -> bytes:
        block = self.filelike.read(self.block_size)
        if block:
            return block
        raise StopIteration


def plain_file(filelike: Any) -> Optional[tuple]:
    """Returns (path, offset, bytes left) of a builtin file that can be opened again by name, else None."""
    if type(filelike) in (io.BufferedReader, io.BufferedRandom):
        if type(filelike.raw) is not io.FileIO:
            return None
    elif type(filelike) is not io.FileIO:
        return None
    try:
        if type(filelike) is io.BufferedRandom:
            filelike.flush()
        path = os.fsdecode(os.path.abspath(filelike.name))
        path.encode()
        opened = os.fstat(filelike.fileno())
        if not stat.S_ISREG(opened.st_mode) or not os.path.samestat(opened, os.stat(path)):
            return None
        # The object's own position: the descriptor's may be ahead of it by what is buffered.
        offset = filelike.tell()
    except (OSError, TypeError, ValueError, AttributeError):
        # Closed, unlinked, opened by descriptor, a name that is no UTF-8: reading still works.
        return None
    return path, offset, max(0, opened.st_size - offset)
