"""What a process that has an application does: settings, privileges, the application, serving, exit.

It exits 0 after a stop, 3 when it cannot start (the master has been told why by then), 1 when its shutdown failed.
"""
from __future__ import annotations

import faulthandler
import gc
import os
import signal
import socket
import sys
from typing import Any, Optional

from tricorn.worker import loader, wire, wsgi_alone, wsgi_pool
from tricorn.worker.control import Control
from tricorn.worker.failure import format_failure
from tricorn.worker.steward import Steward

EXIT_OK, EXIT_SHUTDOWN_FAILED, EXIT_CANNOT_START = 0, 1, 3
# Between the edge and Python: how soon another thread gets the interpreter from one that computes.
SWITCH_INTERVAL_S = 0.001


class Signals:
    """TERM and QUIT ask the master for a successor, the second one stops; INT is the master's business.

    Installed before the application is imported: an application that sets its own handlers wins.
    """

    def __init__(self) -> None:
        self.steward: Optional[Steward] = None
        for number in (signal.SIGTERM, signal.SIGQUIT):
            signal.signal(number, self._terminate)
        signal.signal(signal.SIGINT, self._ignore)

    def _ignore(self, number: int, frame: Any) -> None:
        """A terminal's Ctrl-C reaches every process; the master tells each what to do."""

    def _terminate(self, number: int, frame: Any) -> None:
        if self.steward is None:
            os._exit(EXIT_OK)
        self.steward.count_signal()


def prepare(start: dict, name: str) -> None:
    """Makes the process what the settings say: output, name, user, directory, search path."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(line_buffering=True, errors="backslashreplace")
    log = start.get("log")
    if log:
        _redirect_output(log, name)
    _set_title(name[:15])
    if not faulthandler.is_enabled():
        faulthandler.enable(file=sys.__stderr__, all_threads=True)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    drop_privileges(start.get("uid"), start.get("gid"))
    if start.get("umask") is not None:
        os.umask(start["umask"])
    os.environ["SERVER_SOFTWARE"] = start.get("software") or "tricorn"


def _redirect_output(path: str, name: str) -> None:
    """A forked worker has no pipe of its own: its output goes to the master's log socket."""
    sys.stdout.flush()
    sys.stderr.flush()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as log:
        log.connect(path)
        log.sendall(name.encode() + b"\n")
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)


def _set_title(name: str) -> None:
    """Names the process for ps and top, where Linux offers a file for it (15 characters)."""
    try:
        with open("/proc/self/comm", "w") as comm:
            comm.write(name)
    except OSError:
        # Another system, or /proc is closed to us: a nicety.
        pass


def drop_privileges(uid: Optional[int], gid: Optional[int]) -> None:
    """Becomes another user with that user's supplementary groups, for good. Raises OSError."""
    if os.geteuid() != 0 or uid is None and gid is None:
        return
    import pwd
    try:
        user = pwd.getpwuid(os.getuid() if uid is None else uid)
        gid = user.pw_gid if gid is None else gid
        os.initgroups(user.pw_name, gid)
    except KeyError:
        # A number without a name has no supplementary groups.
        os.setgroups([] if gid is None else [gid])
    if gid is not None:
        os.setgid(gid)
    if uid is not None:
        os.setuid(uid)
        if uid != 0:
            try:
                os.setuid(0)
            except OSError:
                return
            raise PermissionError("the user could be changed back to root")


def load(control: Control, start: dict) -> Optional[loader.Loaded]:
    """Imports the application and reports it; None when that failed, which is reported too."""
    try:
        loaded = loader.load(start)
    except loader.LoadFailed as failure:
        control.send({"type": "failed", "stage": "import", "message": failure.message,
                      "traceback": failure.traceback, "hint": failure.hint})
        return None
    loop = None
    if loaded.interface == "asgi":
        from tricorn.worker import loop as loops
        try:
            loop = loops.name_of(start.get("loop") or "auto")
        except Exception as error:
            control.send({"type": "failed", "stage": "import", "traceback": format_failure(error),
                          "message": "the event loop %r cannot be had" % start.get("loop"),
                          "hint": "use --loop auto, asyncio or uvloop, or module:attribute of a loop factory"})
            return None
    loaded.loop = loop
    control.send(describe(loaded))
    return loaded


def describe(loaded: loader.Loaded) -> dict:
    """The message that says what was loaded."""
    implementation = {"cpython": "CPython", "pypy": "PyPy"}.get(sys.implementation.name, sys.implementation.name)
    return {"type": "loaded", "interface": loaded.interface, "asgi": loaded.asgi, "framework": loaded.framework,
            "application": loaded.name, "loop": loaded.loop,
            "python": "%s %s" % (implementation, ".".join(map(str, sys.version_info[:3])))}


def serve(control: Control, signals: Signals, start: dict, loaded: loader.Loaded) -> int:
    """Serves requests until told to stop; returns the exit status."""
    state = wire.State(start["state"])
    # What is loaded by now stays: the collector need not look at it again.
    gc.collect()
    gc.freeze()
    if loaded.interface == "wsgi":
        kind = wsgi_alone.AloneServer if int(start.get("threads") or 1) == 1 else wsgi_pool.PoolServer
        server = kind(loaded.application, start, control, state)
        signals.steward = Steward(server, start, control)
        signals.steward.start()
        control.send({"type": "ready"})
        server.run()
        return EXIT_OK
    from tricorn.worker import loop as loops
    return loops.serve_asgi(control, signals, start, loaded, state)
