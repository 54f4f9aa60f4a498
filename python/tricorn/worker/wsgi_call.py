"""One call of a WSGI application: start_response, write, the iterable, close (PEP 3333).

`WsgiServer` answers the common case by itself (one block in a list); everything else runs through `respond`.
A call lives on one thread from the application's call to close().
"""
from __future__ import annotations

from typing import Any, Optional

from tricorn.worker import wire
from tricorn.worker.failure import report
from tricorn.worker.fields import is_status, wsgi_fields
from tricorn.worker.file_wrapper import FileWrapper, plain_file
from tricorn.worker.wire import CREDIT, ClientDisconnected

FIELDS = wsgi_fields()
STATUSES: dict = {}
STATUSES_MAX = 256
_head_of = FIELDS.heads.get


def check_status(status: Any) -> str:
    """Returns an exact str. Raises TypeError or ValueError."""
    if not isinstance(status, str):
        raise TypeError("the status must be str, not %s" % type(status).__name__)
    status = str.__str__(status)
    if not is_status(status):
        raise ValueError("the status must look like '200 OK' and be no 1xx, not %.100r" % status)
    if len(STATUSES) < STATUSES_MAX:
        STATUSES[status] = True
    return status


class Call:
    """What the server knows of one request while the application works on it.

    `server` belongs to the class: each server has a subclass of its own, which saves a store for each request.
    """

    __slots__ = ("connection", "id", "method", "slot", "status", "headers", "head", "length", "count", "granted",
                 "spent", "head_sent", "gone")
    server: Any

    # `status` is None until start_response() was called, and empty when that failed. `head` are the bytes of status and
    # headers, where they are remembered. `length` is the application's
    # Content-Length, `count` the bytes of its body so far. `granted` bytes the edge will take in all, written by the
    # reader; `spent` are on the wire, written by the call's own thread.

    def __init__(self, connection: Any, id: int, method: str, slot: int = 0) -> None:
        self.connection = connection
        self.id = id
        self.method = method
        self.slot = slot
        self.status: Optional[str] = None
        self.head_sent = False
        self.gone = False

    def start_response(self, status: str, headers: Any, exc_info: Any = None) -> Any:
        """PEP 3333 "The start_response() Callable"; returns write()."""
        if exc_info is not None:
            try:
                if self.head_sent:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None
        elif self.status is not None:
            raise AssertionError("start_response() was called a second time without exc_info")
        # Called, though nothing is known yet: what follows may raise.
        self.status = ""
        self.count = 0
        if type(headers) is not list:
            headers = list(headers)
        try:
            known = _head_of((status, *headers))
        except TypeError:
            # A pair that is a list cannot be looked up.
            known = None
        if known is None:
            self._take_head(status, headers)
        else:
            self.head, self.length, self.status, self.headers = known
        return self.write

    def _take_head(self, status: Any, headers: list) -> None:
        """Checks a head that is not remembered, and remembers one whose pairs all are."""
        if status not in STATUSES or type(status) is not str:
            status = check_status(status)
        headers, length, is_known = FIELDS.read(headers)
        if is_known:
            FIELDS.keep_head(status, headers, length)
        self.head = None
        self.status = status
        self.headers = headers
        self.length = length

    def write(self, data: bytes) -> None:
        """PEP 3333 "The write() Callable": sends a block at once. Raises ClientDisconnected, ValueError."""
        if not isinstance(data, (bytes, bytearray, memoryview)):
            raise TypeError("write() takes bytes, not %s" % type(data).__name__)
        if self.length is not None and self.count + len(data) > self.length and not self.bodyless:
            raise ValueError("write() of more bytes than Content-Length (%d)" % self.length)
        self.send(bytes(data))

    def early_hints(self, headers: Any) -> None:
        """`wsgi.early_hints`: sends 103 with these fields; nothing once the head is sent."""
        pairs = []
        for name, value in headers:
            pairs.append(tuple(part.decode("latin-1") if isinstance(part, bytes) else part for part in (name, value)))
        pairs, _ = FIELDS.examine(pairs)
        if self.head_sent or self.gone:
            return
        self.connection.out += wire.encode((wire.INFORMATIONAL, self.id, 103, pairs))
        self.connection.flush()

    @property
    def bodyless(self) -> bool:
        """RFC 9110 §6.4.1: a response to HEAD, and 204 and 304, have no content."""
        return self.method == "HEAD" or bool(self.status) and self.status[:3] in ("204", "304")

    def respond(self, result: Any) -> None:
        """Sends what the application returned, and closes it, whatever happens. Raises what it raises."""
        try:
            if type(result) is FileWrapper and not self.head_sent and self._send_file(result):
                return
            if type(result) in (list, tuple) and not self.head_sent:
                self._send_whole(result)
            else:
                self._iterate(result)
        finally:
            close = getattr(result, "close", None)
            if close is not None:
                try:
                    close()
                except BaseException as error:
                    report("Exception in close() of a WSGI response", error)

    def send(self, block: bytes) -> None:
        """Sends a block before it returns; the head goes with the first one. Raises ClientDisconnected."""
        if not self.status:
            raise AssertionError("a body was given before start_response() was called")
        if self.head_sent:
            self.server.look(self)
        if self.gone:
            raise ClientDisconnected("the client has gone away")
        self.count += len(block)
        if self.bodyless:
            block = b""
            if self.head_sent:
                return
        connection = self.connection
        start = 0
        size = len(block)
        if not self.head_sent:
            start = min(size, CREDIT)
            self.granted, self.spent = CREDIT, start
            self._put((wire.HEAD, self.id, block[:start], self.status, self.headers))
            self.head_sent = True
        while start < size:
            credit = self.granted - self.spent
            if credit <= 0:
                connection.flush()
                self.server.wait_for_credit(self)
                continue
            end = min(size, start + credit, start + CREDIT)
            connection.out += wire.encode((wire.CHUNK, self.id, block[start:end]))
            self.spent += end - start
            start = end
        connection.flush()
        self.server.beat(self)

    def _put(self, frame: tuple) -> None:
        """Queues a frame that carries the head."""
        try:
            encoded = wire.encode(frame)
        except wire.FrameTooLarge:
            raise
        except ValueError:
            # A subclass of str slipped through as the equal of a remembered pair.
            self.headers, _ = FIELDS.examine(self.headers)
            encoded = wire.encode(frame[:-1] + (self.headers,))
        self.connection.out += encoded

    def _put_whole(self, body: bytes) -> None:
        """Queues a whole response, of at most CREDIT bytes."""
        head = self.head
        if head is None:
            self._put((wire.WHOLE, self.id, body, self.status, self.headers))
        else:
            size = len(body)
            begin = wire.pack_whole(wire.WHOLE_SIZE + size + len(head), wire.WHOLE_START, self.id, b"s", size)
            self.connection.out += begin, body, head
        self.head_sent = True

    def _send_whole(self, blocks: Any) -> None:
        """A list or tuple: its length is known (PEP 3333 "Handling the Content-Length Header")."""
        for block in blocks:
            if not isinstance(block, (bytes, bytearray, memoryview)):
                raise TypeError("a WSGI response must give bytes, not %s" % type(block).__name__)
        body = b"".join(blocks)
        if not self.status:
            raise AssertionError("the application returned without calling start_response()")
        if self.bodyless:
            body = b""
        elif self.length is None:
            if len(body) > CREDIT:
                self._declare(len(body))
        elif len(body) > self.length:
            body = body[:self.length]
        if len(body) > CREDIT or self.length is not None and len(body) < self.length and not self.bodyless:
            self.send(body)
            self._end()
        else:
            self._put_whole(body)

    def _iterate(self, result: Any) -> None:
        if isinstance(result, (str, bytes, bytearray)):
            raise TypeError("the application returned %s; it must return an iterable of bytes, such as [body]"
                            % type(result).__name__)
        blocks = iter(result)
        complete = False
        for block in blocks:
            if type(block) is not bytes:
                if not isinstance(block, (bytes, bytearray, memoryview)):
                    raise TypeError("a WSGI response must give bytes, not %s" % type(block).__name__)
                block = bytes(block)
            if not block:
                continue
            if complete:
                # PEP 3333: what is beyond Content-Length is not sent, and iteration stops.
                return
            if not self.status:
                raise AssertionError("a body was given before start_response() was called")
            if self.length is None:
                if not self.head_sent and hasattr(result, "__len__") and len(result) == 1 and not self.bodyless:
                    self._declare(len(block))
            elif self.count + len(block) >= self.length and not self.bodyless:
                block = block[:self.length - self.count]
                complete = True
                if not self.head_sent and len(block) <= CREDIT:
                    # All of the body is here: the answer is finished, though the iterable may still have work to do.
                    self.count = self.length
                    self._put_whole(block)
                    continue
                self.send(block)
                self.connection.out += wire.encode((wire.END, self.id, None))
                continue
            self.send(block)
            if self.bodyless:
                break
        if not complete:
            self._end()

    def _end(self) -> None:
        """The iterable is exhausted: ends the response, or cuts one that is shorter than it declared."""
        if not self.status:
            raise AssertionError("the application returned without calling start_response()")
        if not self.head_sent:
            if self.length and not self.bodyless:
                self.send(b"")
            else:
                self._put_whole(b"")
                return
        if self.length is not None and self.count < self.length and not self.bodyless:
            report("A WSGI response ended after %d of the %d bytes of its Content-Length; the connection is cut"
                   % (self.count, self.length))
            self.connection.out += wire.encode((wire.FAILED, self.id, True))
        else:
            self.connection.out += wire.encode((wire.END, self.id, None))

    def _send_file(self, wrapper: FileWrapper) -> bool:
        """Hands a real file to the edge; returns False when it has to be read here."""
        if not self.status or self.bodyless:
            return False
        found = plain_file(wrapper.filelike)
        if found is None:
            return False
        path, offset, left = found
        if self.length is not None and self.length > left:
            return False
        count = left if self.length is None else self.length
        if count > wire.INT_MAX and count == left:
            count = -1
        if max(count, offset) > wire.INT_MAX:
            return False
        if self.length is None:
            self._declare(left)
        self._put((wire.FILE, self.id, path, offset, count, self.status, self.headers))
        self.head_sent = True
        # The file may go away in close(): the edge shall have its name by then.
        self.connection.flush()
        return True

    def _declare(self, length: int) -> None:
        self.headers = [*self.headers, ("Content-Length", str(length))]
        self.head = None
        self.length = length
