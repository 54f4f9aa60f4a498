"""The ASGI server: one event loop, one task for each request.

The loop reads the data connections by itself (`add_reader`, one recv_into a turn), makes a task for each request,
and writes all answers of a turn at once. A task's first act is to pop the oldest request off the queue, so that the
steward can take back what was read but has not started.
"""
from __future__ import annotations

import asyncio
import contextvars
import threading
from collections import deque
from time import monotonic
from typing import Any

from tricorn.worker import wire
from tricorn.worker.asgi_exchange import COMPLETE, STARTED, TURN_S, Exchange
from tricorn.worker.asgi_websocket import WebSocket, deliver
from tricorn.worker.failure import report
from tricorn.worker.lifespan import Lifespan
from tricorn.worker.server import PATIENCE_S, Server

Task = asyncio.Task
BEAT_S = 1.0
# The share of the grace time that open streams get before they are told to end, and before they are cancelled.
POLITE_SHARE = 0.5
CANCEL_SHARE = 0.9


class AsgiServer(Server):
    """Runs one ASGI 3 application on a given event loop."""

    interface = "asgi"

    def __init__(self, application: Any, settings: dict, control: Any, state: wire.State,
                 loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(settings, control, state)
        self.application = application
        self.loop = loop
        self.lifespan = Lifespan(application, settings.get("lifespan") or "auto")
        self._context = contextvars.copy_context()
        self._thread = threading.get_ident()
        # Frames that are no requests, in the order they came, whoever read them.
        self._inbox: deque = deque()
        # Hard references: the loop itself keeps weak ones only.
        self._tasks: dict = {}
        self._task_count = 0
        # As many answers the state file tells of.
        self._counted = 0
        self._woken = asyncio.Event()
        self.new_exchange = type("Exchange", (Exchange,), {"__slots__": (), "server": self})
        self._new_websocket = type("WebSocket", (WebSocket,), {"__slots__": (), "server": self})
        # The worker is about to stop: receive() tells open streams so.
        self.closing = False
        # Event streams that were told to end, because the worker retires: receive() tells them so.
        self.told: set = set()

    # The server's face to the steward, from the steward's thread.

    def complete(self, base: dict) -> dict:
        # Each request's own. A copy that has all keys from the start need not grow.
        return {**base, "asgi": None, "extensions": None, "state": None}

    def adopt(self, connection: wire.Connection) -> None:
        self.loop.call_soon_threadsafe(self._adopt, connection)

    def take_frame(self, connection: wire.Connection, frame: tuple) -> None:
        self._inbox.append((connection, frame))

    def wake(self) -> None:
        try:
            self.loop.call_soon_threadsafe(self._look)
        except RuntimeError:
            # The loop is closed: nothing is left to be woken.
            pass

    def flush(self, connection: wire.Connection) -> None:
        connection.flush_some(PATIENCE_S)

    # On the loop.

    def _adopt(self, connection: wire.Connection) -> None:
        # Readers run in a context of their own: a copy of the one that was there before the first request.
        self._context.copy().run(self.loop.add_reader, connection.fd, self._readable, connection)
        self._context.copy().run(self._start_tasks, len(self.queue))
        self._look()

    def _look(self) -> None:
        """Something happened in another thread."""
        self._empty_inbox()
        for connection in list(self.connections):
            if connection.closed:
                self.forget(connection)
            elif connection.rest:
                self.loop.add_writer(connection.fd, self._writable, connection)
        self._woken.set()

    def _readable(self, connection: wire.Connection) -> None:
        before = len(self.queue)
        alive = self.receive(connection)
        count = len(self.queue) - before
        if count:
            self._start_tasks(count)
        if self._inbox:
            self._empty_inbox()
        if not alive:
            self.forget(connection)

    def _start_tasks(self, count: int) -> None:
        loop, tasks, number = self.loop, self._tasks, self._task_count
        if loop.get_task_factory() is not None:
            # Somebody's own kind of task; an eager one may be done at once.
            for number in range(number + 1, number + count + 1):
                task = loop.create_task(self._serve(number))
                if not task.done():
                    tasks[number] = task
        else:
            # What create_task does, less one call.
            for number in range(number + 1, number + count + 1):
                tasks[number] = Task(self._serve(number), loop=loop)
        self._task_count = number

    def _empty_inbox(self) -> None:
        inbox = self._inbox
        while inbox:
            connection, frame = inbox.popleft()
            try:
                if frame[0] == wire.MESSAGES:
                    deliver(connection.websockets, frame[1])
                else:
                    self._take(connection, frame)
            except Exception as error:
                report("A malformed frame of edge %d ends its connection" % connection.edge, error)
                self.forget(connection)

    def _take(self, connection: wire.Connection, frame: tuple) -> None:
        kind, id = frame[:2]
        exchange = connection.running.get(id)
        if kind == wire.BODY:
            upload = connection.uploads.get(id)
            if upload is not None:
                upload.put(*frame[2:])
                if exchange is not None:
                    exchange.wake()
        elif kind == wire.GONE:
            if exchange is None:
                for entry in tuple(self.queue):
                    if entry[0] is connection and entry[1] == id:
                        self.drop(entry)
                self.schedule(connection)
            else:
                exchange.disconnect()
        elif exchange is None:
            # Its answer is complete; this was on the way already.
            return
        elif kind == wire.GRANT:
            exchange.grant(frame[2])
        elif kind == wire.PART:
            if id in connection.websockets:
                exchange.take_part(*frame[2:])
        elif kind == wire.CLOSED:
            exchange.disconnect(*frame[2:])
        else:
            exchange.passed()

    def forget(self, connection: wire.Connection) -> None:
        if connection not in self.connections:
            return
        self.connections.remove(connection)
        self.loop.remove_reader(connection.fd)
        self.loop.remove_writer(connection.fd)
        for entry in tuple(self.queue):
            if entry[0] is connection:
                self.claim(entry)
        for exchange in list(connection.running.values()):
            exchange.disconnect()
        with self.reading:
            connection.close()
        connection.out.clear()

    def write_soon(self, connection: wire.Connection) -> None:
        """Writes what is finished: together with all of this turn of the loop, unless the last time is long ago."""
        now = monotonic()
        if now - connection.written_s > TURN_S:
            connection.written_s = now
            self._write(connection)
        elif not connection.scheduled:
            connection.scheduled = True
            self.loop.call_soon(self._flush, connection)

    def schedule(self, connection: wire.Connection) -> None:
        """Writes what is finished at the end of this turn of the loop."""
        if not connection.scheduled:
            connection.scheduled = True
            self.loop.call_soon(self._flush, connection)

    def _flush(self, connection: wire.Connection) -> None:
        connection.scheduled = False
        connection.written_s = monotonic()
        opened = connection.opened
        if opened:
            connection.opened = []
            for exchange in opened:
                if exchange.stage == STARTED:
                    self._open(exchange)
        self._write(connection)
        if self.answered != self._counted:
            self._counted = self.answered
            self.count_answers()

    def _write(self, connection: wire.Connection) -> None:
        connection.pour()
        if connection.closed:
            connection.out.clear()
        elif not connection.flush_some():
            self.loop.add_writer(connection.fd, self._writable, connection)

    def _open(self, exchange: Exchange) -> None:
        """The application has started a response and not gone on with it: its head goes out."""
        try:
            exchange.send_head()
        except Exception as error:
            exchange.raised(error)
            exchange.cut()

    def _writable(self, connection: wire.Connection) -> None:
        if connection.flush_some():
            self.loop.remove_writer(connection.fd)

    async def _serve(self, number: int) -> None:
        """One request, from its claim to the end of the application's coroutine."""
        try:
            try:
                connection, id, scope, body = self.queue.popleft()
            except IndexError:
                # Taken back, or dropped.
                return
            self.state.started[connection.edge] = id
            scope["headers"] = scope["headers"].copy()
            scope["state"] = self.lifespan.state.copy()
            secure = scope.pop("tls", None)
            method = scope.get("method")
            exchange: Any
            if method is not None:
                scope["asgi"] = {"version": "3.0", "spec_version": "2.3"}
                scope["extensions"] = {"http.response.pathsend": {}, "http.response.zerocopysend": {},
                                       "http.response.early_hint": {}, "http.response.trailers": {}}
                exchange = self.new_exchange(connection, id, method, body)
            else:
                scope["asgi"] = {"version": "3.0", "spec_version": "2.5"}
                scope["extensions"] = {"websocket.http.response": {}}
                exchange = self._new_websocket(connection, id, scope)
                if self.closing:
                    exchange.stop()
            if secure is not None:
                # Its own, as everything in a scope: an application may change it.
                scope["extensions"]["tls"] = secure.copy()
            connection.running[id] = exchange
            try:
                result = await self.application(scope, exchange.receive, exchange.send)
                if result is not None or exchange.stage != COMPLETE:
                    exchange.returned(result)
            except BaseException as error:  # SystemExit too: the worker lives on.
                exchange.raised(error)
            finally:
                if exchange.stage != COMPLETE:
                    exchange.cut()
                self.answered += 1
                if not connection.scheduled:
                    self.schedule(connection)
                del connection.running[id]
                if self.told:
                    self.told.discard(exchange)
                if body is None:
                    connection.uploads.pop(id, None)
        finally:
            self._tasks.pop(number, None)
            if self.stopping:
                self._woken.set()

    # The worker's life.

    def _beat(self) -> None:
        self.state.clock[0] = monotonic()
        self.loop.call_later(BEAT_S, self._beat)

    async def start(self) -> None:
        """Runs lifespan startup. Raises LifespanFailed."""
        self._beat()
        await self.lifespan.startup()

    async def run(self) -> bool:
        """Serves until it was told to stop and nothing runs; returns False when lifespan shutdown failed."""
        while not self.stopping:
            self._woken.clear()
            await self._woken.wait()
        await self._drain()
        left = self.deadline - monotonic()
        result = await self.lifespan.shutdown(max(left, 0.1))
        await self._write_rest()
        return result

    async def _write_rest(self) -> None:
        """Lets the edge take what it has not taken yet."""
        until = max(self.deadline, monotonic() + 0.1)
        for connection in self.connections:
            connection.pour()
        while not all([connection.flush_some() for connection in self.connections]) and monotonic() < until:
            await asyncio.sleep(0.01)

    def retire(self, grace_s: float) -> None:
        try:
            self.loop.call_soon_threadsafe(self.loop.call_later, grace_s * POLITE_SHARE, self._tell_streams)
        except RuntimeError:
            # The loop is closed: nothing runs.
            pass

    def _tell_streams(self) -> None:
        """Tells event streams that the client is gone: they would never end, and their clients come again."""
        for connection in self.connections:
            for exchange in list(connection.running.values()):
                if exchange.is_event_stream():
                    self.told.add(exchange)
                    exchange.stop()

    async def _drain(self) -> None:
        """Lets requests and their background tasks end; tells open streams, then cancels what does not listen."""
        begun = monotonic()
        grace = max(0.0, self.deadline - begun)
        polite, cancel = begun + grace * POLITE_SHARE, begun + grace * CANCEL_SHARE
        while self._tasks:
            now = monotonic()
            if now >= polite:
                polite = float("inf")
                self.closing = True
                for connection in self.connections:
                    for exchange in list(connection.running.values()):
                        exchange.stop()
            if now >= cancel:
                for task in list(self._tasks.values()):
                    task.cancel()
                await asyncio.wait(list(self._tasks.values()), timeout=max(0.1, self.deadline - now))
                return
            self._woken.clear()
            try:
                await asyncio.wait_for(self._woken.wait(), max(0.01, min(polite, cancel) - now))
            except asyncio.TimeoutError:
                # Time for the next step.
                pass
