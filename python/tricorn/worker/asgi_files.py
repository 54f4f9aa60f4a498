"""Files that an ASGI application sends without reading them: http.response.pathsend and http.response.zerocopysend.

A file goes to the edge by its name where that is possible, and is read in blocks, off the loop's thread, elsewhere.
"""
from __future__ import annotations

import asyncio
import errno
import io
import os
import stat
import sys
from typing import Any, Optional

# What is read at once, and is on its way to the edge before the next is read.
BLOCK_SIZE = 262_144


class FilePart:
    """`count` bytes of an open file from `offset`."""

    def __init__(self, fd: int, found: os.stat_result, offset: int, count: Optional[int]) -> None:
        self.fd = fd
        self.offset = offset
        # A device's size means nothing.
        left = max(0, found.st_size - offset) if stat.S_ISREG(found.st_mode) else sys.maxsize
        self.count = left if count is None else min(count, left)
        # There is nothing behind it.
        self.to_end = self.count == left
        # Under which the edge can open it.
        self.name: Optional[str] = None

    async def read(self, done: int) -> bytes:
        """Returns the next block when so many bytes were read, b"" at the end. Raises OSError."""
        size = min(self.count - done, BLOCK_SIZE)
        if size <= 0:
            return b""
        return await asyncio.get_running_loop().run_in_executor(None, os.pread, self.fd, size, self.offset + done)


def open_path(path: Any, count: Optional[int]) -> FilePart:
    """Opens a regular file; the caller closes `fd`. Raises OSError, TypeError."""
    path = os.path.abspath(os.fsdecode(path))
    # A FIFO would block until somebody writes.
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "not a regular file", path)
        part = FilePart(fd, found, 0, count)
    except BaseException:
        os.close(fd)
        raise
    part.name = _printable(path)
    return part


def part_of(file: Any, offset: Optional[int], count: Optional[int]) -> FilePart:
    """Returns a part of a file that the application has opened, a number or an object with `fileno()`.

    Raises OSError, TypeError, RuntimeError.
    """
    fd = file if isinstance(file, int) else file.fileno()
    if offset is None:
        offset = position_of(file, fd)
    if offset < 0 or count is not None and count < 0:
        raise RuntimeError("offset and count of http.response.zerocopysend must not be negative")
    found = os.fstat(fd)
    part = FilePart(fd, found, offset, count)
    if stat.S_ISREG(found.st_mode):
        part.name = _name_of(fd, found)
    return part


def position_of(file: Any, fd: int) -> int:
    """Returns where the next byte would be read. A buffered object's descriptor may be ahead of it."""
    return file.tell() if isinstance(file, io.IOBase) else os.lseek(fd, 0, os.SEEK_CUR)


def move_to(file: Any, fd: int, position: int) -> None:
    """Sets where the next byte would be read."""
    if isinstance(file, io.IOBase):
        file.seek(position)
    else:
        os.lseek(fd, position, os.SEEK_SET)


def _name_of(fd: int, found: os.stat_result) -> Optional[str]:
    """Returns the name of an open file, None when there is none under which it can be opened again."""
    try:
        name = os.readlink("/proc/self/fd/%d" % fd)
        if os.path.isabs(name) and os.path.samestat(os.stat(name), found):
            return _printable(name)
    except OSError:
        # No /proc here, or the file has lost its name.
        pass
    return None


def _printable(path: str) -> Optional[str]:
    """Returns a path, None if it is no UTF-8: the wire's text is."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return None
    return path
