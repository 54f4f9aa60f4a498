"""The wire's frames and connections, as docs/wire.md lays them down.

A frame is a 4-byte little-endian length and one marshal object. `marshal.loads` must see bytes of the edge
only, so a peer is checked before its first frame is read (`peer_is_allowed`). It is not a parser of hostile
input: a frame that is malformed ends its connection, and bytes after the object inside a frame go unseen.

Invariants: bytes are read from a data connection under the server's reading lock only, and written under the
connection's own write lock only. `out` is appended to by anybody, with one atomic `+=`.
"""
from __future__ import annotations

import fcntl
import marshal
import mmap
import os
import socket
import struct
import sys
from _thread import allocate_lock
from collections import deque
from typing import Any, Optional

VERSION = 3
FRAME_SIZE_MAX = 1_048_576
# What a response may send before the edge grants more, and the largest chunk of one.
CREDIT = 262_144
# What a request body may send before the worker grants more.
UPLOAD_CREDIT = 65_536
# Descriptors of our own start here, out of the way of applications that close or count the low ones.
FD_MIN = 100
EDGES_MAX = 64
# Numbers in frames are marshal's 32-bit integers.
INT_MAX = 0x7FFFFFFF
RECEIVE_SIZE = 262_144
# Field sections that the edge may have remembered on one connection.
SECTIONS_MAX = 256
# Bases that the edge may give on one connection besides those of its hello.
BASES_MAX = 256

# A WebSocket's messages, in either direction: a sender puts a mark behind each MARK_AT of cost, which is the length of
# a message (characters or bytes) and MESSAGE_COST, and stops at MARKS_MAX marks without an answer.
MARK_AT = 131_072
MARKS_MAX = 2
MESSAGE_COST = 64
# Longer messages travel in parts, of which none is larger than this.
MESSAGE_SIZE_MAX = 65_536
PART_SIZE_MAX = 262_144
# More than one message in a frame do not make it larger than this: the edge can begin with the first.
MESSAGES_SIZE_MAX = 262_144

# Kinds of frames, edge → worker.
HELLO, REQUEST, BODY, GONE, GRANT, SECTION, MESSAGES, PART, CLOSED, PASSED, RECALL = 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
BASE = 11
# Kinds of frames, worker → edge.
WHOLE, HEAD, CHUNK, END, FILE, FAILED, WANT, INFORMATIONAL, RETURNED = 1, 2, 3, 4, 5, 6, 7, 8, 9
ACCEPT, SENT, RECEIVED, SENT_PART, CLOSE = 10, 11, 12, 13, 14

# As it was before the application could replace it (gevent does).
Socket = socket.socket
MSG_DONTWAIT = socket.MSG_DONTWAIT
dumps = marshal.dumps
loads = marshal.loads
pack_length = struct.Struct("<I").pack
# The beginning of a WHOLE frame, up to the first byte of its body: length, tuple of 5, kind, id, and the body's length.
# Called with (length, WHOLE_START, id, b"s", length of the body); the length of the frame is WHOLE_SIZE, body and head.
pack_whole = struct.Struct("<I11sIcI").pack
WHOLE_START = b"(\5\0\0\0i\1\0\0\0i"
WHOLE_SIZE = 20
unpack_length = struct.Struct("<I").unpack_from


class Malformed(Exception):
    """The edge broke the contract of the wire: its connection cannot go on."""


class ClientDisconnected(OSError):
    """The client has gone away, or its body will never be complete."""


class FrameTooLarge(ValueError):
    """The application's response head does not fit into a frame."""


def encode(frame: tuple) -> tuple:
    """Returns a frame's length and payload as bytes, ready for `out`. Raises FrameTooLarge, ValueError."""
    payload = dumps(frame, 2)
    if len(payload) > FRAME_SIZE_MAX:
        raise FrameTooLarge("the response head is larger than a frame may be (%d bytes)" % FRAME_SIZE_MAX)
    return pack_length(len(payload)), payload


def raise_descriptor(sock: socket.socket) -> socket.socket:
    """Moves a socket to a close-on-exec descriptor of at least FD_MIN, or leaves it where limits forbid that."""
    try:
        fd = fcntl.fcntl(sock.fileno(), fcntl.F_DUPFD_CLOEXEC, FD_MIN)
    except OSError:
        return sock
    moved = Socket(sock.family, sock.type, sock.proto, fileno=fd)
    sock.close()
    return moved


def wake_pair() -> tuple:
    """Returns two connected sockets: a byte into the first (`nudge`) wakes whoever waits for the second."""
    ours, theirs = socket.socketpair()
    return raise_descriptor(ours), raise_descriptor(theirs)


def nudge(sock: socket.socket) -> None:
    """Wakes the other end of a wake_pair."""
    try:
        sock.send(b"w", socket.MSG_DONTWAIT)
    except OSError:
        # The buffer is full of nudges: it will wake.
        pass


def peer_of(sock: socket.socket) -> Optional[tuple]:
    """Returns (pid, uid) of a Unix socket's other end, None where the system cannot tell."""
    if not hasattr(socket, "SO_PEERCRED"):
        return None
    pid, uid, _ = struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return pid, uid


def private_mode(path: str) -> int:
    """
    The mode of a file in the run directory for its maker and the directory's owner, who is the edge's user.
    Nobody but the two and the maker's group can enter a directory where they differ; the group is kept out.
    """
    return 0o600 if edge_user(path) == os.geteuid() else 0o606


def edge_user(path: str) -> int:
    """As whom the edge runs: the owner of the directory that a socket is in."""
    return os.stat(os.path.dirname(path)).st_uid


class State:
    """The mapped state file: a few numbers, stored before each call of the application."""

    def __init__(self, path: str) -> None:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.fchmod(fd, private_mode(path))
            os.ftruncate(fd, 4096)
            view = memoryview(mmap.mmap(fd, 4096))
        finally:
            os.close(fd)
        self.clock = view[:2048].cast("d")
        self.started = view[2048:2304].cast("I")
        self.answered = view[2304:2308].cast("I")


class Upload:
    """A request body that arrives in chunks; filled under the reading lock, emptied by the application's side."""

    __slots__ = ("chunks", "ended", "aborted", "granted", "received")

    def __init__(self, granted: int) -> None:
        self.chunks: deque = deque()
        self.ended = False
        self.aborted = False
        # All that the edge may send, written by the application's side; all that came, written by the reader.
        self.granted = granted
        self.received = 0

    def put(self, chunk: bytes, more: bool) -> None:
        """Takes one frame of kind 2."""
        self.received += len(chunk)
        if self.ended or self.received > self.granted:
            raise Malformed("bytes of a request body that has ended, or beyond its credit")
        if chunk:
            self.chunks.append(chunk)
        if not more:
            self.ended = True

    def grant(self) -> int:
        """Returns how many bytes to grant now, 0 when the edge has enough left or nothing more to send."""
        left = self.granted - self.received
        if self.ended or left > UPLOAD_CREDIT // 2:
            return 0
        more = UPLOAD_CREDIT - left
        self.granted += more
        return more


def expects_continue(head: dict) -> bool:
    """Tells whether a request waits for 100 Continue: then its body starts without credit."""
    if "headers" in head:
        return any(name == b"expect" and value.lower() == b"100-continue" for name, value in head["headers"])
    return head.get("HTTP_EXPECT", "").lower() == "100-continue"


def check_frame(frame: tuple) -> None:
    """Checks a frame of a data connection that is neither hello, request nor messages. Raises Malformed, ValueError."""
    kind = frame[0]
    good = True
    if kind == BODY:
        _, id, chunk, more = frame
        good = type(chunk) is bytes and type(more) is bool
    elif kind == GRANT:
        _, id, credit = frame
        good = type(credit) is int and credit > 0
    elif kind in (GONE, PASSED):
        _, id = frame
    elif kind == PART:
        _, id, part, last = frame
        good = type(part) is bytes and type(last) is int and 0 <= last <= 2
    elif kind == CLOSED:
        _, id, code, reason = frame
        good = type(code) is int and type(reason) is str
    else:
        raise Malformed("a frame of kind %.20r" % (kind,))
    if not good or type(id) is not int or id <= 0:
        raise Malformed("a frame of kind %d and a strange shape" % kind)


class Connection:
    """One connection of an edge thread: data or steward, as its hello says."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.fd = sock.fileno()
        self.role: Optional[str] = None
        self.edge = 0
        self.bases: list = []
        # So many of them came with the hello.
        self.listeners = 0
        # Whose values a request's head has, in their order; every base has them too, so that none makes a copy grow.
        self.keys: tuple = ()
        self.out: list = []
        # What the socket did not take of a frame that was begun; read and written under `writing`.
        self.rest = b""
        self.writing = allocate_lock()
        self.closed = False
        self.uploads: dict = {}
        self.running: dict = {}
        self.late: deque = deque(maxlen=256)
        self.scheduled = False
        # When the loop wrote last, by the monotonic clock.
        self.written_s = 0.0
        self.opened: list = []
        # Open WebSockets by id, and what they send, [data, ids, data, ids, …]. In front is an entry of marks, mostly
        # for nobody. The loop's thread alone touches these.
        self.websockets: dict = {}
        self.messages: list = [None, []]
        self._buffer = bytearray(RECEIVE_SIZE)
        self._view = memoryview(self._buffer)
        self._have = 0
        # Base and fields, joined, by the number that the edge gave them. Copied for each request, never changed.
        self._sections: list = [None] * SECTIONS_MAX

    def receive(self, requests: deque, other: Any) -> int:
        """Reads what lies in the socket, without waiting, under the reading lock.

        Requests go to `requests` as (connection, id, environ or scope, body), all else to other(connection, frame).
        Returns the number of bytes read: 0 when there is nothing now, -1 when the connection has ended.
        Raises Malformed.
        """
        view = self._view
        try:
            got = self.sock.recv_into(view[self._have:], 0, MSG_DONTWAIT)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:
            return -1
        if not got:
            return -1
        at, end = 0, self._have + got
        sections, keys, append = self._sections, self.keys, requests.append
        try:
            while end - at >= 4:
                start = at + 4
                size, = unpack_length(view, at)
                stop = start + size
                if stop > end:
                    if size > FRAME_SIZE_MAX:
                        raise Malformed("a frame of %d bytes" % size)
                    break
                at = stop
                frame = loads(view[start:stop])
                if frame[0] == REQUEST and self.bases:
                    _, id, base, head, own, body, fields = frame
                    if type(id) is not int or id <= 0 or type(head) is not tuple or type(own) is not dict:
                        raise Malformed("a request of a strange shape")
                    complete = sections[fields].copy() if type(fields) is int else self._join(base, fields)
                    for key, value in zip(keys, head):
                        complete[key] = value
                    if len(head) != len(keys):
                        self._leave_out(complete, len(head))
                    if own:
                        complete.update(own)
                    if type(body) is not bytes:
                        self._expect_body(id, body, complete)
                    append((self, id, complete, body))
                elif frame[0] == MESSAGES and self.bases:
                    _, messages = frame
                    if type(messages) is not list or len(messages) % 2:
                        raise Malformed("messages of a strange shape")
                    other(self, frame)
                else:
                    self._take(frame, other)
                    # It may have been the hello.
                    keys = self.keys
        except Malformed:
            raise
        except Exception as error:
            raise Malformed("%s: %s" % (type(error).__name__, error)) from error
        if at == end and len(self._buffer) == RECEIVE_SIZE:
            self._have = 0
        else:
            self._keep(at, end)
        return got

    def _take(self, frame: tuple, other: Any) -> None:
        """Takes a frame that is no request. Raises Malformed and what a strange shape raises."""
        if type(frame) is not tuple:
            raise Malformed("a frame that is no tuple")
        if self.bases:
            if frame[0] == SECTION:
                _, number, base, fields = frame
                if type(number) is not int or number < 0:
                    raise Malformed("a section of a strange number")
                self._sections[number] = self._join(base, fields)
                return
            if frame[0] == BASE:
                return self._set_base(*frame[1:])
            check_frame(frame)
        other(self, frame)

    def _leave_out(self, complete: dict, count: int) -> None:
        """A request whose head has the first `count` values only has no such keys as the others."""
        if count > len(self.keys):
            raise Malformed("a head of too many values")
        for key in self.keys[count:]:
            del complete[key]

    def _set_base(self, number: int, listener: int, own: dict) -> None:
        """A listener's constants with what certain connections of it have besides, under a number of its own."""
        bases, listeners = self.bases, self.listeners
        if not listeners <= number <= len(bases) or number >= listeners + BASES_MAX or not 0 <= listener < listeners:
            raise Malformed("a base of a strange number")
        complete = {**bases[listener], **own}
        if number == len(bases):
            bases.append(complete)
        else:
            bases[number] = complete

    def _join(self, base: int, fields: Any) -> dict:
        """Joins a listener's constants and a section's fields: a dict of keys, or a scope's list of headers."""
        if type(fields) is dict:
            return {**self.bases[base], **fields}
        if type(fields) is not list:
            raise Malformed("fields of a strange shape")
        return {**self.bases[base], "headers": fields}

    def _expect_body(self, id: int, body: Any, complete: dict) -> None:
        """Makes room for a body that follows."""
        if body is None:
            self.uploads[id] = Upload(0 if expects_continue(complete) else UPLOAD_CREDIT)
        elif type(body) is not str:
            raise Malformed("a body that is no bytes, path or None")

    def _keep(self, at: int, end: int) -> None:
        """Moves an unfinished frame to the start of the buffer, which grows to the frame and shrinks again."""
        have = end - at
        need = RECEIVE_SIZE
        if have >= 4:
            need = max(need, 4 + unpack_length(self._view, at)[0])
        if need != len(self._buffer):
            grown = bytearray(need)
            grown[:have] = self._view[at:end]
            self._buffer = grown
            self._view = memoryview(grown)
        elif have and at:
            self._buffer[:have] = self._buffer[at:end]
        self._have = have

    def hello(self, frame: tuple) -> None:
        """Takes the first frame. Raises Malformed for anything but a hello of our version."""
        kind, version, role, edge, bases, keys = frame
        if kind != HELLO or version != VERSION or role not in ("data", "steward") or self.role is not None:
            raise Malformed("not a hello of version %d" % VERSION)
        if not 0 <= edge < EDGES_MAX or type(bases) is not list or not all(type(base) is dict for base in bases):
            raise Malformed("a hello of a strange shape")
        if type(keys) is not list or not all(type(key) is str for key in keys) or len(set(keys)) < len(keys):
            raise Malformed("a hello with strange keys")
        if role == "data" and not bases:
            raise Malformed("a data connection without a base")
        self.role, self.edge, self.listeners, self.keys = role, edge, len(bases), tuple(map(sys.intern, keys))
        self.bases = [{**base, **dict.fromkeys(self.keys)} for base in bases]

    def put_mark(self, id: int) -> None:
        """Puts a WebSocket's mark before the last message, which may still go to others as well."""
        messages = self.messages
        if len(messages) == 2:
            messages[1].append(id)
        elif messages[-4] is None:
            messages[-3].append(id)
        else:
            messages[-2:-2] = (None, [id])

    def pour(self) -> None:
        """Makes a frame of the messages so far: what is put into `out` after this does not overtake them."""
        messages = self.messages
        if not messages[1]:
            if len(messages) == 2:
                return
            messages = messages[2:]
        self.messages = [None, []]
        self._put_messages(messages)

    def _put_messages(self, messages: list) -> None:
        """Puts messages into as many frames as they need."""
        payload = dumps((SENT, messages), 2)
        if len(payload) <= MESSAGES_SIZE_MAX or len(messages) == 2 and len(payload) <= FRAME_SIZE_MAX:
            self.out += pack_length(len(payload)), payload
        elif len(messages) > 2:
            half = len(messages) // 4 * 2
            self._put_messages(messages[:half])
            self._put_messages(messages[half:])
        else:
            # One message, to tens of thousands.
            data, ids = messages
            half = len(ids) // 2
            self._put_messages([data, ids[:half]])
            self._put_messages([data, ids[half:]])

    def flush(self) -> None:
        """Writes everything finished, waiting for the edge to take it. A lost connection swallows it."""
        with self.writing:
            data = self._take_out()
            self.rest = b""
            if data:
                try:
                    self.sock.sendall(data)
                except OSError:
                    self.closed = True

    def flush_some(self, patience_s: float = -1) -> bool:
        """Writes what the socket takes now; returns True when nothing is left (or the connection is lost).

        Whoever writes at the moment is waited for, for so long (negative: for ever).
        """
        if not self.writing.acquire(False) and not self.writing.acquire(timeout=patience_s):
            return False
        try:
            if not self.out and not self.rest:
                return True
            data = self._take_out()
            try:
                sent = self.sock.send(data, MSG_DONTWAIT)
            except (BlockingIOError, InterruptedError):
                sent = 0
            except OSError:
                self.closed = True
                sent = len(data)
            self.rest = data[sent:]
            return not self.rest
        finally:
            self.writing.release()

    def _take_out(self) -> bytes:
        """Takes all frames out of `out`, behind what the socket has not taken yet."""
        out = self.out
        count = len(out)
        data = b"".join(out[:count])
        del out[:count]
        return self.rest + data if self.rest else data

    def close(self) -> None:
        """Ends the connection; the edge learns of it at once."""
        self.closed = True
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            # The other end was faster.
            pass
        # Not while somebody writes: the number may be another connection's a moment later.
        with self.writing:
            self.sock.close()
