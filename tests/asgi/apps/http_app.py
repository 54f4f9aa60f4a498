"""An ASGI application that does what the request's query tells it: `?do=name`, and other parameters for the deed.

What happens inside is noted under the request's `key` (`do` where there is none), and told by `?do=notes&key=…`.
`?do=steps` is a small language, so that a table of tests can say itself what the application does.
"""
import asyncio
import contextvars
import http
import json
import time
from urllib.parse import parse_qs

import anyio

NOTES = {}
# Requests that may go on.
GO = set()
VARIABLE = contextvars.ContextVar("variable", default="clean")
AT_IMPORT = contextvars.ContextVar("at_import", default="nothing")
AT_IMPORT.set("set at import")


def note(query, value):
    NOTES.setdefault(query.get("key", query.get("do")), []).append(value)


async def text(send, body, status=200):
    body = body.encode("utf-8")
    await send({"type": "http.response.start", "status": status, "headers": [
        (b"content-type", b"text/plain"), (b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


async def notes(scope, receive, send, query):
    """What was noted; with `wait`, once there are so many notes."""
    deadline = time.monotonic() + 20
    while len(NOTES.get(query["key"], ())) < int(query.get("wait", "0")) and time.monotonic() < deadline:
        await asyncio.sleep(0.005)
    await text(send, json.dumps(NOTES.pop(query["key"], [])))


async def peek(scope, receive, send, query):
    """How much was noted, without taking it away."""
    await text(send, str(len(NOTES.get(query["key"], []))))


async def look(scope, receive, send, query):
    """What was noted, without taking it away."""
    await text(send, json.dumps(NOTES.get(query["key"], [])))


async def go(scope, receive, send, query):
    GO.add(query["key"])
    await text(send, "")


# The scope.

def plain(value):
    """A dict as JSON, what is in it as Python writes it."""
    return {key: plain(each) for key, each in value.items()} if isinstance(value, dict) else repr(value)


async def scope_(scope, receive, send, query):
    await text(send, json.dumps(plain(dict(scope))))


async def mutate(scope, receive, send, query):
    """Tells the scope, then spoils all of it that can be changed."""
    told = json.dumps(plain({key: scope[key] for key in ("asgi", "headers", "state", "path")}
                            | {"extensions": scope.get("extensions", {})}))
    scope["asgi"]["version"] = "spoiled"
    scope["headers"].append((b"x-spoiled", b"1"))
    scope["path"] = "spoiled"
    scope["state"]["spoiled"] = True
    scope["state"]["shared"].append(1)
    for name in scope.get("extensions", {}):
        scope["extensions"][name]["spoiled"] = True
    scope.setdefault("extensions", {})["spoiled"] = {}
    await text(send, told)


# A small language: each step is a list of a verb and its arguments.

def meaning(value):
    """What JSON cannot say: {"bytes": "…"}, {"bytearray": …}, {"memoryview": …}, {"generator": […]} and so on."""
    if len(value) != 1:
        return value
    (kind, inner), = value.items()
    makers = {"bytes": lambda: inner.encode("latin-1"), "bytearray": lambda: bytearray(inner.encode("latin-1")),
              "memoryview": lambda: memoryview(inner.encode("latin-1")), "generator": lambda: (x for x in inner),
              "tuple": lambda: tuple(inner), "status": lambda: http.HTTPStatus(inner)}
    return makers[kind]() if kind in makers else value


def told(message):
    """An event that was received, short."""
    kind = message["type"].split(".", 1)[1]
    if message["type"] == "websocket.disconnect":
        return ("disconnect %s %s" % (message["code"], message.get("reason") or "")).rstrip()
    if kind == "receive":
        key = "bytes" if message.get("bytes") is not None else "text"
        return "%s %s" % (key, message[key] if key == "text" else message[key].decode("latin-1"))
    if kind != "request":
        return kind
    body = message["body"].decode("latin-1")
    return "%s %s%s" % (kind, body if len(body) < 100 else len(body), " …" if message["more_body"] else "")


async def steps(scope, receive, send, query):
    for verb, *arguments in json.loads(query["steps"], object_hook=meaning):
        if verb == "send":
            try:
                await send(arguments[0])
                note(query, "sent")
            except Exception as error:
                note(query, type(error).__name__)
        elif verb == "must-send":
            await send(arguments[0])
        elif verb == "receive":
            note(query, told(await receive()))
        elif verb == "receive-all":
            while (message := await receive())["type"] == "http.request" and message["more_body"]:
                pass
            note(query, told(message) if message["type"] != "http.request" else "the end")
        elif verb == "receive-for":
            # Waits no longer than so many seconds; whoever waits is cancelled then.
            try:
                note(query, told(await asyncio.wait_for(receive(), arguments[0])))
            except asyncio.TimeoutError:
                note(query, "waits")
        elif verb == "sleep":
            await asyncio.sleep(arguments[0])
        elif verb == "await-go":
            while query["key"] not in GO:
                await asyncio.sleep(0.005)
        elif verb == "note":
            note(query, arguments[0])
        elif verb == "raise":
            raise {"RuntimeError": RuntimeError, "SystemExit": SystemExit}[arguments[0]](arguments[1])
        elif verb == "return":
            return arguments[0]
        else:
            raise ValueError(verb)
    return None


# Receiving.

async def body(scope, receive, send, query):
    """All of the body, with how the messages looked."""
    size, kinds, more = 0, set(), True
    while more:
        message = await receive()
        more = message["more_body"]
        size += len(message["body"])
        kinds.add("%s %s" % (",".join(sorted(message)), type(message["body"]).__name__))
    await text(send, json.dumps({"size": size, "messages": sorted(kinds)}))


async def two_receivers(scope, receive, send, query):
    """Two tasks wait for the client to leave."""
    async def wait():
        while (await receive())["type"] != "http.disconnect":
            pass
        return "disconnect"
    await receive()
    tasks = [asyncio.create_task(wait()) for _ in range(2)]
    note(query, "waiting")
    for task in tasks:
        note(query, await task)


async def cancelled_receive(scope, receive, send, query):
    """A receive that is cancelled raises CancelledError, and what comes then goes to the next one."""
    task = asyncio.create_task(receive())
    await asyncio.sleep(0.05)
    task.cancel()
    note(query, "cancelling")
    results = await asyncio.gather(task, return_exceptions=True)
    note(query, type(results[0]).__name__)
    note(query, told(await receive()).rstrip(" …"))
    await text(send, "ok")


async def ready_receive(scope, receive, send, query):
    """Does receive() return without waiting when there is something to receive?"""
    await receive()
    note(query, "reading")
    await asyncio.sleep(float(query.get("s", "0.3")))
    coroutine = receive()
    try:
        coroutine.send(None)
        coroutine.close()
        note(query, "waits")
    except StopIteration as stop:
        note(query, told(stop.value))


# Tasks.

async def variable(scope, receive, send, query):
    """Tells a context variable as it finds it, then sets it."""
    found = VARIABLE.get()
    VARIABLE.set(query["set"])
    if "read" in query:
        while (await receive()).get("more_body"):
            pass
    await asyncio.sleep(float(query.get("s", "0")))
    await text(send, json.dumps([found, VARIABLE.get()]))


async def outer_variables(scope, receive, send, query):
    await text(send, json.dumps([AT_IMPORT.get(), IN_LIFESPAN.get()]))


async def background(scope, receive, send, query):
    """Goes on working after the response."""
    await text(send, "answered")
    await asyncio.sleep(float(query["s"]))
    note(query, "worked")


async def outlive(scope, receive, send, query):
    """Waits for the client to leave, then works on."""
    note(query, "begun")
    try:
        while (await receive())["type"] != "http.disconnect":
            pass
        await asyncio.sleep(0.3)
        note(query, "worked on")
    except asyncio.CancelledError:
        note(query, "cancelled")
        raise


async def sender(scope, receive, send, query):
    """Streams without listening; notes how sending ends in some time after the client has left."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"first", "more_body": True})
    note(query, "begun")
    while (await receive())["type"] != "http.disconnect":
        pass
    deadline = time.monotonic() + float(query["s"])
    try:
        while time.monotonic() < deadline:
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
            await asyncio.sleep(0.02)
        note(query, "silence")
    except OSError as error:
        note(query, type(error).__name__)


async def cancelled_send(scope, receive, send, query):
    """Sends blocks until one has to wait, gives that up, and ends the body; notes how many blocks it wanted to send."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    block, count = b"x" * int(query["size"]), 0
    try:
        while True:
            count += 1
            await asyncio.wait_for(send({"type": "http.response.body", "body": block, "more_body": True}), 0.3)
    except asyncio.TimeoutError:
        note(query, str(count))
    await send({"type": "http.response.body", "body": b"the end"})


async def task(scope, receive, send, query):
    current = asyncio.current_task()
    await text(send, json.dumps([isinstance(current, asyncio.Task), current in asyncio.all_tasks(),
                                 current.get_loop() is asyncio.get_running_loop()]))


async def timeout(scope, receive, send, query):
    """A time limit around receive(), as frameworks set it."""
    await receive()
    try:
        with anyio.fail_after(0.05):
            await receive()
    except TimeoutError:
        await text(send, "timed out")


async def group(scope, receive, send, query):
    """A task group listens for the client in one task and answers in another."""
    heard = []

    async def listen():
        while True:
            heard.append((await receive())["type"])
            if heard[-1] == "http.disconnect":
                return

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(listen)
        await anyio.sleep(0.02)
        await text(send, "from a group")
    note(query, heard[-1])


async def exception_group(scope, receive, send, query):
    async def fail(word):
        await anyio.sleep(0)
        raise ValueError(word)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(fail, "left")
        tasks.start_soon(fail, "right")


async def from_thread(scope, receive, send, query):
    """Another thread answers, by way of the loop."""
    def work():
        anyio.from_thread.run(send, {"type": "http.response.start", "status": 200, "headers": []})
        anyio.from_thread.run(send, {"type": "http.response.body", "body": b"from a thread"})
    await anyio.to_thread.run_sync(work)


async def file(scope, receive, send, query):
    """This file, by messages that name files."""
    with open(__file__, "rb") as source:
        size = len(source.read())
        source.seek(0)
        headers = [(b"content-length", b"%d" % size)] if "length" in query else []
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if query["by"] == "pathsend":
            await send({"type": "http.response.pathsend", "path": __file__})
        elif query["by"] == "zerocopysend":
            await send({"type": "http.response.zerocopysend", "file": source.fileno()})
        elif query["by"] == "several messages":
            await send({"type": "http.response.zerocopysend", "file": source.fileno(), "count": 10, "more_body": True})
            with open(__file__, "rb") as again:
                again.seek(10)
                await send({"type": "http.response.body", "body": again.read(10), "more_body": True})
            await send({"type": "http.response.zerocopysend", "file": source.fileno(), "offset": 20})
        elif query["by"] == "a path that is not there":
            await send({"type": "http.response.pathsend", "path": __file__ + ".absent"})
        else:
            raise ValueError(query["by"])


IN_LIFESPAN = contextvars.ContextVar("in_lifespan", default="nothing")
DEEDS = {"scope": scope_, "mutate": mutate, "notes": notes, "peek": peek, "look": look, "go": go, "steps": steps,
         "body": body, "variable": variable, "two-receivers": two_receivers, "cancelled-receive": cancelled_receive,
         "ready-receive": ready_receive, "outer-variables": outer_variables, "background": background,
         "outlive": outlive, "sender": sender, "cancelled-send": cancelled_send, "task": task, "timeout": timeout,
         "group": group, "exception-group": exception_group, "from-thread": from_thread, "file": file}


async def lifespan(scope, receive, send):
    IN_LIFESPAN.set("set in lifespan")
    scope["state"]["shared"] = []
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        return await lifespan(scope, receive, send)
    query = {key: values[0] for key, values in parse_qs(scope["query_string"].decode("latin-1")).items()}
    return await DEEDS[query.get("do", "scope")](scope, receive, send, query)
