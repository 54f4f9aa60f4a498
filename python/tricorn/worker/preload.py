"""The preloader: imports the application once, then forks a worker whenever the master asks.

It stays single-threaded, because a fork copies the locks of other threads in whatever state they are.
"""
from __future__ import annotations

import gc
import os
import random
import selectors
import signal
import sys
import threading
import time

from tricorn.worker import loader, process, wire
from tricorn.worker.control import Control
from tricorn.worker.failure import report


def run(control: Control, start: dict) -> int:
    """Returns the exit status, in the preloader and in each of its forked workers."""
    process.prepare(start, control.name)
    # The ASGI server is imported before the fork, so that its memory is shared.
    loaded = process.load(control, start)
    if loaded is None:
        return process.EXIT_CANNOT_START
    if threading.active_count() > 1:
        report("The application has started threads while it was imported; they do not exist in forked workers. "
               "If it misbehaves, start Tricorn without --preload")
    gc.collect()
    gc.freeze()
    return Preloader(control, loaded, float(start.get("graceful_timeout_s") or 0)).run()


class Preloader:
    """Forks, reaps, and reports both."""

    def __init__(self, control: Control, loaded: loader.Loaded, grace_s: float) -> None:
        self._control = control
        # With the master gone the workers stop by themselves; they get this and the time for their exit.
        self._grace_s = grace_s + 5.0
        self._loaded = loaded
        self._children: dict = {}
        self._deadline = float("inf")
        self._stopping = False
        self._wake, self._woken = wire.wake_pair()
        self._woken.setblocking(False)
        self._wake.setblocking(False)
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        for number in (signal.SIGTERM, signal.SIGQUIT):
            signal.signal(number, lambda number, frame: None)

    def run(self) -> int:
        """Serves the master until a stop and the last child's end."""
        selector = selectors.DefaultSelector()
        selector.register(self._control, selectors.EVENT_READ)
        selector.register(self._woken, selectors.EVENT_READ)
        # Not `self._control.ended`: a report that could not be sent sets it before anybody has heard of the end.
        is_master_gone = False
        while not (self._stopping and (not self._children or time.monotonic() > self._deadline)):
            timeout = max(0.0, self._deadline - time.monotonic()) if self._stopping else None
            for key, _ in selector.select(timeout):
                if key.fileobj is self._woken:
                    self._woken.recv(4096)
            self._reap()
            try:
                message = None if is_master_gone else self._control.receive(False)
                while message is not None:
                    if message["type"] == "fork":
                        if self._fork(message["name"]) == 0:
                            selector.close()
                            return self._be_worker(message["name"], message["start"])
                    elif message["type"] == "stop":
                        self._stop(float(message.get("grace_s", 0)))
                    message = self._control.receive(False)
            except EOFError:
                is_master_gone = True
                selector.unregister(self._control)
                self._stop(self._grace_s)
        return process.EXIT_OK

    def _stop(self, grace_s: float) -> None:
        self._stopping = True
        self._deadline = min(self._deadline, time.monotonic() + grace_s)

    def _fork(self, name: str) -> int:
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid:
            self._children[pid] = name
            self._control.send({"type": "fork", "name": name, "pid": pid})
        return pid

    def _reap(self) -> None:
        """Reports children of our own that ended; the application's children are its own business."""
        for pid, name in list(self._children.items()):
            try:
                found, status = os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                # The application has waited for everything: how it ended is lost.
                found, status = pid, 0
            if found:
                del self._children[pid]
                killed = os.WIFSIGNALED(status)
                self._control.send({"type": "exit", "name": name, "pid": pid,
                                    "code": None if killed else os.WEXITSTATUS(status),
                                    "signal": os.WTERMSIG(status) if killed else None})

    def _be_worker(self, name: str, start: dict) -> int:
        """The child's life: a channel and a seed of its own, then as any worker."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._wake.close()
        self._woken.close()
        path = self._control.path
        self._control.close()
        control = Control(path, name, "worker")
        random.seed()
        process.prepare(start, name)
        control.send(process.describe(self._loaded))
        return process.serve(control, process.Signals(), start, self._loaded)
