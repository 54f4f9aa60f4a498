"""A WSGI server with several threads: the main thread reads, a pool runs the application.

Waking a thread costs more than a short request. So one thread is woken for what came in together, and the others
only when that one has not emptied the queue within a moment: then its requests are long enough to be shared.
"""
from __future__ import annotations

import queue
import threading
from io import BytesIO
from typing import Any

from tricorn.worker import wire
from tricorn.worker.wsgi import BEAT_S, FLUSH_AFTER_S, WsgiServer, monotonic
from tricorn.worker.wsgi_call import Call

# How long one thread may be busy with a queue before others help.
MOMENT_S = 0.001


class PoolServer(WsgiServer):
    """A request's call, iteration and close() are on one thread of the pool."""

    def __init__(self, application: Any, settings: dict, control: Any, state: wire.State) -> None:
        super().__init__(application, settings, control, state)
        # Signalled when credit, body bytes or an abort arrive.
        self._arrived = threading.Condition()
        self._flushed = 0.0

    def _announce(self) -> None:
        with self._arrived:
            self._arrived.notify_all()

    def _look(self, connection: wire.Connection) -> bool:
        return not connection.closed

    def _wait(self) -> None:
        with self._arrived:
            self._arrived.wait(BEAT_S / 20)

    def _run(self) -> None:
        tokens: Any = queue.SimpleQueue()
        pool = [threading.Thread(target=self._work, args=(slot, tokens), name="tricorn-%d" % slot)
                for slot in range(self.threads)]
        for thread in pool:
            thread.start()
        while not (self.stopping and self._is_idle()):
            # Requests for which no thread was woken: the one that is at work may get to them soon.
            left = len(self.queue) > tokens.qsize()
            news = self._read_ready(MOMENT_S if left else BEAT_S / 20 if self.stopping else -1)
            # Requests that were dropped are answered by this thread.
            self._flush_all()
            wanted = len(self.queue) if left and not news else min(1, len(self.queue))
            for _ in range(wanted - tokens.qsize()):
                tokens.put(True)
        for _ in pool:
            tokens.put(False)
        for thread in pool:
            thread.join()

    def _is_idle(self) -> bool:
        """Nothing to read, nothing queued, nothing running."""
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
                now = monotonic()
                if not self.queue or now - self._flushed > FLUSH_AFTER_S:
                    self._flush_all()
                    self._flushed = now
                if self.stopping:
                    self.wake()

    def _serve(self, call: Call, environ: dict, body: Any) -> None:
        """One request, as `AloneServer` does it inline."""
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
