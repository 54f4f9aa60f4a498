"""How failures are told: tracebacks with the user's frames only, bounded, safe against hostile exceptions."""
from __future__ import annotations

import os
import sys
import traceback
from types import TracebackType
from typing import Any, Optional

FRAMES_MAX = 64
SIZE_MAX = 65_536
# Exceptions of one chain or group whose frames are looked at.
CHAIN_MAX = 1000
OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep


def _is_ours(filename: str) -> bool:
    return filename.startswith(OURS) or filename.startswith("<frozen importlib") \
        or filename.endswith(os.path.join("importlib", "__init__.py"))


def user_frames(trace: Optional[TracebackType]) -> Optional[TracebackType]:
    """Returns a traceback from its first frame that is neither ours nor the import machinery's."""
    while trace is not None and _is_ours(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    return trace


def _leave_out_ours(formatted: Any) -> None:
    """Takes our frames out of a TracebackException, and out of those that it was raised from or holds."""
    pending, seen = [formatted], 0
    while pending and seen < CHAIN_MAX:
        each = pending.pop()
        seen += 1
        each.stack = traceback.StackSummary.from_list(
            [frame for frame in each.stack if not _is_ours(frame.filename)])
        pending += [other for other in (each.__cause__, each.__context__) if other is not None]
        pending += getattr(each, "exceptions", None) or []


def format_failure(error: BaseException, whole: bool = False) -> str:
    """Returns the traceback of an exception as text of at most SIZE_MAX characters; never raises.

    With `whole` our own frames are in it too.
    """
    try:
        formatted = traceback.TracebackException(type(error), error, error.__traceback__, limit=-FRAMES_MAX)
        if not whole:
            _leave_out_ours(formatted)
        parts, size = [], 0
        for part in formatted.format():
            parts.append(part)
            size += len(part)
            if size > SIZE_MAX:
                break
        text = "".join(parts)
    except BaseException as second:  # A hostile __str__ or __repr__ may raise anything, even SystemExit.
        text = "%s (its text cannot be had: %s)\n" % (type(error).__name__, type(second).__name__)
    if len(text) > SIZE_MAX:
        text = text[:SIZE_MAX // 2] + "\n  …\n" + text[-SIZE_MAX // 2:]
    return text


def report(message: str, error: Optional[BaseException] = None, whole: bool = False) -> None:
    """Writes a message, and an exception's traceback, to standard error in one piece; never raises."""
    text = message + "\n" if error is None else message + "\n" + format_failure(error, whole)
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except Exception:
        # Standard error is closed or broken: there is nobody left to tell.
        pass
