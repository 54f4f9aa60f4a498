"""The WSGI server: requests off the queue, the application, answers to the edge.

With one thread the application runs on the main thread, which reads the data connections by itself. With more,
a reader (the main thread) fills the queue and a pool runs the application.
The loop in `_run_alone` is the hot path: what it does for one request, everybody waits for.
"""
from __future__ import annotations

import contextvars
import queue
import signal
import threading
import time
from _thread import allocate_lock
from io import BytesIO
from typing import Any, Optional

from tricorn.worker import wire
from tricorn.worker.failure import report
from tricorn.worker.file_wrapper import FileWrapper
from tricorn.worker.poller import Poller
from tricorn.worker.server import Server
from tricorn.worker.wire import CREDIT, FRAME_SIZE_MAX, ClientDisconnected, Upload, dumps, pack_length
from tricorn.worker.wsgi_call import Call
from tricorn.worker.wsgi_input import Errors, Input, StreamedInput, open_spooled

monotonic = time.monotonic
# A finished answer waits no longer than this for others to share its write.
FLUSH_AFTER_S = 0.0005
# After a request that took longer, what came in meanwhile is read before the next one starts.
SLOW_S = 0.001
# How often a thread that waits for the edge shows that it is alive.
BEAT_S = 1.0


class WsgiServer(Server):
    """Runs one WSGI application."""

    interface = "wsgi"

    def __init__(self, application: Any, settings: dict, control: Any, state: wire.State) -> None:
        super().__init__(settings, control, state)
        self.application = application
        self.threads = max(1, min(int(settings.get("threads") or 1), len(state.clock)))
        self._context = contextvars.copy_context()
        self._poller = Poller()
        self._main_wake, self._main_woken = wire.wake_pair()
        self._poller.register(self._main_woken.fileno())
        self._by_fd: dict = {}
        # The calls that run, one place for each thread.
        self._running: list = [None] * self.threads
        # The spooled bodies of those.
        self._spooled: list = [None] * self.threads
        self._errors = Errors()
        self._claiming = allocate_lock()
        # Signalled when credit, body bytes or an abort arrive (pool only).
        self._arrived = threading.Condition()
        self._alone = self.threads == 1
        self._call = type("Call", (Call,), {"__slots__": (), "server": self})

    # The server's face to the steward.

    def complete(self, base: dict) -> dict:
        return {
            "wsgi.version": (1, 0),
            "wsgi.errors": self._errors,
            "wsgi.multithread": self.threads > 1,
            "wsgi.multiprocess": int(self.settings.get("workers") or 1) > 1,
            "wsgi.run_once": False,
            "wsgi.input_terminated": True,
            "wsgi.file_wrapper": FileWrapper,
            "SERVER_SOFTWARE": self.settings.get("software") or "tricorn",
            **base,
        }

    def adopt(self, connection: wire.Connection) -> None:
        self._by_fd[connection.fd] = connection
        self._poller.register(connection.fd)
        self.wake()

    def forget(self, connection: wire.Connection) -> None:
        self._poller.unregister(connection.fd)
        with self.reading:
            self._by_fd.pop(connection.fd, None)
            if connection in self.connections:
                self.connections.remove(connection)
            for entry in tuple(self.queue):
                if entry[0] is connection:
                    self.claim(entry)
            for upload in connection.uploads.values():
                upload.aborted = True
            for call in self._running:
                if call is not None and call.connection is connection:
                    call.gone = True
            connection.close()
        self._announce()

    def wake(self) -> None:
        wire.nudge(self._main_wake)

    def flush(self, connection: wire.Connection) -> None:
        if connection.out:
            connection.flush()

    def take_frame(self, connection: wire.Connection, frame: tuple) -> None:
        kind = frame[0]
        if kind == wire.BODY:
            _, id, chunk, more = frame
            upload = connection.uploads.get(id)
            # The body of a request that is answered already may still be on its way.
            if upload is not None:
                upload.put(chunk, more)
        elif kind == wire.GONE:
            self._abort(connection, frame[1])
        else:
            _, id, credit = frame
            for call in self._running:
                if call is not None and call.id == id and call.connection is connection:
                    call.granted += credit
        self._announce()

    def _abort(self, connection: wire.Connection, id: int) -> None:
        upload = connection.uploads.get(id)
        if upload is not None and not upload.ended:
            upload.aborted = True
        with self._claiming:
            for entry in tuple(self.queue):
                if entry[0] is connection and entry[1] == id and self.drop(entry):
                    return
            for call in self._running:
                if call is not None and call.id == id and call.connection is connection:
                    call.gone = True
                    return
        # Popped by the main thread a moment ago, or answered already.
        connection.late.append(id)

    def _announce(self) -> None:
        if not self._alone:
            with self._arrived:
                self._arrived.notify_all()

    # What a call needs while it runs.

    def look(self, call: Call) -> None:
        """Learns whether the client is still there, without waiting."""
        if self._alone and not self.receive(call.connection):
            call.gone = True
        if call.connection.closed or call.id in call.connection.late:
            call.gone = True

    def beat(self, call: Call) -> None:
        """A block was sent: the request is not silent."""
        self.state.clock[call.slot] = monotonic()

    def wait_for_credit(self, call: Call) -> None:
        """Returns once there is credit. Raises ClientDisconnected."""
        while call.granted <= call.spent:
            self.look(call)
            if call.gone:
                raise ClientDisconnected("the client has gone away")
            if call.granted <= call.spent:
                self._wait(call)

    def wait_for_body(self, call: Call, upload: Upload) -> None:
        """Grants credit for a request body and returns when something of it may have arrived."""
        more = upload.grant()
        connection = call.connection
        if more:
            connection.out += wire.encode((wire.WANT, call.id, more))
        connection.flush()
        if self._alone:
            self.receive(connection)
        if connection.closed or call.gone:
            upload.aborted = True
        if not (upload.chunks or upload.ended or upload.aborted):
            self._wait(call)

    def _wait(self, call: Call) -> None:
        self.beat(call)
        if self._alone:
            self._read_ready(BEAT_S)
            self._flush_all()
        else:
            with self._arrived:
                self._arrived.wait(BEAT_S / 20)

    # Reading.

    def _read_ready(self, timeout: float) -> None:
        """Waits until something can be read (negative: for ever) and reads it."""
        for fd in self._poller.poll(timeout):
            connection = self._by_fd.get(fd)
            if connection is not None:
                if not self.receive(connection):
                    self.forget(connection)
            elif fd == self._main_woken.fileno():
                self._main_woken.recv(4096, wire.socket.MSG_DONTWAIT)
                for connection in [each for each in self.connections if each.closed]:
                    self.forget(connection)

    def _flush_all(self) -> None:
        for connection in self.connections:
            if connection.out:
                connection.flush()

    # Running.

    def run(self) -> None:
        """Serves until it was told to stop and nothing runs any more."""
        # A signal may reach any thread, but its handler runs on this one.
        self._main_wake.setblocking(False)
        signal.set_wakeup_fd(self._main_wake.fileno(), warn_on_full_buffer=False)
        if self._alone:
            self._run_alone()
        else:
            self._run_pool()
        self._flush_all()
        self.count_answers()

    def _run_alone(self) -> None:
        requests, pop = self.queue, self.queue.popleft
        application, context = self.application, self._context
        clock, started, running, new_call = self.state.clock, self.state.started, self._running, self._call
        now = begun = flushed = monotonic()
        while True:
            if not requests:
                self._flush_all()
                self.count_answers()
                clock[0] = 0.0
                running[0] = None
                if self.stopping:
                    self._read_ready(0)
                    if not requests:
                        return
                else:
                    self._read_ready(-1)
                now = begun = flushed = monotonic()
            while requests:
                now = monotonic()
                if now - flushed > FLUSH_AFTER_S:
                    self._flush_all()
                    self.count_answers()
                    if now - begun > SLOW_S:
                        self._read_ready(0)
                    flushed = now
                try:
                    connection, id, environ, body = pop()
                except IndexError:
                    break
                begun = now
                clock[0] = now
                started[connection.edge] = id
                method = environ.get("REQUEST_METHOD")
                running[0] = call = new_call(connection, id, method)
                environ["wsgi.early_hints"] = call.early_hints
                try:
                    environ["wsgi.input"] = BytesIO(body) if type(body) is bytes else self._open_input(call, body)
                    copy = context.copy()
                    result = copy.run(application, environ, call.start_response)
                    if type(result) is list and len(result) == 1 and not call.head_sent:
                        block = result[0]
                        length = call.length if call.status else None
                        if (type(block) is bytes and call.status and len(block) <= CREDIT
                                and (length is None or length == len(block)) and method != "HEAD"):
                            try:
                                payload = dumps((1, id, block, call.status, call.headers), 2)
                                size = len(payload)
                            except ValueError:
                                # A subclass of str among the fields: `respond` makes it one.
                                size = 0
                            if 0 < size <= FRAME_SIZE_MAX:
                                connection.out += pack_length(size), payload
                                self.answered += 1
                                if type(body) is not bytes:
                                    self._close_input(call)
                                continue
                    copy.run(call.respond, result)
                except BaseException as error:  # SystemExit too: the worker lives on.
                    self._fail(call, error)
                self.answered += 1
                if type(body) is not bytes:
                    self._close_input(call)

    def _run_pool(self) -> None:
        tokens: Any = queue.SimpleQueue()
        pool = [threading.Thread(target=self._work, args=(slot, tokens), name="tricorn-%d" % slot)
                for slot in range(self.threads)]
        for thread in pool:
            thread.start()
        while not (self.stopping and self._is_idle()):
            self._read_ready(BEAT_S / 20 if self.stopping else -1)
            # Requests that were dropped are answered by this thread.
            self._flush_all()
            for _ in range(len(self.queue) - tokens.qsize()):
                tokens.put(True)
        for _ in pool:
            tokens.put(False)
        for thread in pool:
            thread.join()

    def _is_idle(self) -> bool:
        """Nothing to read, nothing queued, nothing running (pool only)."""
        self._read_ready(0)
        with self._claiming:
            return not self.queue and not any(self._running)

    def _work(self, slot: int, tokens: Any) -> None:
        """One thread of the pool: from a request's call to its close()."""
        while tokens.get():
            while True:
                with self._claiming:
                    try:
                        connection, id, environ, body = self.queue.popleft()
                    except IndexError:
                        break
                    self.state.clock[slot] = monotonic()
                    self.state.started[connection.edge] = id
                    call = self._call(connection, id, environ.get("REQUEST_METHOD"), slot)
                    self._running[slot] = call
                self._serve(call, environ, body)
                with self._claiming:
                    self._running[slot] = None
                    self.answered += 1
                    self.count_answers()
                self.state.clock[slot] = 0.0
                connection.flush()
                if self.stopping:
                    self.wake()

    def _serve(self, call: Call, environ: dict, body: Any) -> None:
        """The pool's way of what `_run_alone` does inline."""
        environ["wsgi.early_hints"] = call.early_hints
        try:
            environ["wsgi.input"] = BytesIO(body) if type(body) is bytes else self._open_input(call, body)
            copy = self._context.copy()
            result = copy.run(self.application, environ, call.start_response)
            copy.run(call.respond, result)
        except BaseException as error:  # SystemExit too: the worker lives on.
            self._fail(call, error)
        if type(body) is not bytes:
            self._close_input(call)

    def _open_input(self, call: Call, body: Optional[str]) -> Any:
        if body is None:
            wait = self.wait_for_body
            return Input(StreamedInput(call.connection.uploads[call.id], lambda upload: wait(call, upload)), 65_536)
        self._spooled[call.slot] = spooled = open_spooled(body)
        return spooled

    def _close_input(self, call: Call) -> None:
        """The request is over: nobody reads its spooled or streamed body any more."""
        call.connection.uploads.pop(call.id, None)
        spooled = self._spooled[call.slot]
        if spooled is not None:
            self._spooled[call.slot] = None
            spooled.close()

    def _fail(self, call: Call, error: BaseException) -> None:
        """The application raised: tells the edge, and the log unless the client's leaving was all."""
        if not (call.gone and isinstance(error, ClientDisconnected)):
            report("Exception in WSGI application", error)
        call.connection.out += wire.encode((wire.FAILED, call.id, call.head_sent))
