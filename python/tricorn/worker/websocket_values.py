"""What applications put into WebSocket messages, checked and made what the wire takes (ASGI WebSocket, "www" 2.5)."""
from __future__ import annotations

from typing import Any, Optional

from tricorn.worker.asgi_exchange import FIELDS, bytes_of
from tricorn.worker.failure import report

# RFC 6455 §7.4: what an endpoint may say in a close frame (1012 to 1014 are in IANA's registry).
CLOSE_CODES = frozenset((1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014))
NORMAL = 1000
# RFC 6455 §5.5: a control frame's 125 bytes, less the code.
REASON_SIZE_MAX = 123


def data_of(message: dict) -> Any:
    """Returns a message's content as exactly bytes or str. Raises RuntimeError, TypeError."""
    data = message.get("bytes")
    if data is not None:
        return data if type(data) is bytes else bytes_of(data, "the bytes of websocket.send")
    text = message.get("text")
    if text is None:
        raise RuntimeError("websocket.send needs 'bytes' or 'text', but both are missing or None")
    if not isinstance(text, str):
        raise TypeError("the text of websocket.send must be str, not %s" % type(text).__name__)
    return str.__str__(text)


def code_of(code: Any) -> int:
    """Returns a closing code that may be sent. Raises RuntimeError."""
    # Channels' close(True) means the default.
    if code is None or code is True:
        return NORMAL
    code = int(code)
    if code not in CLOSE_CODES and not 3000 <= code <= 4999:
        raise RuntimeError("%d is no code that a WebSocket may be closed with "
                           "(1000-1003, 1007-1014, 3000-4999)" % code)
    return code


def reason_of(reason: Any) -> str:
    """Returns a closing reason of at most 123 bytes, cut between characters."""
    data = ("" if reason is None else str(reason)).encode()
    return data[:REASON_SIZE_MAX].decode("utf-8", "ignore")


def accept_fields(headers: Any) -> list:
    """Returns the fields of a 101 response. Raises RuntimeError, TypeError."""
    try:
        pairs = FIELDS.examine(headers)[0]
    except ValueError as error:
        raise RuntimeError(str(error)) from None
    good = []
    for name, value in pairs:
        lower = name.lower()
        if lower.startswith(b"sec-websocket-"):
            raise RuntimeError("%s is no field for websocket.accept: subprotocol= names the subprotocol, "
                               "the rest of the handshake is the server's" % name.decode("latin-1"))
        # RFC 9110 §8.6: no Content-Length in a 1xx response. The connection is the edge's.
        if lower not in (b"content-length", b"connection"):
            good.append((name, value))
    return good


def subprotocol_of(subprotocol: Any, offered: list) -> Optional[str]:
    """Returns the client's own text of the subprotocol that was chosen, None without one."""
    if subprotocol is None or subprotocol == "":
        return None
    if subprotocol in offered:
        # An enumeration's member is no str to marshal.
        return offered[offered.index(subprotocol)]
    report("The application accepts a WebSocket with the subprotocol %.100r, which the client did not offer; "
           "it is left out" % (subprotocol,))
    return None
