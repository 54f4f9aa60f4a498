"""What a WSGI server is, with one thread (`wsgi_alone`) or with several (`wsgi_pool`).

In both the main thread reads the data connections. It runs the application too, or leaves that to its pool.
"""
from __future__ import annotations

import contextvars
import signal
import time
from _thread import allocate_lock
from typing import Any, Optional

from tricorn.worker import wire
from tricorn.worker.failure import report
from tricorn.worker.file_wrapper import FileWrapper
from tricorn.worker.poller import Poller
from tricorn.worker.server import PATIENCE_S, Server
from tricorn.worker.wire import ClientDisconnected, Upload
from tricorn.worker.wsgi_call import Call
from tricorn.worker.wsgi_input import Errors, Input, StreamedInput, open_spooled

monotonic = time.monotonic
# A finished answer waits no longer than this for others to share its write.
FLUSH_AFTER_S = 0.0005
# How often a thread that waits for the edge shows that it is alive.
BEAT_S = 1.0


class WsgiServer(Server):
    """Runs one WSGI application. Subclasses say on which thread, and how a call waits."""

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
            # Each request's own. A copy that has all keys from the start need not grow.
            "wsgi.input": None,
            "wsgi.early_hints": None,
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
        # The steward never waits for an edge that does not read: others have asked.
        connection.flush_some(PATIENCE_S)

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
        """Something arrived that a call may be waiting for."""

    def _look(self, connection: wire.Connection) -> bool:
        """Reads what has come, without waiting, if that is the caller's to do; False at the connection's end."""
        raise NotImplementedError

    def _wait(self) -> None:
        """Waits until something may have arrived."""
        raise NotImplementedError

    def _run(self) -> None:
        """Serves until the server stops and nothing runs any more."""
        raise NotImplementedError

    # What a call needs while it runs.

    def look(self, call: Call) -> None:
        """Learns whether the client is still there, without waiting."""
        if not self._look(call.connection) or call.connection.closed or call.id in call.connection.late:
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
                self.beat(call)
                self._wait()

    def wait_for_body(self, call: Call, upload: Upload) -> None:
        """Grants credit for a request body and returns when something of it may have arrived."""
        more = upload.grant()
        connection = call.connection
        if more:
            connection.out += wire.encode((wire.WANT, call.id, more))
        connection.flush()
        self.look(call)
        if call.gone:
            upload.aborted = True
        if not (upload.chunks or upload.ended or upload.aborted):
            self.beat(call)
            self._wait()

    # Reading.

    def _read_ready(self, timeout: float) -> bool:
        """Waits until something can be read (negative: for ever) and reads it; False when there was nothing."""
        ready = self._poller.poll(timeout)
        for fd in ready:
            connection = self._by_fd.get(fd)
            if connection is not None:
                if not self.receive(connection):
                    self.forget(connection)
            elif fd == self._main_woken.fileno():
                self._main_woken.recv(4096, wire.socket.MSG_DONTWAIT)
                for connection in [each for each in self.connections if each.closed]:
                    self.forget(connection)
        return bool(ready)

    def _flush_all(self) -> None:
        for connection in self.connections:
            if connection.out or connection.rest:
                connection.flush()

    # Running.

    def run(self) -> None:
        """Serves until it was told to stop and nothing runs any more."""
        # A signal may reach any thread, but its handler runs on this one.
        self._main_wake.setblocking(False)
        signal.set_wakeup_fd(self._main_wake.fileno(), warn_on_full_buffer=False)
        self._run()
        self._flush_all()
        self.count_answers()

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
