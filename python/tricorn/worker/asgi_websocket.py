"""One WebSocket of an ASGI application: its `receive` and `send` (ASGI WebSocket, "www" 2.5).

    CONNECTING --accept--> ACCEPTED --close, or the other end's--> CLOSED --coroutine's end--> COMPLETE
        |--close: 403----------------------------------------------------------------------------^
        `--http.response.start--> DENYING --last body--------------------------------------------^

The edge frames, masks and compresses; here are whole messages. What the application sends is gathered for all
WebSockets of a connection and written once a turn of the loop. Flow in either direction is by marks (docs/wire.md):
the sender puts one behind each MARK_AT of cost, the receiver answers it, two may be unanswered.

Invariants: while a receiver waits, `queue` is empty. `open` is true only when a message may go out at once: accepted,
nobody waits to send, fewer than MARKS_MAX marks unanswered. Everything here runs on the loop's thread.
"""
from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, Optional

from tricorn.worker import wire
from tricorn.worker.asgi_exchange import COMPLETE, STARTED, is_disconnect
from tricorn.worker.failure import report
from tricorn.worker.websocket_values import NORMAL, accept_fields, code_of, data_of, reason_of, subprotocol_of
from tricorn.worker.wire import MARK_AT, MARKS_MAX, MESSAGE_COST, MESSAGE_SIZE_MAX, PART_SIZE_MAX, ClientDisconnected

CONNECTING, ACCEPTED, DENYING, CLOSED = range(COMPLETE + 1, COMPLETE + 5)
# RFC 6455 §7.4.1, and IANA's registry for the last.
ABNORMAL, INTERNAL_ERROR, SERVICE_RESTART = 1006, 1011, 1012


class WebSocket:
    """The two callables of one WebSocket, and what the server must know of it."""

    __slots__ = ("connection", "id", "stage", "gone", "subprotocols", "denial",
                 "open", "left", "unanswered", "senders", "turn", "room",
                 "queue", "waiter", "others", "farewell", "parts")
    # Each server has a subclass of its own, which saves a store for each WebSocket.
    server: Any

    def __init__(self, connection: Any, id: int, scope: dict) -> None:
        self.connection = connection
        self.id = id
        self.stage = CONNECTING
        # The client has left, or the edge has closed in its name.
        self.gone = False
        self.subprotocols = scope.get("subprotocols") or []
        self.denial: Any = None
        self.open = False
        # The cost that is left before the next mark, and the marks that the edge has not answered.
        self.left = MARK_AT
        self.unanswered = 0
        # Calls of send that wait or are about to; in the order of the calls.
        self.senders = 0
        self.turn: Optional[asyncio.Lock] = None
        self.room: Any = None
        # Messages that nobody has received yet; None is the edge's mark.
        self.queue: deque = deque(({"type": "websocket.connect"},))
        self.waiter: Any = None
        self.others: Optional[deque] = None
        self.farewell: Optional[dict] = None
        # A large message, as far as it has come.
        self.parts: list = []

    # receive

    async def receive(self) -> dict:
        """The next event: connect, each message, and disconnect from then on. Cancelling it loses nothing."""
        queue = self.queue
        while queue:
            message = queue.popleft()
            if message is not None:
                return message
            self._answer()
        if self.farewell is not None:
            return self.farewell.copy()
        waiter = self.server.loop.create_future()
        if self.waiter is None:
            self.waiter = waiter
        else:
            if self.others is None:
                self.others = deque()
            self.others.append(waiter)
        try:
            return await waiter
        except BaseException:
            self._abandon(waiter)
            raise

    def _abandon(self, waiter: Any) -> None:
        """A receiver was cancelled: another one gets what came for it."""
        if self.waiter is waiter:
            self.waiter = self._next_waiter()
        elif self.others is not None and waiter in self.others:
            self.others.remove(waiter)
        elif waiter.done() and not waiter.cancelled() and waiter.result()["type"] != "websocket.disconnect":
            self.give(waiter.result(), first=True)

    def _next_waiter(self) -> Any:
        others = self.others
        while others:
            waiter = others.popleft()
            if not waiter.done():
                return waiter
        return None

    def give(self, message: dict, first: bool = False) -> None:
        """Hands a message to who waits, or puts it into the queue."""
        waiter = self.waiter
        if waiter is not None and waiter.done():
            waiter = self._next_waiter()
        if waiter is not None:
            self.waiter = self._next_waiter()
            waiter.set_result(message)
            return
        self.waiter = None
        if first:
            self.queue.appendleft(message)
        else:
            self.queue.append(message)

    def _answer(self) -> None:
        """The application has received everything before a mark."""
        if self.stage == ACCEPTED:
            self._put((wire.RECEIVED, self.id))

    # What comes from the edge.

    def take_mark(self) -> None:
        """Takes the edge's mark: it is answered when the application has received what came before it."""
        if not self.queue:
            self._answer()
        elif self.queue.count(None) < MARKS_MAX:
            self.queue.append(None)
        else:
            raise wire.Malformed("more marks than may be unanswered")

    def take_part(self, part: bytes, last: int) -> None:
        """Takes a part of a large message. Raises Malformed, UnicodeDecodeError."""
        # The edge keeps the limit of a message's size.
        self.parts.append(part)
        if not last:
            return
        data = b"".join(self.parts)
        self.parts = []
        if last == 1:
            self.give({"type": "websocket.receive", "text": data.decode()})
        else:
            self.give({"type": "websocket.receive", "bytes": data})

    def passed(self) -> None:
        """The edge answers a mark: the client's socket has taken what was before it."""
        self.unanswered -= 1
        if self.unanswered < 0:
            raise wire.Malformed("an answer to a mark that was not sent")
        self._look_for_room()

    def disconnect(self, code: int = ABNORMAL, reason: str = "") -> None:
        """The other end has closed, or is gone."""
        if self.stage == DENYING:
            self.denial.disconnect()
        elif self.stage == ACCEPTED:
            self.stage = CLOSED
        elif self.stage != CONNECTING:
            # The application was faster.
            return
        self.gone = True
        self._leave(code, reason)

    def grant(self, credit: int) -> None:
        """Credit for a denial response."""
        if self.denial is not None:
            self.denial.grant(credit)

    def _leave(self, code: int, reason: str) -> None:
        """Nothing more comes and nothing more goes: tells who waits."""
        self.open = False
        self.connection.websockets.pop(self.id, None)
        self.parts = []
        if self.farewell is None:
            self.farewell = {"type": "websocket.disconnect", "code": code, "reason": reason}
        waiter = self.waiter
        while waiter is not None:
            if not waiter.done():
                waiter.set_result(self.farewell.copy())
            waiter = self._next_waiter()
        self.waiter = None
        self._look_for_room()

    # send

    async def send(self, message: dict) -> None:
        """Takes one event. Raises RuntimeError, TypeError, ValueError, ClientDisconnected."""
        if self.open and message["type"] == "websocket.send":
            data = message.get("bytes")
            if data is None:
                data = message.get("text")
                # A lone surrogate is no text: encode() raises.
                good = type(data) is str and (data.isascii() or len(data) <= MESSAGE_SIZE_MAX and data.encode())
            else:
                good = type(data) is bytes
            if good and len(data) <= MESSAGE_SIZE_MAX:
                # What `_put_message` does, less three calls.
                left = self.left - len(data)
                if left > 0:
                    self.left = left - MESSAGE_COST
                    connection = self.connection
                    messages = connection.messages
                    if data == messages[-2]:
                        messages[-1].append(self.id)
                    else:
                        messages.append(data)
                        messages.append([self.id])
                    if not connection.scheduled:
                        self.server.write_soon(connection)
                    return
        await self._send_slowly(message)

    def _put_message(self, data: Any) -> None:
        """Sends a message of at most MESSAGE_SIZE_MAX, together with the one before it if that is the same."""
        messages = self.connection.messages
        if data == messages[-2]:
            messages[-1].append(self.id)
        else:
            messages.append(data)
            messages.append([self.id])
        self._count(len(data))
        self.server.write_soon(self.connection)

    def _count(self, size: int) -> None:
        """Counts what was sent last, and puts a mark when it is time."""
        self.left -= size + MESSAGE_COST
        if self.left <= 0:
            self.left = MARK_AT
            self.connection.put_mark(self.id)
            self.unanswered += 1
            if self.unanswered >= MARKS_MAX:
                self.open = False

    def _put(self, frame: tuple) -> None:
        self.connection.out += wire.encode(frame)
        self.server.write_soon(self.connection)

    async def _send_slowly(self, message: dict) -> None:
        """Everything but a message that can go at once."""
        kind = message["type"]
        if self.stage in (ACCEPTED, CLOSED):
            if kind == "websocket.send":
                await self._send_in_turn(message)
            elif kind == "websocket.close":
                await self._close(message)
            else:
                raise RuntimeError("Expected ASGI message 'websocket.send' or 'websocket.close', but got %r" % kind)
        elif self.stage == CONNECTING:
            self._begin(kind, message)
            if self.denial is not None:
                await self._deny(message)
        elif self.stage == DENYING:
            if kind != "websocket.http.response.body":
                raise RuntimeError("Expected ASGI message 'websocket.http.response.body', but got %r" % kind)
            await self._deny(message)
        else:
            self._refuse(kind)

    def _refuse(self, kind: str) -> None:
        """Raises what a message deserves that comes after the end."""
        if not self.gone:
            raise RuntimeError("Unexpected ASGI message %r: the WebSocket is closed" % kind)
        if kind != "websocket.close":
            raise ClientDisconnected("the client has gone away")

    def _begin(self, kind: str, message: dict) -> None:
        """The application's answer to the handshake."""
        if kind not in ("websocket.accept", "websocket.close", "websocket.http.response.start"):
            raise RuntimeError("Expected ASGI message 'websocket.accept', 'websocket.close' or "
                               "'websocket.http.response.start', but got %r" % kind)
        if self.gone:
            self._refuse(kind)
        elif kind == "websocket.accept":
            self._accept(message)
        elif kind == "websocket.close":
            self._put((wire.WHOLE, self.id, b"", 403, []))
            self.stage = COMPLETE
            self._leave(ABNORMAL, "")
        else:
            self.denial = self.server.new_exchange(self.connection, self.id, "GET", True)

    def _accept(self, message: dict) -> None:
        subprotocol = subprotocol_of(message.get("subprotocol"), self.subprotocols)
        headers = accept_fields(message.get("headers") or ())
        self._put((wire.ACCEPT, self.id, subprotocol, headers))
        self.stage = ACCEPTED
        self.open = True
        self.connection.websockets[self.id] = self

    async def _deny(self, message: dict) -> None:
        """Sends a denial response (the extension websocket.http.response) as HTTP's own."""
        denial = self.denial
        try:
            await denial.send({**message, "type": message["type"].replace("websocket.", "", 1), "trailers": False})
        finally:
            if denial.stage == COMPLETE:
                self.stage = COMPLETE
                self._leave(ABNORMAL, "")
            elif denial.stage >= STARTED:
                self.stage = DENYING
            else:
                # The start was refused; the application may try something else.
                self.denial = None

    async def _send_in_turn(self, message: dict) -> None:
        """Sends one message when those before it are sent and there is room."""
        data = data_of(message)
        # A lone surrogate is no text: encode() raises.
        encoded = data.encode() if type(data) is str else data
        large = len(data) > MESSAGE_SIZE_MAX
        await self._take_turn()
        if large:
            # By a task of its own: an application that stops waiting leaves no half of a message behind.
            sending = self.server.loop.create_task(self._send_parts(encoded, 1 if type(data) is str else 2))
            sending.add_done_callback(self._parts_sent)
            await asyncio.shield(sending)
            return
        try:
            await self._wait_for_room("websocket.send")
            self._put_message(data)
        finally:
            self._end_turn()

    def _parts_sent(self, sending: asyncio.Task) -> None:
        if not sending.cancelled():
            # Whoever waits has it, too.
            sending.exception()
        self._end_turn()

    async def _take_turn(self) -> None:
        """Waits until the calls of send that came before are done."""
        if self.turn is None:
            self.turn = asyncio.Lock()
        self.senders += 1
        self.open = False
        try:
            await self.turn.acquire()
        except BaseException:
            self.senders -= 1
            self._look_for_room()
            raise

    def _end_turn(self) -> None:
        turn: Any = self.turn
        turn.release()
        self.senders -= 1
        self._look_for_room()

    async def _send_parts(self, data: bytes, opcode: int) -> None:
        """Sends a message that is too large for one frame."""
        connection = self.connection
        size = len(data)
        for start in range(0, size, PART_SIZE_MAX):
            await self._wait_for_room("websocket.send")
            part = data[start:start + PART_SIZE_MAX]
            connection.pour()
            self._put((wire.SENT_PART, self.id, part, 0 if start else opcode, start + PART_SIZE_MAX >= size))
            self._count(len(part))

    async def _wait_for_room(self, kind: str) -> None:
        """Waits until a mark is answered, if two are not. Raises what `send` raises after the end."""
        while self.stage == ACCEPTED and self.unanswered >= MARKS_MAX:
            self.room = self.server.loop.create_future()
            try:
                await self.room
            finally:
                self.room = None
        if self.stage != ACCEPTED:
            self._refuse(kind)

    def _look_for_room(self) -> None:
        """Lets those send who wait for it, or opens the short way again."""
        if self.room is not None:
            if not self.room.done():
                self.room.set_result(None)
        elif not self.senders:
            self.open = self.stage == ACCEPTED and self.unanswered < MARKS_MAX

    async def _close(self, message: dict) -> None:
        """The application closes, behind everything that it has sent."""
        code, reason = code_of(message.get("code")), reason_of(message.get("reason"))
        await self._take_turn()
        try:
            if self.stage == ACCEPTED:
                self._end(code, reason)
            else:
                self._refuse("websocket.close")
        finally:
            self._end_turn()

    def _end(self, code: int, reason: str) -> None:
        """Closes an accepted WebSocket from our side."""
        self.connection.pour()
        self._put((wire.CLOSE, self.id, code, reason))
        self.stage = CLOSED
        self._leave(code, reason)

    # The server's side.

    def is_event_stream(self) -> bool:
        """The edge tells WebSockets."""
        return False

    def stop(self) -> None:
        """The worker is about to stop: RFC 6455 §7.4 and IANA: 1012, "Service Restart"."""
        if self.stage == ACCEPTED:
            self._end(SERVICE_RESTART, "")
            self.gone = True
        elif self.stage == CONNECTING:
            self._put((wire.FAILED, self.id, False))
            self.stage = COMPLETE
            self.gone = True
            self._leave(SERVICE_RESTART, "")
        elif self.stage == DENYING:
            self.denial.stop()
            self._leave(ABNORMAL, "")

    def returned(self, result: Any) -> None:
        """The application's coroutine ended without an exception."""
        if result is not None:
            report("The ASGI application returned %s; it should return None" % type(result).__name__)
        if self.stage == CONNECTING and not self.gone:
            report("The ASGI application returned without accepting or closing the WebSocket")
        elif self.stage == DENYING:
            if self.denial.stage == STARTED and not self.denial.length:
                self.denial.send_whole(b"")
            else:
                self.denial.returned(None)

    def raised(self, error: BaseException) -> None:
        """The application's coroutine ended with an exception."""
        if not (self.gone and is_disconnect(error) or isinstance(error, GeneratorExit)):
            report("Exception in ASGI application", error)
        if self.stage == ACCEPTED:
            self._end(INTERNAL_ERROR, "")

    def cut(self) -> None:
        """The coroutine has ended: the last frame."""
        if self.stage == CONNECTING:
            self._put((wire.FAILED, self.id, False))
        elif self.stage == DENYING:
            if self.denial.stage != COMPLETE:
                self.denial.cut()
        else:
            if self.stage == ACCEPTED:
                self._end(NORMAL, "")
            self._put((wire.END, self.id, None))
        self.stage = COMPLETE
        self._leave(ABNORMAL, "")


def deliver(websockets: dict, messages: list) -> None:
    """Hands clients' messages, [id, data, id, data, …], to those who wait for them, or to queues. Raises Malformed."""
    get = websockets.get
    each = iter(messages)
    for id, data in zip(each, each):
        socket = get(id)
        if socket is None:
            # What comes after the application's close is nobody's.
            continue
        if type(data) is str:
            message = {"type": "websocket.receive", "text": data}
        elif type(data) is bytes:
            message = {"type": "websocket.receive", "bytes": data}
        elif data is None:
            socket.take_mark()
            continue
        else:
            raise wire.Malformed("a message that is neither text nor bytes")
        # What `give` does, less a call.
        waiter = socket.waiter
        if waiter is None:
            socket.queue.append(message)
        elif waiter.done() or socket.others:
            socket.give(message)
        else:
            socket.waiter = None
            waiter.set_result(message)
