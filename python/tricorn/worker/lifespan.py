"""ASGI lifespan: one task that lives as long as the worker, from startup to shutdown (ASGI lifespan 2.0)."""
from __future__ import annotations

import asyncio
from typing import Any, Optional

from tricorn.worker.failure import report

WAIT_LOG_S = 10.0


class LifespanFailed(Exception):
    """Startup failed: the worker cannot serve. `error` is the application's exception, if there was one."""

    def __init__(self, message: str, error: Optional[BaseException] = None) -> None:
        super().__init__(message)
        self.error = error


def _is_deaf(application: Any) -> bool:
    """Tells whether it is known to raise for lifespan: Django's handler, a Channels router without that key."""
    for kind in type(application).__mro__:
        if kind.__module__.startswith("django.core.handlers.") and kind.__name__ == "ASGIHandler":
            return True
        if kind.__module__ == "channels.routing" and kind.__name__ == "ProtocolTypeRouter":
            return "lifespan" not in getattr(application, "application_mapping", {})
    return False


class Lifespan:
    """Runs the application's lifespan. `mode` is "auto", "on" or "off"."""

    def __init__(self, application: Any, mode: str) -> None:
        self._application = application
        self._mode = mode
        # The application's own object; requests get shallow copies of it.
        self.state: dict = {}
        self._supported = False
        self._received = 0
        self._started: Any = None
        self._stopped: Any = None
        self._stopping: Any = None
        self._failure: Optional[str] = None
        self._error: Optional[BaseException] = None
        self._task: Any = None

    async def startup(self) -> None:
        """Returns once requests may come. Raises LifespanFailed, or SystemExit as the application raised it."""
        if self._mode == "off" or self._mode == "auto" and _is_deaf(self._application):
            return
        loop = asyncio.get_running_loop()
        self._started, self._stopping, self._stopped = (loop.create_future() for _ in range(3))
        self._task = loop.create_task(self._run(), name="lifespan")
        waited = 0.0
        while not (self._started.done() or self._task.done()):
            await asyncio.wait((self._started, self._task), timeout=WAIT_LOG_S,
                               return_when=asyncio.FIRST_COMPLETED)
            waited += WAIT_LOG_S
            if not (self._started.done() or self._task.done()):
                report("Lifespan startup has been running for %d seconds" % waited)
        if self._failure is not None:
            raise LifespanFailed("the application's lifespan startup failed: %s" % (self._failure or "no message"))
        if not self._supported:
            self._not_supported(self._error)

    def _not_supported(self, error: Optional[BaseException]) -> None:
        if isinstance(error, SystemExit):
            raise error
        if self._mode == "on":
            raise LifespanFailed("the application does not complete lifespan startup, and --lifespan is on", error)
        if error is None:
            return
        if self._received:
            report("Exception in ASGI lifespan; the worker serves without it", error)
        else:
            report("ASGI lifespan is not supported by the application (%s)" % type(error).__name__)

    async def shutdown(self, timeout_s: float) -> bool:
        """Tells the application to end; returns False when it failed or took too long."""
        if not self._supported or self._task.done():
            return True
        self._stopping.set_result(None)
        await asyncio.wait((self._stopped, self._task), timeout=max(0.0, timeout_s),
                           return_when=asyncio.FIRST_COMPLETED)
        if self._failure is not None:
            report("The application's lifespan shutdown failed: %s" % self._failure)
            return False
        if not self._stopped.done() and not self._task.done():
            report("The application's lifespan shutdown took longer than the grace time")
            return False
        # Let it run to its end: context managers may close after the message.
        await asyncio.wait((self._task,), timeout=max(0.1, timeout_s))
        return True

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        try:
            await self._application(scope, self._receive, self._send)
        except BaseException as error:  # SystemExit too: a task must not raise it through the loop.
            self._error = error
        if not self._supported:
            return
        if not self._stopping.done():
            report("The application's lifespan task ended early; the worker goes on serving", self._error)
        elif self._error is not None and not self._stopped.done():
            report("Exception in ASGI lifespan shutdown", self._error)
            self._failure = type(self._error).__name__

    async def _receive(self) -> dict:
        self._received += 1
        if self._received == 1:
            return {"type": "lifespan.startup"}
        await asyncio.shield(self._stopping)
        return {"type": "lifespan.shutdown"}

    async def _send(self, message: dict) -> None:
        kind = message["type"]
        if kind in ("lifespan.startup.complete", "lifespan.startup.failed") and not self._started.done():
            if kind.endswith("failed"):
                self._failure = str(message.get("message", ""))
            else:
                self._supported = True
            self._started.set_result(None)
        elif kind in ("lifespan.shutdown.complete", "lifespan.shutdown.failed") and self._stopping.done() \
                and not self._stopped.done():
            if kind.endswith("failed"):
                self._failure = str(message.get("message", "")) or "no message"
            self._stopped.set_result(None)
        else:
            raise RuntimeError("unexpected lifespan message %r" % kind)
