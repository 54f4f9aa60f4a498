"""Which interface a callable speaks: WSGI, ASGI 3 or ASGI 2."""
from __future__ import annotations

import functools
import inspect
from typing import Any, Optional

from tricorn.worker.explain import LoadFailed

# Base classes whose instances are WSGI, whatever their `__call__` looks like.
WSGI_BASES = {("flask.app", "Flask"), ("django.core.handlers.wsgi", "WSGIHandler"), ("bottle", "Bottle"),
              ("falcon.app", "App"), ("falcon.app", "API")}


def detect(application: Any, asked: str, name: str) -> tuple:
    """Returns ("wsgi", None), ("asgi", 3) or ("asgi", 2); `asked` overrides. Raises LoadFailed when in doubt."""
    if asked == "wsgi":
        return "wsgi", None
    if asked == "asgi3":
        return "asgi", 3
    if asked == "asgi2":
        return "asgi", 2
    found = _look(application)
    if found is None:
        raise LoadFailed("it cannot be told whether `%s` is WSGI or ASGI" % name,
                         hint="say so with --interface wsgi, asgi3 or asgi2")
    return found


def _look(application: Any) -> Optional[tuple]:
    while isinstance(application, functools.partial):
        # Bound arguments no longer count: the signature below knows, the function says what is awaited.
        if _is_async(application.func):
            return "asgi", 3
        return _by_parameters(application)
    for kind in type(application).__mro__:
        if (kind.__module__, kind.__name__) in WSGI_BASES:
            return "wsgi", None
    if inspect.isclass(application):
        if hasattr(application, "__await__"):
            return "asgi", 3
        if _is_async(getattr(application, "__call__", None)):
            return "asgi", 2
        return _by_parameters(application)
    if _is_async(application) or _is_async(getattr(application, "__call__", None)):
        return "asgi", 3
    return _by_parameters(application)


def _is_async(function: Any) -> bool:
    while isinstance(function, functools.partial):
        function = function.func
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(inspect.unwrap(function)) \
        if callable(function) else False


def _by_parameters(application: Any) -> Optional[tuple]:
    """Counts what must be given by position, as asgiref does for double callables."""
    try:
        parameters = inspect.signature(application).parameters.values()
    except (TypeError, ValueError):
        # A builtin without a signature: C extensions speak WSGI.
        return "wsgi", None
    positional = [each for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    required = len([each for each in positional if each.default is each.empty])
    names = [each.name for each in positional]
    if any(each.kind == each.VAR_POSITIONAL for each in parameters):
        # A wrapper such as functools.wraps without __wrapped__: only its names could tell.
        if not names:
            return None
    if required == 3 or names[:3] == ["scope", "receive", "send"]:
        return "asgi", 3
    if required == 1:
        return "asgi", 2
    if required == 2:
        return "wsgi", None
    return None
