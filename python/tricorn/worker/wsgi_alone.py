"""A WSGI server with one thread: the application runs on the main thread, between reads.

The loop in `_run` is the hot path: what it does for one request, everybody waits for.
"""
from __future__ import annotations

from io import BytesIO

from tricorn.worker import wire
from tricorn.worker.wire import CREDIT, FRAME_SIZE_MAX, WHOLE_SIZE, WHOLE_START, dumps, pack_length, pack_whole
from tricorn.worker.wsgi import BEAT_S, FLUSH_AFTER_S, WsgiServer, monotonic

# After a request that took longer, what came in meanwhile is read before the next one starts.
SLOW_S = 0.001


class AloneServer(WsgiServer):
    """Nothing else of the application runs while one request does (PEP 3333 "Thread Support")."""

    def _look(self, connection: wire.Connection) -> bool:
        return self.receive(connection)

    def _wait(self) -> None:
        self._read_ready(BEAT_S)
        self._flush_all()

    def _run(self) -> None:
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
                            head = call.head
                            if head is not None:
                                size = WHOLE_SIZE + len(block) + len(head)
                                written = pack_whole(size, WHOLE_START, id, b"s", len(block)), block, head
                            else:
                                try:
                                    payload = dumps((1, id, block, call.status, call.headers), 2)
                                    size = len(payload)
                                    written = pack_length(size), payload
                                except ValueError:
                                    # A subclass of str among the fields: `respond` makes it one.
                                    size = 0
                            if 0 < size <= FRAME_SIZE_MAX:
                                connection.out += written
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
