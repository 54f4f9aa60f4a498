"""The steward: one thread that never runs the application, so that it answers while the application does.

It accepts connections, answers their hello and follows the control channel. When an edge asks, it writes finished
answers and takes back every request that has not started: it reads what lies unread in the data connections, pops
the whole queue, and returns the ids to the edges they came from.
"""
from __future__ import annotations

import os
import selectors
import signal
import socket
import sys
import time
from _thread import start_new_thread
from collections import deque
from typing import Any, Optional

from tricorn.worker import wire
from tricorn.worker.failure import report
from tricorn.worker.server import PATIENCE_S

monotonic = time.monotonic
# The edge's threads are few; a full backlog only delays them.
BACKLOG = 128
# What remains after the grace time for the interpreter's exit (atexit, threads that are joined).
EXIT_S = 2.0
SIGNALS = (signal.SIGTERM, signal.SIGQUIT, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2,
           signal.SIGCHLD, signal.SIGALRM, signal.SIGWINCH)
# As it was before the application could replace it (gevent does).
Selector = selectors.DefaultSelector
READ = selectors.EVENT_READ


class Steward:
    """Serves one `Server` from a thread of its own."""

    def __init__(self, server: Any, settings: dict, control: Any) -> None:
        self._server = server
        self._control = control
        self._edge_pid: Optional[int] = settings.get("edge_pid")
        self._edge_users = (os.geteuid(), wire.edge_user(settings["socket"]), 0)
        self._grace_s = float(settings.get("graceful_timeout_s") or 0)
        self._signals = 0
        self._asked = False
        # The master is gone.
        self._orphaned = False
        # Steward connections by the number of their edge.
        self._links: dict = {}
        self._selector = Selector()
        self._nudge, self._nudged = wire.wake_pair()
        self._selector.register(self._listen(settings["socket"]), READ, self._accept)
        self._selector.register(control, READ, self._read_control)
        self._selector.register(self._nudged, READ, self._wake_up)

    def start(self) -> None:
        """Starts the thread. It is no threading.Thread: nobody joins it, and gevent cannot replace it."""
        start_new_thread(self._run, ())

    def stop(self, grace_s: float) -> None:
        """Stops the server, and the process when the server does not end in time. Callable from any thread."""
        self._server.stop(grace_s)
        wire.nudge(self._nudge)

    @staticmethod
    def _listen(path: str) -> socket.socket:
        listener = wire.raise_descriptor(wire.Socket(socket.AF_UNIX, socket.SOCK_STREAM))
        listener.bind(path)
        os.chmod(path, wire.private_mode(path))
        listener.listen(BACKLOG)
        listener.setblocking(False)
        return listener

    def _run(self) -> None:
        # Handlers run on the main thread: it shall be the one that a signal wakes.
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        while True:
            timeout = None
            if self._server.stopping:
                timeout = self._server.deadline + EXIT_S - monotonic()
                if timeout <= 0:
                    report("The grace time is over: the worker exits with what still runs")
                    sys.stderr.flush()
                    os._exit(1)
            for key, _ in self._selector.select(timeout):
                try:
                    key.data(key.fileobj)
                except Exception as error:
                    report("The worker's steward failed", error, whole=True)
                    if isinstance(key.fileobj, socket.socket) and key.data not in (self._accept, self._wake_up):
                        self._selector.unregister(key.fileobj)
                        key.fileobj.close()

    def count_signal(self) -> None:
        """Takes a TERM of the process's own, in a signal handler: nothing that locks may be done there."""
        self._signals += 1
        wire.nudge(self._nudge)

    def _wake_up(self, nudged: socket.socket) -> None:
        nudged.recv(4096, socket.MSG_DONTWAIT)
        if self._signals > 1 or self._signals and self._control.ended:
            self._server.stop(0.0)
        elif self._signals and not self._asked:
            # The master sees to it that nothing is lost: a successor first, then our end.
            self._asked = True
            self._control.send({"type": "recycle", "reason": "signal"})

    def _read_control(self, _: Any = None) -> None:
        try:
            while True:
                message = self._control.receive(False)
                if message is None:
                    return
                if message.get("type") == "stop":
                    self.stop(float(message.get("grace_s", 0)))
                elif message.get("type") == "retire":
                    self._server.retire(float(message["grace_s"]))
                elif message.get("type") == "edge":
                    self._edge_pid = message["pid"]
        except EOFError:
            if not self._orphaned:
                self._orphaned = True
                self._selector.unregister(self._control)
                self.stop(self._grace_s)

    def _accept(self, listener: socket.socket) -> None:
        try:
            sock, _ = listener.accept()
        except OSError:
            # The peer left again, or descriptors are short: the edge tries again.
            return
        sock.setblocking(True)
        if not self._is_edge(sock):
            report("A connection that is not the edge's was refused")
            sock.close()
            return
        connection = wire.Connection(wire.raise_descriptor(sock))
        self._selector.register(connection.sock, READ, lambda _: self._greet(connection))

    def _is_edge(self, sock: socket.socket) -> bool:
        peer = wire.peer_of(sock)
        if peer is None:
            # Only the directory's mode (0700) protects us here.
            return True
        if peer[0] != self._edge_pid and not self._control.ended:
            # The master has told us of a new edge before it told that edge of us.
            self._read_control()
        return peer[0] == self._edge_pid and peer[1] in self._edge_users

    def _greet(self, connection: wire.Connection) -> None:
        """Reads the first frames of a connection: its hello, and what came with it."""
        server = self._server
        early: list = []

        def take(_: wire.Connection, frame: tuple) -> None:
            if connection.role is None:
                connection.hello(frame)
                connection.out += wire.encode((wire.HELLO, wire.VERSION, os.getpid(), server.interface))
                if connection.role == "data":
                    # Before the first request can be popped.
                    connection.bases = [server.complete(base) for base in connection.bases]
                    server.state.started[connection.edge] = 0
            elif connection.role == "data":
                server.take_frame(connection, frame)
            else:
                early.append(frame)

        with server.reading:
            try:
                got = connection.receive(server.queue, take)
            except wire.Malformed as error:
                report("A connection without a proper hello was closed: %s" % error)
                got = -1
        if got < 0 or connection.role is not None:
            self._selector.unregister(connection.sock)
        if got < 0:
            connection.close()
        elif connection.role == "data":
            connection.flush()
            server.connections.append(connection)
            server.adopt(connection)
        elif connection.role == "steward":
            connection.flush()
            self._links[connection.edge] = connection
            self._selector.register(connection.sock, READ, lambda _: self._serve(connection))
            for frame in early:
                self._take_order(connection, frame)

    def _serve(self, link: wire.Connection) -> None:
        """Reads what an edge asks on its steward connection."""
        try:
            got = link.receive(deque(), self._take_order)
        except wire.Malformed as error:
            report("A malformed frame on a steward connection ends it: %s" % error)
            got = -1
        if got < 0 or link.closed:
            self._selector.unregister(link.sock)
            if self._links.get(link.edge) is link:
                del self._links[link.edge]
            link.close()

    def _take_order(self, link: wire.Connection, frame: tuple) -> None:
        kind, take = frame
        if kind != wire.RECALL or not isinstance(take, bool):
            raise wire.Malformed("not an order to the steward")
        returned: dict = {link.edge: []}
        if take:
            self._take_back(returned)
        for connection in list(self._server.connections):
            self._server.flush(connection)
        for edge, ids in returned.items():
            receiver = self._links.get(edge, link)
            receiver.out += wire.encode((wire.RETURNED, ids))
            receiver.flush()

    def _take_back(self, returned: dict) -> None:
        """Pops every request that has not started, those still unread too, and sorts their ids by edge."""
        server = self._server
        if not server.reading.acquire(timeout=PATIENCE_S):
            return
        try:
            for connection in list(server.connections):
                while not connection.closed and server.receive_locked(connection) > 0:
                    pass
            kept = []
            while True:
                try:
                    entry = server.queue.popleft()
                except IndexError:
                    break
                connection, id = entry[:2]
                if connection.edge in self._links:
                    returned.setdefault(connection.edge, []).append(id)
                    connection.uploads.pop(id, None)
                else:
                    kept.append(entry)
            server.queue.extendleft(reversed(kept))
        finally:
            server.reading.release()
        server.wake()
