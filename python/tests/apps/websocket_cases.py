"""ASGI WebSocket applications, one behaviour each, chosen by the path. HTTP's GET /seen tells what they noted."""
import array
import asyncio
import contextvars
import enum
import time

SEEN = []
CLIENTS = {}
VARIABLE = contextvars.ContextVar("variable", default="clean")


class Text(str):
    pass


class Code(enum.IntEnum):
    POLICY = 1008


def text(data):
    return {"type": "websocket.send", "text": data}


def data(data):
    return {"type": "websocket.send", "bytes": data}


def close(*code_and_reason):
    return {"type": "websocket.close", **dict(zip(("code", "reason"), code_and_reason))}


def start(status=200, headers=()):
    return {"type": "websocket.http.response.start", "status": status, "headers": list(headers)}


def body(content=b"", more=False):
    return {"type": "websocket.http.response.body", "body": content, "more_body": more}


async def accept(receive, send, **more):
    """Receives the connect and accepts."""
    assert await receive() == {"type": "websocket.connect"}
    await send({"type": "websocket.accept", **more})


def gate():
    """Opened by /go for those who wait. It belongs to the loop, which is not there at import."""
    return CLIENTS.setdefault("gate", asyncio.Event())


async def note(send, message):
    """Notes what comes of sending this."""
    try:
        await send(message)
        SEEN.append("sent")
    except Exception as error:
        SEEN.append("%s: %s" % (type(error).__name__, error))


async def echo(scope, receive, send):
    await accept(receive, send)
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            SEEN.append(message)
            return
        await send({**message, "type": "websocket.send"})


async def show(scope, receive, send):
    scope["asgi"]["mine"] = scope["extensions"]["mine"] = scope["state"]["mine"] = True
    await accept(receive, send)
    await send(text(repr(scope)))


async def variable(scope, receive, send):
    before = VARIABLE.get()
    VARIABLE.set("dirty")
    await accept(receive, send)
    await asyncio.sleep(0)
    await send(text(before + VARIABLE.get() + type(asyncio.current_task()).__name__))


async def order(scope, receive, send):
    for message in (text("early"), body(), {"type": "http.response.start", "status": 200}, {"type": "nonsense"}):
        await note(send, message)
    await accept(receive, send)
    for message in ({"type": "websocket.accept"}, start(), {"type": "nonsense"}):
        await note(send, message)


async def accepts(scope, receive, send):
    """Accepts with what the query says."""
    await accept(receive, send, **eval(scope["query_string"]))


async def accepts_oddly(scope, receive, send):
    """Headers that are refused."""
    await receive()
    for headers in ([(b"Sec-WebSocket-Protocol", b"chat")], [(b"sec-websocket-accept", b"x")], [(b"x", b"a\r\nb")],
                    [(b"x y", b"1")], [("x", b"1")]):
        await note(send, {"type": "websocket.accept", "headers": headers})
    await send({"type": "websocket.accept"})


async def closes(scope, receive, send):
    """Closes with what the query says, once accepted."""
    await accept(receive, send)
    await note(send, close(*eval(scope["query_string"])))
    SEEN.extend([await receive(), await receive()])
    await note(send, text("late"))
    await note(send, close())


async def rejects(scope, receive, send):
    await receive()
    await send(close(4000, "no"))
    SEEN.extend([await receive(), await receive()])
    await note(send, {"type": "websocket.accept"})
    await note(send, close())


async def denies(scope, receive, send):
    await receive()
    await send(start(401, [(b"www-authenticate", b"Basic")]))
    await send(body(b"who are you?"))
    SEEN.append(await receive())
    await note(send, body(b"late"))


async def denies_slowly(scope, receive, send):
    await receive()
    await note(send, start(101))
    await note(send, start(200, [("x", b"1")]))
    await send(start(503))
    for wrong in (text("x"), {"type": "websocket.accept"}, close(), start()):
        await note(send, wrong)
    for number in range(6):
        await send(body(bytes([97 + number]) * 100_000, True))
        SEEN.append(number)
    await send(body())
    SEEN.append(await receive())


async def denies_without_end(scope, receive, send):
    await receive()
    await send(start(403, [(b"x", b"1")]))
    if scope["query_string"]:
        await send(body(b"part", True))


async def waits(scope, receive, send):
    SEEN.append(await receive())
    SEEN.append(await receive())
    for message in ({"type": "websocket.accept"}, start(), close()):
        await note(send, message)
    await send({"type": "websocket.accept"})


async def returns_early(scope, receive, send):
    await receive()


async def raises_early(scope, receive, send):
    raise ValueError("before accept")


async def raises(scope, receive, send):
    await accept(receive, send)
    await send(text("last words"))
    raise ValueError("after accept")


async def exits(scope, receive, send):
    await accept(receive, send)
    raise SystemExit(7)


async def returns(scope, receive, send):
    await accept(receive, send)
    await send(text("last words"))
    return "something"


async def kinds(scope, receive, send):
    """What send takes and what it refuses."""
    await accept(receive, send)
    await send({"type": "websocket.send", "bytes": b"both", "text": "both"})
    await send({"type": "websocket.send", "bytes": None, "text": ""})
    await send({"type": "websocket.send", "bytes": b"", "text": None})
    for item in (bytearray(b"1"), memoryview(b"2"), array.array("B", b"3")):
        await send(data(item))
    await send(text(Text("subclass")))
    await send(text("\u00e4\u20ac\U0001f600"))
    for message in ({"type": "websocket.send"}, {"type": "websocket.send", "bytes": None, "text": None}, text(b"x"),
                    data("x"), data(5), text("\ud800"), text("\ud800" * 70_000)):
        await note(send, message)


async def after_disconnect(scope, receive, send):
    await accept(receive, send)
    while (await receive())["type"] != "websocket.disconnect":
        pass
    SEEN.append(await receive())
    await note(send, text("late"))
    await note(send, close())
    await note(send, {"type": "nonsense"})
    await send(text("late"))


async def pauses(scope, receive, send):
    """Receives nothing until /go."""
    await accept(receive, send)
    await gate().wait()
    total = 0
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            SEEN.append((total, message["code"]))
            return
        total += len(message.get("text") or message.get("bytes"))


async def floods(scope, receive, send):
    """Sends as many messages of such a size as the query says."""
    await accept(receive, send)
    count, size = eval(scope["query_string"])
    for number in range(count):
        await send(text(str(number).rjust(size)))
        SEEN.append(number)


async def floods_together(scope, receive, send):
    """Many tasks send, some are cancelled while they wait."""
    await accept(receive, send)
    tasks = [asyncio.ensure_future(send(data(b"%3d" % number + b"x" * 40_000))) for number in range(20)]
    await receive()
    for number in (10, 12):
        tasks[number].cancel()
    tasks.append(asyncio.ensure_future(send(close(1000, "done"))))
    SEEN.append((await asyncio.gather(*tasks, return_exceptions=True)).count(None))


async def large(scope, receive, send):
    """A small message behind each large one, so that the order is seen."""
    await accept(receive, send)
    await send(text("\u20ac" * 200_000))
    await send(text("small"))
    await send(data(b"x" * 262_144))
    await send(data(b"y" * 65_537))
    await send(data(b"z" * 65_536))


async def impatient(scope, receive, send):
    """Stops waiting for a large message, and sends a small one."""
    await accept(receive, send)
    try:
        await asyncio.wait_for(send(data(b"x" * 700_000)), 0.05)
    except asyncio.TimeoutError:
        SEEN.append("timeout")
    await send(text("small"))
    await send(close())


async def races(scope, receive, send):
    """Receives that are cancelled while messages come, one for each timeout."""
    await accept(receive, send)
    found = []
    while len(found) < 200:
        try:
            found.append((await asyncio.wait_for(receive(), 0.001))["text"])
        except asyncio.TimeoutError:
            pass
    SEEN.append(found == [str(number) for number in range(200)])


async def cancelled_in_time(scope, receive, send):
    """A receiver that got its message and was cancelled before it ran."""
    await accept(receive, send)
    first, second = [asyncio.ensure_future(receive()) for _ in range(2)]
    await asyncio.sleep(0)
    CLIENTS["first"] = first
    await asyncio.wait([first])
    SEEN.extend([first.cancelled(), (await second)["text"], (await receive())["text"], (await receive())["text"],
                 (await receive())["code"]])


async def canceller(scope, receive, send):
    """Cancels the other one in the turn in which its message came: this one is delivered before it."""
    await accept(receive, send)
    await receive()
    CLIENTS.pop("first").cancel()


async def receivers(scope, receive, send):
    await accept(receive, send)
    tasks = [asyncio.ensure_future(receive()) for _ in range(4)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    tasks[2].cancel()
    await send(text("ready"))
    SEEN.append([(await tasks[1])["text"], (await tasks[3])["code"], (await receive())["code"]])


async def joins(scope, receive, send):
    """Each message of one goes to all."""
    await accept(receive, send)
    room = CLIENTS.setdefault("room", {})
    room[id(send)] = send
    try:
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            for other in list(room.values()):
                # A new object for each, as a framework makes it.
                await other(text("".join(list(message["text"]))))
    finally:
        del room[id(send)]


async def blocks(scope, receive, send):
    """Computes for a while after its message, without giving the loop a turn."""
    await accept(receive, send)
    await asyncio.sleep(0.05)
    await send(text("before"))
    time.sleep(0.6)
    await send(text("after"))


async def ignores(scope, receive, send):
    """Hears that it is to end and does its last work."""
    await accept(receive, send)
    SEEN.append(await receive())
    print(SEEN[-1], flush=True)
    await note(send, text("late"))
    print(SEEN[-1], flush=True)
    await asyncio.sleep(0.1)
    print("last work done", flush=True)


async def connects_for_ever(scope, receive, send):
    await receive()
    print(await receive(), flush=True)


async def deaf(scope, receive, send):
    await accept(receive, send)
    try:
        await asyncio.sleep(1000)
    finally:
        print("cancelled at the end", flush=True)


async def http(scope, receive, send):
    content = b""
    if scope["path"] == "/seen":
        content = repr(SEEN).encode()
        del SEEN[:]
    elif scope["path"] == "/waits":
        await receive()
        await receive()
    elif scope["path"] == "/go":
        gate().set()
        gate().clear()
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": content})


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        scope["state"]["database"] = "connected"
        await send({"type": "lifespan.startup.complete"})
        await receive()
        print("lifespan shutdown", flush=True)
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["type"] == "http":
        return await http(scope, receive, send)
    name = scope["path"].strip("/").replace("-", "_")
    return await globals()[name](scope, receive, send)
