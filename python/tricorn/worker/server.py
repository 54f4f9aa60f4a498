"""What a WSGI and an ASGI server share: the queue of requests, the data connections, the end.

The claim is the pop: whoever takes an entry off `queue` owns that request, be it the thread that runs it or the
steward that returns it. A deque's pop and remove are atomic, so a request is started or returned, never both.
"""
from __future__ import annotations

import random
import time
from _thread import allocate_lock
from collections import deque
from typing import Any

from tricorn.worker import wire
from tricorn.worker.control import Control
from tricorn.worker.failure import report

monotonic = time.monotonic
# How long the steward waits for a lock before it answers without: another edge may be the one that is stuck.
PATIENCE_S = 0.05


class Server:
    """One worker's serving side. Subclasses run the application and say how."""

    interface = ""

    def __init__(self, settings: dict, control: Control, state: wire.State) -> None:
        self.settings = settings
        self.control = control
        self.state = state
        # Entries are (connection, id, environ or scope, body).
        self.queue: deque = deque()
        self.reading = allocate_lock()
        self.connections: list = []
        self.stopping = False
        self.deadline = float("inf")
        self.answered = 0
        self.recycle_at = self._recycle_at()

    # What a subclass does in its own way. All but the last two are called by the steward's thread.

    def complete(self, base: dict) -> dict:
        """Adds to the constant part of an environ or scope what only the worker can say."""
        raise NotImplementedError

    def adopt(self, connection: wire.Connection) -> None:
        """A data connection has said hello: read it from now on."""
        raise NotImplementedError

    def wake(self) -> None:
        """There is something new to look at: frames, an ended connection, a stop."""
        raise NotImplementedError

    def retire(self, grace_s: float) -> None:
        """Nothing new will come, and the end within so long: what never ends by itself is told in time."""

    def flush(self, connection: wire.Connection) -> None:
        """Writes finished answers."""
        raise NotImplementedError

    def take_frame(self, connection: wire.Connection, frame: tuple) -> None:
        """A frame of a data connection that is not a request; called under the reading lock. Raises Malformed."""
        raise NotImplementedError

    # Shared by both.

    def receive(self, connection: wire.Connection) -> bool:
        """Reads a data connection without waiting. Returns False once it has ended."""
        with self.reading:
            return not connection.closed and self.receive_locked(connection) >= 0

    def receive_locked(self, connection: wire.Connection) -> int:
        """Reads under the lock that is held: bytes read, 0 for nothing now, -1 for the end."""
        try:
            return connection.receive(self.queue, self.take_frame)
        except wire.Malformed as error:
            report("A malformed frame of edge %d ends its connection: %s" % (connection.edge, error))
            connection.closed = True
            return -1

    def claim(self, entry: tuple) -> bool:
        """Takes one entry out of the queue; False when somebody else was faster."""
        try:
            self.queue.remove(entry)
        except ValueError:
            return False
        return True

    def drop(self, entry: tuple) -> bool:
        """Claims a request whose client has left, and answers it in place of the application."""
        if not self.claim(entry):
            return False
        connection, id = entry[:2]
        connection.uploads.pop(id, None)
        connection.out += wire.encode((wire.FAILED, id, False))
        return True

    def count_answers(self) -> None:
        """Notes the answers in the state file and asks for a successor when there were enough of them."""
        self.state.answered[0] = self.answered & 0xFFFFFFFF
        if self.answered >= self.recycle_at:
            self.recycle_at = float("inf")
            self.control.send({"type": "recycle", "reason": "max-requests"})

    def stop(self, grace_s: float) -> None:
        """Ends the worker once what runs is finished, or the grace time is over. May be called again, to hurry."""
        self.deadline = min(self.deadline, monotonic() + grace_s)
        self.stopping = True
        self.wake()

    def _recycle_at(self) -> float:
        limit: Any = self.settings.get("max_requests") or 0
        if not limit:
            return float("inf")
        return limit + random.SystemRandom().randint(0, self.settings.get("max_requests_jitter") or 0)
