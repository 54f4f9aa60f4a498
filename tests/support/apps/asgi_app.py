"""An ASGI application with one path for each behaviour that the tests of the edge look at."""
import asyncio
import hashlib
import json
import os
import time
from urllib.parse import parse_qs

# What happened in this worker, for the tests to ask.
EVENTS = []
BLOCK = bytes(range(256)) * 256


async def start(send, status=200, headers=()):
    await send({"type": "http.response.start", "status": status, "headers": [
        (name.encode(), value.encode()) for name, value in headers]})


async def text(send, body, status=200, headers=()):
    body = body.encode("latin-1") if isinstance(body, str) else body
    await start(send, status, [("content-type", "text/plain"), ("content-length", str(len(body))), *headers])
    await send({"type": "http.response.body", "body": body})


async def hello(scope, receive, send, query):
    await text(send, "hello " + query.get("n", "world"))


async def scope_(scope, receive, send, query):
    def plain(value):
        if isinstance(value, bytes):
            return value.decode("latin-1")
        if isinstance(value, (list, tuple)):
            return [plain(each) for each in value]
        return value
    await text(send, json.dumps({key: plain(value) for key, value in scope.items()
                                 if key not in ("state", "extensions", "asgi")}))


async def hash_(scope, receive, send, query):
    """Reads the body, with a pause before it and one before each piece; tells its size and hash."""
    EVENTS.append("begun")
    digest, size, pieces, largest, more = hashlib.sha256(), 0, 0, 0, True
    pause = float(query.get("s", "0"))
    await asyncio.sleep(float(query.get("first", "0")))
    while more:
        if pause:
            await asyncio.sleep(pause)
        message = await receive()
        if message["type"] == "http.disconnect":
            EVENTS.append("disconnect")
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        digest.update(body)
        size, pieces, largest = size + len(body), pieces + 1, max(largest, len(body))
    EVENTS.append("read")
    await text(send, json.dumps({"size": size, "sha256": digest.hexdigest(), "pieces": pieces, "largest": largest}))


async def who(scope, receive, send, query):
    """Notes whom it takes the client for."""
    EVENTS.append(scope["client"][0] if scope["client"] else "")
    await text(send, EVENTS[-1])


async def sleep(scope, receive, send, query):
    EVENTS.append("begun")
    await asyncio.sleep(float(query["s"]))
    await text(send, "slept " + query.get("n", ""))


async def park(scope, receive, send, query):
    """Waits for the client to leave; notes when that was, by the clock that all processes share."""
    EVENTS.append("parked")
    while (await receive())["type"] != "http.disconnect":
        pass
    EVENTS.append("disconnect")


async def events(scope, receive, send, query):
    happened, EVENTS[:] = list(EVENTS), []
    await text(send, json.dumps(happened))


async def stream(scope, receive, send, query):
    """`count` blocks of `size` bytes with a pause before each but the first; notes how far it came."""
    headers = [("content-type", query.get("type", "application/octet-stream"))]
    if "length" in query:
        headers.append(("content-length", query["length"]))
    await start(send, 200, headers)
    size = int(query.get("size", "10"))
    block = BLOCK[:size] if size <= len(BLOCK) else BLOCK * (size // len(BLOCK))
    count, longest, name = int(query["count"]), 0.0, query.get("n", "")
    try:
        for index in range(count):
            if index > 0:
                await asyncio.sleep(float(query.get("s", "0")))
            began = time.monotonic()
            await send({"type": "http.response.body", "body": block, "more_body": True})
            longest = max(longest, time.monotonic() - began)
        await send({"type": "http.response.body", "body": b""})
        EVENTS.append("sent %s, longest wait %.3f" % (name, longest))
    except OSError:
        EVENTS.append("OSError " + name)
        raise
    finally:
        EVENTS.append("closed " + name)


async def answer_first(scope, receive, send, query):
    """Answers without having read anything."""
    await text(send, "no, thank you", status=int(query.get("status", "200")))


async def fail(scope, receive, send, query):
    if "after" in query:
        await start(send, 200, [("content-type", "text/plain")])
        for _ in range(int(query["after"])):
            await send({"type": "http.response.body", "body": b"x" * 1000, "more_body": True})
    raise RuntimeError("after the head" if "after" in query else "before the head")


async def file(scope, receive, send, query):
    """A file by http.response.pathsend."""
    path = os.environ["TEST_FOLDER"] + "/" + query["name"]
    await start(send, 200, [("content-length", str(os.path.getsize(path)))] if "length" in query else [])
    await send({"type": "http.response.pathsend", "path": path})
    if "once" in query:
        os.remove(path)


async def trailers(scope, receive, send, query):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"trailer", b"x-sum")], "trailers": True})
    await send({"type": "http.response.body", "body": b"abc"})
    await send({"type": "http.response.trailers", "headers": [(b"x-sum", b"6")]})


async def early_hint(scope, receive, send, query):
    await send({"type": "http.response.early_hint", "links": [b"</style.css>; rel=preload"]})
    await text(send, "hinted")


async def tls(scope, receive, send, query):
    """What is known of the connection's TLS; changed, to see that the next request has its own."""
    facts = scope["extensions"].get("tls")
    await text(send, json.dumps({"scheme": scope["scheme"], "tls": facts}))
    if facts is not None:
        facts.clear()


PATHS = {"/": hello, "/tls": tls, "/who": who, "/scope": scope_, "/hash": hash_, "/sleep": sleep, "/park": park,
         "/events": events, "/stream": stream, "/answer-first": answer_first, "/fail": fail, "/file": file,
         "/trailers": trailers, "/early-hint": early_hint}


async def app(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    query = {key: values[0] for key, values in parse_qs(scope["query_string"].decode("latin-1")).items()}
    await PATHS.get(scope["path"], scope_)(scope, receive, send, query)
