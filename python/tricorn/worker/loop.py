"""Which event loop an ASGI application runs on, and the run itself."""
from __future__ import annotations

import asyncio
import importlib
from typing import Any

from tricorn.worker import wire
from tricorn.worker.asgi import AsgiServer
from tricorn.worker.failure import format_failure, report
from tricorn.worker.lifespan import LifespanFailed
from tricorn.worker.steward import Steward


def _factory(name: str) -> Any:
    """Returns a callable that makes the loop. Raises ImportError, AttributeError."""
    if name == "auto":
        try:
            name = "uvloop" if importlib.import_module("uvloop") else name
        except ImportError:
            name = "asyncio"
    if name == "asyncio":
        return asyncio.new_event_loop
    if name == "uvloop":
        return importlib.import_module("uvloop").new_event_loop
    module, _, attribute = name.partition(":")
    factory: Any = importlib.import_module(module)
    for part in attribute.split("."):
        factory = getattr(factory, part)
    return factory


def name_of(name: str) -> str:
    """Returns the loop's name for the banner. Raises ImportError, AttributeError."""
    factory = _factory(name)
    if name not in ("auto", "asyncio", "uvloop"):
        return name
    return "asyncio" if factory is asyncio.new_event_loop else "uvloop"


def serve_asgi(control: Any, signals: Any, start: dict, loaded: Any, state: wire.State) -> int:
    """Runs an ASGI application from lifespan startup to the closed loop; returns the exit status."""
    loop = _factory(start.get("loop") or "auto")()
    asyncio.set_event_loop(loop)
    server = AsgiServer(loaded.application, start, control, state, loop)
    try:
        signals.steward = Steward(server, start, control)
        signals.steward.start()
        try:
            loop.run_until_complete(server.start())
        except LifespanFailed as failure:
            control.send({"type": "failed", "stage": "lifespan", "message": str(failure), "hint": None,
                          "traceback": format_failure(failure.error) if failure.error else None})
            return 3
        except SystemExit as error:
            control.send({"type": "failed", "stage": "lifespan", "traceback": None,
                          "message": "the application called sys.exit(%r) in lifespan startup" % (error.code,),
                          "hint": None})
            return error.code if isinstance(error.code, int) else 3
        control.send({"type": "ready"})
        return 0 if loop.run_until_complete(server.run()) else 1
    finally:
        _close(loop)


def _close(loop: asyncio.AbstractEventLoop) -> None:
    """Ends what the application left on the loop, as asyncio.run does."""
    try:
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        if tasks:
            loop.run_until_complete(asyncio.wait(tasks, timeout=1.0))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
    except Exception as error:
        report("Closing the event loop failed", error)
    finally:
        asyncio.set_event_loop(None)
        loop.close()
