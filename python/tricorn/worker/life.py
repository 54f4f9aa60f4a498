"""The life of a worker, or of the preloader, from the first line to the exit status.

It is told everything by the master over the control channel and by nothing else.
"""
from __future__ import annotations

import sys

from tricorn.worker import process
from tricorn.worker.control import Control

# A process under such a name imports the application and forks workers; it serves nothing itself.
PRELOADER = "preloader"


def live(path: str, name: str) -> int:
    """Returns the exit status."""
    sys.argv = ["tricorn"]
    preloader = name.startswith(PRELOADER)
    control = Control(path, name, "preloader" if preloader else "worker")
    signals = process.Signals()
    try:
        start = control.wait_for("start", "stop")
    except EOFError:
        return process.EXIT_OK
    if start["type"] == "stop":
        return process.EXIT_OK
    if preloader:
        from tricorn.worker import preload
        return preload.run(control, start)
    process.prepare(start, name)
    loaded = process.load(control, start)
    return process.EXIT_CANNOT_START if loaded is None else process.serve(control, signals, start, loaded)
