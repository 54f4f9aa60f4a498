"""Applications that write down which requests were executed, for the tests of exactly-once."""
import os
import time

LOG = os.open("executed", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def note(path, query):
    os.write(LOG, (path.strip("/") + "\n").encode())
    if query:
        time.sleep(float(query))


def app(environ, start_response):
    note(environ["PATH_INFO"], environ["QUERY_STRING"])
    start_response("200 OK", [])
    return [b"done"]


async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        raise NotImplementedError
    # Blocks the loop, as bad applications do: that is when the steward is needed.
    note(scope["path"], scope["query_string"].decode())
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"done"})
