"""One HTTP request of an ASGI application: its `receive` and `send` (ASGI HTTP, "www" 2.3).

`stage` says what may come next:

    INITIAL --start--> STARTED --body--> STREAMING --last body--> [TRAILERS --trailers-->] COMPLETE

STARTED holds the head back for one turn of the loop, so that a whole response travels as one frame.
Everything here runs on the loop's thread.
"""
from __future__ import annotations

import asyncio
import os
from time import monotonic
from typing import Any, Optional

from tricorn.worker import asgi_files, wire
from tricorn.worker.failure import report
from tricorn.worker.fields import asgi_fields
from tricorn.worker.wire import (
    CREDIT, INT_MAX, WHOLE_SIZE, WHOLE_START, ClientDisconnected, Upload, dumps, pack_length, pack_whole)

FIELDS = asgi_fields()
_head_of = FIELDS.heads.get
INITIAL, STARTED, STREAMING, TRAILERS, COMPLETE = range(5)
EXPECTED = {INITIAL: "http.response.start", STARTED: "http.response.body", STREAMING: "http.response.body",
            TRAILERS: "http.response.trailers"}
# After the client has left, sends are dropped in silence for so long, then they raise (asgiref 2.4's OSError).
SILENT_S = 10.0
SPOOL_READ_SIZE = 65_536
# What calls of `send` that were cancelled may leave for the next one.
UNSENT_SIZE_MAX = 1_048_576
# Turns of a loop under load are shorter than this; a longer one (the application computes) holds nothing back.
TURN_S = 0.002
# How long `send` waits for the edge to open a file, so that the application may delete it afterwards.
OPENING_S = 5.0


class Exchange:
    """The two callables of one request, and what the server must know of it."""

    __slots__ = ("connection", "id", "method", "body", "stage", "status", "headers", "head", "length", "count",
                 "granted", "spent", "unsent", "gone", "waiters", "trailers", "spool")
    # Each server has a subclass of its own, which saves a store for each request.
    server: Any

    def __init__(self, connection: Any, id: int, method: str, body: Any) -> None:
        self.connection = connection
        self.id = id
        self.method = method
        # The whole body until it is received, then None.
        self.body = body
        self.stage = INITIAL
        # When the client left, by the monotonic clock; 0 while it is there.
        self.gone = 0.0
        self.waiters: Optional[list] = None

    # receive

    async def receive(self) -> dict:
        """The next event: body bytes, then http.disconnect once the client is gone or the response complete."""
        body = self.body
        if type(body) is bytes and self.stage != COMPLETE and not self.gone:
            self.body = True
            return {"type": "http.request", "body": body, "more_body": False}
        while True:
            if self.gone or self.stage == COMPLETE or self.server.closing or self in self.server.told:
                return {"type": "http.disconnect"}
            if body is not True:
                message = self._next_chunk()
                if message is not None:
                    return message
            await self._wait()
            body = self.body

    def _next_chunk(self) -> Optional[dict]:
        """A chunk of a spooled or streamed body, None when it has to be waited for."""
        if type(self.body) is str:
            self.spool = open(self.body, "rb")
            try:
                os.unlink(self.body)
            except OSError:
                # The edge's clean-up of the run directory was faster.
                pass
            self.body = False
        if self.body is False:
            chunk = self.spool.read(SPOOL_READ_SIZE)
            more = len(chunk) == SPOOL_READ_SIZE
            if not more:
                self.spool.close()
                self.body = True
            return {"type": "http.request", "body": chunk, "more_body": more}
        upload: Upload = self.connection.uploads[self.id]
        if upload.chunks:
            chunk = upload.chunks.popleft()
            more = not upload.ended or bool(upload.chunks)
        elif upload.ended:
            chunk, more = b"", False
        else:
            self._grant(upload)
            return None
        if not more:
            self.body = True
        return {"type": "http.request", "body": chunk, "more_body": more}

    def _grant(self, upload: Upload) -> None:
        credit = upload.grant()
        if credit:
            self._put((wire.WANT, self.id, credit))

    async def _wait(self) -> None:
        """Waits for `wake`. Each waiter has a future of its own, so that cancelling one leaves the others."""
        waiter = self.server.loop.create_future()
        if self.waiters is None:
            self.waiters = [waiter]
        else:
            self.waiters.append(waiter)
        try:
            await waiter
        finally:
            if self.waiters is not None and waiter in self.waiters:
                self.waiters.remove(waiter)

    def wake(self) -> None:
        """Something changed: bytes, credit, a disconnect, the end."""
        waiters = self.waiters
        if waiters is not None:
            self.waiters = None
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)

    # send

    async def send(self, message: dict) -> None:
        """Takes one event of the response. Raises RuntimeError, TypeError, ClientDisconnected."""
        kind = message["type"]
        stage = self.stage
        if kind == "http.response.start" and stage == INITIAL:
            headers = message.get("headers", ())
            if type(headers) is not list:
                headers = list(headers)
            try:
                known = _head_of((message["status"], *headers))
            except TypeError:
                # A pair that is a list cannot be looked up.
                known = None
            if known is None:
                self._take_head(message["status"], headers)
            else:
                self.head, self.length, self.status, self.headers = known
            self.stage = STARTED
            self.trailers = message.get("trailers")
            connection = self.connection
            # The head waits for the body until the end of this turn.
            connection.opened.append(self)
            if not connection.scheduled:
                self.server.schedule(connection)
        elif kind == "http.response.body" and stage == STARTED and not message.get("more_body") and not self.trailers:
            body = message.get("body", b"")
            length = self.length
            if (type(body) is not bytes or len(body) > CREDIT or (length is not None and length != len(body))
                    or self.gone):
                await self._send_slowly(kind, message)
                return
            head = self.head
            if head is not None:
                size = len(body)
                written = pack_whole(WHOLE_SIZE + size + len(head), WHOLE_START, self.id, b"s", size), body, head
            else:
                try:
                    payload = dumps((1, self.id, body, self.status, self.headers), 2)
                    written = pack_length(len(payload)), payload
                except ValueError:
                    await self._send_slowly(kind, message)
                    return
            self.stage = COMPLETE
            connection = self.connection
            connection.out += written
            # The start has scheduled a flush.
            if monotonic() - connection.written_s > TURN_S:
                self.server.write_soon(connection)
            if self.waiters is not None:
                self.wake()
        else:
            await self._send_slowly(kind, message)

    def _take_head(self, status: Any, headers: list) -> None:
        """Checks a head that is not remembered, and remembers one whose pairs all are."""
        try:
            headers, length, is_known = FIELDS.read(headers)
        except ValueError as error:
            raise RuntimeError(str(error)) from None
        if type(status) is not int:
            status = int(status)
        if not 200 <= status <= 999:
            raise RuntimeError("the status of http.response.start must be 200 to 999, not %d" % status)
        if is_known:
            FIELDS.keep_head(status, headers, length)
        self.head = None
        self.status = status
        self.headers = headers
        self.length = length

    def _examine(self, headers: Any) -> tuple:
        try:
            return FIELDS.examine(headers)
        except ValueError as error:
            raise RuntimeError(str(error)) from None

    async def _send_slowly(self, kind: str, message: dict) -> None:
        """Everything but the common case: streaming, files, hints, trailers, mistakes, clients that left."""
        if self.gone:
            await self._drop()
        elif kind == "http.response.body" and self.stage in (STARTED, STREAMING):
            await self._send_body(message)
        elif kind == "http.response.early_hint" and self.stage < STREAMING:
            self._inform(103, [(b"link", link) for link in message.get("links", ())])
        elif kind == "http.response.informational" and self.stage < STREAMING:
            self._inform(int(message["status"]), message.get("headers", ()))
        elif kind == "http.response.pathsend" and self.stage in (STARTED, STREAMING):
            await self._send_path(message["path"])
        elif kind == "http.response.zerocopysend" and self.stage in (STARTED, STREAMING):
            await self._send_descriptor(message)
        elif kind == "http.response.trailers" and self.stage == TRAILERS:
            self._add_trailers(message)
        elif kind == "http.response.push" and self.stage != COMPLETE:
            # Browsers have given up on push; it is not among the extensions, so nobody should ask for it.
            pass
        else:
            if self.stage == COMPLETE:
                raise RuntimeError("Unexpected ASGI message %r: the response is complete" % kind)
            raise RuntimeError("Expected ASGI message %r, but got %r" % (EXPECTED[self.stage], kind))

    def _inform(self, status: int, headers: Any) -> None:
        """Sends an informational response (RFC 9110 §15.2). Raises RuntimeError, TypeError."""
        if not 100 <= status <= 199 or status == 101:
            raise RuntimeError("the status of http.response.informational must be 100 or 102 to 199, not %d" % status)
        self._put((wire.INFORMATIONAL, self.id, status, self._examine(headers)[0]))

    def _add_trailers(self, message: dict) -> None:
        """Gathers trailer fields until the last message. Raises RuntimeError, TypeError."""
        trailers, length = self._examine(message.get("headers", ()))
        if length is not None:
            # RFC 9110 §6.5.1: no trailers that are necessary for framing.
            raise RuntimeError("Content-Length is no field for http.response.trailers")
        self.trailers += trailers
        if not message.get("more_trailers"):
            self._complete(self.trailers)

    async def _drop(self) -> None:
        """The client has left: sends nothing, and raises after a while."""
        if monotonic() - self.gone > SILENT_S:
            raise ClientDisconnected("the client has gone away")
        # A loop that only sends must not starve the task that would hear of the disconnect.
        await asyncio.sleep(0)

    def _put(self, frame: tuple) -> None:
        self.connection.out += wire.encode(frame)
        self.server.write_soon(self.connection)

    def _put_head(self, *frame: Any) -> None:
        """Sends a frame that ends in the head. Raises TypeError, ValueError."""
        try:
            self._put((*frame, self.status, self.headers))
        except ValueError:
            # A pair that equals one that was seen may still be of a type that marshal does not know: a named tuple.
            self.headers = FIELDS.examine(self.headers)[0]
            self._put((*frame, self.status, self.headers))

    def _bodyless(self) -> bool:
        """RFC 9110 §6.4.1: a response to HEAD, and 204 and 304, have no content."""
        return self.method == "HEAD" or self.status in (204, 304)

    def send_head(self, body: bytes = b"") -> None:
        """Sends the head and first bytes as a frame of their own. Raises TypeError, ValueError."""
        self._put_head(wire.HEAD, self.id, body)
        self.stage = STREAMING
        self.granted = CREDIT
        self.spent = len(body)
        self.count = 0
        self.unsent = b""

    def send_whole(self, body: bytes) -> None:
        """Sends the head and all of the body. Raises TypeError, ValueError."""
        self._put_head(wire.WHOLE, self.id, body)
        self._finish()

    async def _send_body(self, message: dict) -> None:
        body = message.get("body", b"")
        more = bool(message.get("more_body"))
        if type(body) is not bytes:
            body = bytes_of(body, "the body of http.response.body")
        bodyless = self._bodyless()
        before = self.count if self.stage == STREAMING else 0
        count = before + len(body)
        if self.length is not None and not bodyless:
            if count > self.length:
                self.cut()
                raise RuntimeError("Response content longer than Content-Length (%d)" % self.length)
            if not more and count < self.length:
                if self.stage == STARTED:
                    self.send_head()
                self.cut()
                raise RuntimeError("Response content shorter than Content-Length (%d of %d)" % (count, self.length))
        if bodyless:
            body = b""
        if self.stage == STARTED:
            if not more and not self.trailers and len(body) <= CREDIT:
                self.send_whole(body)
                return
            self.send_head(body[:CREDIT])
            body = body[CREDIT:]
        self.count = count
        if self.unsent:
            body, self.unsent = self.unsent + body, b""
        if body:
            await self._send_chunks(body)
        if self.gone:
            return
        if not more:
            if self.trailers:
                self.stage = TRAILERS
                self.trailers = []
            else:
                self._complete(None)

    async def _send_chunks(self, body: bytes) -> None:
        """Sends bytes as far as credit goes, and waits for more."""
        start, size = 0, len(body)
        while start < size and not self.gone:
            credit = self.granted - self.spent
            if credit <= 0:
                try:
                    await self._wait()
                except BaseException:
                    # Whoever no longer waits may go on with what comes next: nothing between is left out.
                    if size - start > UNSENT_SIZE_MAX:
                        self.cut()
                    else:
                        self.unsent = body[start:]
                    raise
                continue
            end = min(size, start + credit, start + CREDIT)
            self._put((wire.CHUNK, self.id, body[start:end]))
            self.spent += end - start
            start = end

    async def _send_path(self, path: Any) -> None:
        """http.response.pathsend: the edge sends the file. Raises OSError when it cannot be read."""
        part = asgi_files.open_path(path, self.length)
        try:
            await self._send_file(part, False)
        finally:
            os.close(part.fd)

    async def _send_descriptor(self, message: dict) -> None:
        """http.response.zerocopysend. Raises OSError, RuntimeError, TypeError."""
        file, offset = message["file"], message.get("offset")
        part = asgi_files.part_of(file, offset, message.get("count"))
        count = await self._send_file(part, bool(message.get("more_body")))
        if offset is None:
            # As os.sendfile does.
            asgi_files.move_to(file, part.fd, part.offset + count)

    async def _send_file(self, part: asgi_files.FilePart, more: bool) -> int:
        """Sends a part of a file, by its name if it is all of the body; returns how many bytes it was."""
        offset, count = part.offset, part.count
        if self._bodyless():
            await self._send_body({"more_body": more})
            return count
        # All that follows needs no number, and may be longer than a frame's numbers are.
        if self.stage == STARTED and not more and not self.trailers and part.name is not None \
                and self.length in (None, count) and offset <= INT_MAX and (count <= INT_MAX or part.to_end):
            self.granted = 0
            self._put_head(wire.FILE, self.id, part.name, offset, count if count <= INT_MAX else -1)
            self._finish()
            await self._wait_for_opening()
            return count
        done = 0
        try:
            while not self.gone:
                block = await part.read(done)
                if not block:
                    await self._send_body({"more_body": more})
                    break
                done += len(block)
                await self._send_body({"body": block, "more_body": True})
        except BaseException:
            # It was cancelled, or cannot be read: the rest will not come.
            if done and self.stage != COMPLETE:
                self.cut()
            raise
        return done

    async def _wait_for_opening(self) -> None:
        """Waits until the edge has opened the file, or can no longer be expected to."""
        timer = self.server.loop.call_later(OPENING_S, self.grant, 1)
        try:
            while not self.granted and not self.gone:
                await self._wait()
        finally:
            timer.cancel()

    def _complete(self, trailers: Optional[list]) -> None:
        self._put((wire.END, self.id, trailers))
        self._finish()

    def cut(self) -> None:
        """The response cannot become what its head says: the edge answers 500, or cuts the connection."""
        self._put((wire.FAILED, self.id, self.stage >= STREAMING))
        self._finish()

    def _finish(self) -> None:
        self.stage = COMPLETE
        if self.waiters is not None:
            self.wake()

    # The server's side.

    def grant(self, credit: int) -> None:
        """The response may send so many bytes more."""
        self.granted += credit
        self.wake()

    def disconnect(self) -> None:
        """The client has left."""
        if not self.gone:
            self.gone = monotonic()
        self.wake()

    def stop(self) -> None:
        """The worker is about to stop: `server.closing` is set, or `server.told` has this one."""
        self.wake()

    def is_event_stream(self) -> bool:
        """Tells whether the response has begun and is one that has no end of its own."""
        return self.stage == STREAMING and any(
            name.lower() == b"content-type" and value.startswith(b"text/event-stream") for name, value in self.headers)

    def returned(self, result: Any) -> None:
        """The application's coroutine ended without an exception."""
        if result is not None:
            report("The ASGI application returned %s; it should return None" % type(result).__name__)
        if self.stage == STREAMING and self in self.server.told:
            # An event stream that did as it was told: its client sees an end, and comes again.
            self._complete(None)
        if self.stage == COMPLETE or self.gone or self.server.closing:
            return
        if self.stage == INITIAL:
            report("The ASGI application returned without starting a response")
        else:
            report("The ASGI application returned without completing its response")

    def raised(self, error: BaseException) -> None:
        """The application's coroutine ended with an exception."""
        # GeneratorExit: the loop is gone, and the coroutine with it.
        if not (self.gone and is_disconnect(error) or isinstance(error, GeneratorExit)):
            report("Exception in ASGI application", error)


def bytes_of(value: Any, what: str) -> bytes:
    """Returns the bytes of any buffer: bytearray, memoryview, array, mmap. Raises TypeError."""
    try:
        return memoryview(value).tobytes()
    except TypeError:
        raise TypeError("%s must be bytes, not %s" % (what, type(value).__name__)) from None


def is_disconnect(error: BaseException) -> bool:
    """Tells whether nothing but the client's leaving is told, also inside (nested) exception groups."""
    inner = getattr(error, "exceptions", None)
    if isinstance(inner, tuple) and inner:
        return all(is_disconnect(each) for each in inner)
    return isinstance(error, ClientDisconnected)
