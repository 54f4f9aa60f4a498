"""ASGI applications, one behaviour each, chosen by the path."""
import array
import asyncio
import collections
import contextvars
import enum
import sys
import time

from asgi_file_cases import path_send, sends_and_deletes, strange_paths, zero_copy  # noqa: F401
from asgi_messages import SEEN, body, note, start

VARIABLE = contextvars.ContextVar("variable", default="clean")
Pair = collections.namedtuple("Pair", "name value")


class Status(enum.IntEnum):
    TEAPOT = 418


async def hello(scope, receive, send):
    await send(start(headers=[(b"content-type", b"text/plain"), (b"content-length", b"5")]))
    await send(body(b"hello"))


async def seen(scope, receive, send):
    await send(start())
    await send(body(",".join(map(str, SEEN)).encode()))
    del SEEN[:]


async def show(scope, receive, send):
    scope["asgi"]["mine"] = scope["extensions"]["mine"] = scope["state"]["mine"] = True
    scope["headers"].append((b"mine", b"1"))
    await send(start())
    await send(body(repr(scope).encode()))


async def echo(scope, receive, send):
    await send(start())
    while True:
        message = await receive()
        await send(body(message["body"], message["more_body"]))
        if not message["more_body"]:
            return


async def messages(scope, receive, send):
    """The events of receive(), up to and with the second http.disconnect."""
    found = [await receive()]
    while found[-1].get("more_body"):
        found.append(await receive())
    await send(start())
    await send(body(repr(found).encode()))
    found = [await receive(), await receive()]
    SEEN.append([message["type"] for message in found])


async def waits(scope, receive, send):
    await receive()
    await send(start())
    await send(body(b"x", True))
    SEEN.append((await receive())["type"])
    SEEN.append((await receive())["type"])


async def two_receivers(scope, receive, send):
    await receive()
    tasks = [asyncio.ensure_future(receive()) for _ in range(3)]
    await asyncio.sleep(0.01)
    tasks[0].cancel()
    try:
        await tasks[0]
    except asyncio.CancelledError:
        SEEN.append("cancelled")
    await send(start())
    await send(body(b"x"))
    SEEN.extend(message["type"] for message in await asyncio.gather(*tasks[1:]))


async def start_only(scope, receive, send):
    await send(start(headers=[(b"content-type", b"text/event-stream")]))
    await asyncio.sleep(1)
    await send(body(b"later"))


async def stream(scope, receive, send):
    await send(start())
    for n in range(6):
        await send(body(bytes([97 + n]) * 200_000, True))
        SEEN.append(n)
    await send({"type": "http.response.body"})


async def large(scope, receive, send):
    await send(start())
    await send(body(b"x" * 600_000))


async def order(scope, receive, send):
    found = []
    for message in (
            body(b"early"), {"type": "http.response.pathsend", "path": "x"}, {"type": "nonsense"},
            start(99), start(1000)):
        try:
            await send(message)
        except RuntimeError as error:
            found.append(str(error))
    await send(start())
    for message in (start(), {"type": "http.response.trailers"}, {"type": "websocket.send"}):
        try:
            await send(message)
        except RuntimeError as error:
            found.append(str(error))
    await send(body("|".join(found).encode()))
    try:
        await send(body(b"late"))
    except RuntimeError as error:
        SEEN.append(str(error))


async def heads(scope, receive, send):
    found = []
    for headers in (
            [("x", b"1")], [(b"x", "1")], [(b"x", b"a\r\nb")], [(b"x y", b"1")], [(b"x",)],
            [(b"content-length", b"x")], 5):
        try:
            await send(start(headers=headers))
        except Exception as error:
            found.append(type(error).__name__)
    await send(start(Status.TEAPOT, ([name, value] for name, value in (
        (b"X-Mixed", bytearray(b"1")), (b"x-view", memoryview(b"2")), (b"transfer-encoding", b"chunked"),
        (b"content-length", b"100"), (b"connection", b"close"), (b"content-length", b"100")))))
    found = ",".join(found).encode()
    await send({"type": "http.response.body", "body": memoryview(found.ljust(100))})


async def text_body(scope, receive, send):
    await send(start())
    await send(body("text"))


async def too_long(scope, receive, send):
    await send(start(headers=[(b"content-length", b"3")]))
    await send(body(b"abc", True))
    await send(body(b"defg"))


async def too_short(scope, receive, send):
    await send(start(headers=[(b"content-length", b"30")]))
    await send(body(b"abc"))


async def not_modified(scope, receive, send):
    await send(start(304, [(b"content-length", b"30")]))
    await send(body(b""))


async def head_mismatch(scope, receive, send):
    await send(start(headers=[(b"content-length", b"30")]))
    await send(body(b"abc", True))
    await send(body(b""))


async def raises_before(scope, receive, send):
    raise ValueError("before the start")


async def raises_started(scope, receive, send):
    await send(start())
    raise ValueError("after the start")


async def raises_midway(scope, receive, send):
    await send(start())
    await send(body(b"part", True))
    await asyncio.sleep(0.02)
    raise ValueError("in the middle")


async def raises_after(scope, receive, send):
    await hello(scope, receive, send)
    raise ValueError("in the background")


async def returns_early(scope, receive, send):
    pass


async def returns_midway(scope, receive, send):
    await send(start())
    await send(body(b"part", True))


async def returns_something(scope, receive, send):
    await hello(scope, receive, send)
    return "something"


async def exits(scope, receive, send):
    raise SystemExit(7)


async def background(scope, receive, send):
    await hello(scope, receive, send)
    await asyncio.sleep(float(scope["query_string"] or b"1"))
    print("background done", flush=True)
    SEEN.append("background")


async def gone(scope, receive, send):
    await send(start())
    try:
        for n in range(1_000_000):
            await send(body(b"x" * 1000, True))
            if not n % 10:
                await asyncio.sleep(0.001)
            if SEEN and SEEN[-1] == "stop":
                break
    except OSError as error:
        SEEN.append(type(error).__name__)
        raise


async def gone_listening(scope, receive, send):
    await send(start())
    await send(body(b"x", True))
    while (await receive())["type"] != "http.disconnect":
        pass
    await send(body(b"dropped", True))
    await send(body(b"dropped"))
    SEEN.append("dropped")


async def cut_upload(scope, receive, send):
    found = [(await receive())["type"]]
    while found[-1] == "http.request":
        found.append((await receive())["type"])
    SEEN.extend(found)


async def informational(scope, receive, send):
    for status in (99, 101, 200):
        await note(send, {"type": "http.response.informational", "status": status})
    await note(send, {"type": "http.response.early_hint", "links": ["text"]})
    await send({"type": "http.response.informational", "status": 102, "headers": [(b"x", b"1")]})
    await send({"type": "http.response.informational", "status": 103})
    await note(send, {"type": "http.response.push", "path": "/a.css", "headers": []})
    await note(send, {"type": "http.response.debug", "info": {}})
    await send(start())
    await note(send, {"type": "http.response.push", "path": "/a.css", "headers": []})
    await send(body(b"x", True))
    await note(send, {"type": "http.response.early_hint", "links": []})
    await send(body(b"y"))
    await note(send, {"type": "http.response.push", "path": "/a.css", "headers": []})


async def no_trailers(scope, receive, send):
    await send(start())
    await note(send, {"type": "http.response.trailers", "headers": [(b"a", b"1")]})
    await send(body(b"x"))
    await note(send, {"type": "http.response.trailers", "headers": [(b"a", b"1")]})


async def odd_trailers(scope, receive, send):
    await send(start(trailers=True))
    await send(body(b"x", True))
    await note(send, {"type": "http.response.trailers"})
    await send(body())
    for headers in ([(b"content-length", b"1")], [("a", b"1")], [(b"a", b"1\r\n")]):
        await note(send, {"type": "http.response.trailers", "headers": headers})
    await note(send, body(b"late"))
    await send({"type": "http.response.trailers", "more_trailers": True})
    await send({"type": "http.response.trailers", "headers": [(b"transfer-encoding", b"x"), (b"a", b"1")]})
    await note(send, {"type": "http.response.trailers"})


async def impatient(scope, receive, send):
    """Stops waiting for a slow client and goes on with what comes next."""
    size = int(scope["query_string"])
    await send(start(headers=[(b"content-length", b"%d" % (size + 300_001))]))
    await send(body(b"a" * 300_000, True))
    try:
        await asyncio.wait_for(send(body(b"b" * size, True)), 0.05)
    except asyncio.TimeoutError:
        SEEN.append("timeout")
    await note(send, body(b"c"))


async def named_pairs(scope, receive, send):
    await send(start(headers=[Pair(b"x-name", b"value"), [b"x-list", b"value"]]))
    await send(body(b"x", more=bool(scope["query_string"])))
    if scope["query_string"]:
        await send(body(b"y"))


async def buffers(scope, receive, send):
    await send(start())
    for content in (bytearray(b"1"), memoryview(b"2x3")[::2], array.array("B", b"4"), enum.Enum):
        await note(send, body(content, True))
    await send(body())


async def computes(scope, receive, send):
    await asyncio.sleep(0.01)
    await send(start())
    for number in b"12":
        await send(body(bytes([number]), True))
        time.sleep(0.6)
    await send(body())


async def computes_afterwards(scope, receive, send):
    await asyncio.sleep(0.01)
    await hello(scope, receive, send)
    time.sleep(0.6)


async def hints(scope, receive, send):
    await send({"type": "http.response.early_hint", "links": [b"</a.css>; rel=preload"]})
    await send(start())
    await send({"type": "http.response.early_hint", "links": [b"</b.js>; rel=preload"]})
    await send(body(b"hinted"))


async def trailers(scope, receive, send):
    await send(start(trailers=True))
    await send(body(b"with trailers"))
    await send({"type": "http.response.trailers", "headers": [(b"a", b"1")], "more_trailers": True})
    await send({"type": "http.response.trailers", "headers": [(b"b", b"2")]})


async def variable(scope, receive, send):
    before = VARIABLE.get()
    VARIABLE.set("dirty")
    await asyncio.sleep(0)
    await send(start())
    await send(body((before + VARIABLE.get() + type(asyncio.current_task()).__name__).encode()))


async def blocks(scope, receive, send):
    time.sleep(0.3)
    await hello(scope, receive, send)


async def state(scope, receive, send):
    await send(start())
    await send(body(repr(scope["state"]).encode()))


async def forever(scope, receive, send):
    await send(start(headers=[(b"content-type", scope["query_string"] or b"text/plain")]))
    await send(body(b"first", True))
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            await send(body(b"bye"))
            return


async def deaf(scope, receive, send):
    await send(start())
    await send(body(b"first", True))
    try:
        await asyncio.sleep(1000)
    finally:
        print("cancelled at the end", flush=True)


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        scope["state"]["database"] = "connected"
        await send({"type": "lifespan.startup.complete"})
        await receive()
        print("lifespan shutdown", flush=True)
        await send({"type": "lifespan.shutdown.complete"})
        return
    name = scope["path"].strip("/").replace("-", "_") or "hello"
    return await globals()[name](scope, receive, send)


class Two:
    """ASGI 2: a callable of the scope that returns a callable."""

    def __init__(self, scope):
        self.scope = scope

    async def __call__(self, receive, send):
        if self.scope["type"] != "http":
            raise NotImplementedError
        await hello(self.scope, receive, send)


async def group(scope, receive, send):
    await receive()
    await send(start())
    await send(body(b"x", True))
    SEEN.append((await receive())["type"])
    errors = [sys.modules["tricorn.worker.wire"].ClientDisconnected("what send raises after a while")]
    if scope["query_string"]:
        errors.append(ConnectionResetError("not ours"))
    raise ExceptionGroup("group", [ExceptionGroup("inner", errors)])


def wrapped(scope, receive, send):
    """A plain function that returns a coroutine, as decorators do."""
    return app(scope, receive, send)
