"""An ASGI application of WebSockets that does what the query of the handshake tells it, as http_app does for requests.

Over HTTP the same paths as there: `?do=notes&key=…` tells what was noted.
"""
import asyncio
import json
from urllib.parse import parse_qs

import http_app
from http_app import note, plain

ROOM = []


async def scope_(scope, receive, send, query):
    """Sends the scope as text."""
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": json.dumps(plain(dict(scope)))})
    await receive()


async def echo(scope, receive, send, query):
    """Sends back what it gets; notes how it ended."""
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send(message | {"type": "websocket.send"})
    note(query, http_app.told(message))


async def keys(scope, receive, send, query):
    """Sends back the keys of each message."""
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": ",".join(sorted(message))})


async def farewells(scope, receive, send, query):
    """Notes the keys of the last event, and those of the event after it."""
    await receive()
    await send({"type": "websocket.accept"})
    for _ in range(3):
        try:
            message = await asyncio.wait_for(receive(), 0.3)
            note(query, ",".join(sorted(message)) + " " + http_app.told(message))
        except asyncio.TimeoutError:
            note(query, "waits")


async def count(scope, receive, send, query):
    """Counts messages that are their own number, and tells how many came in order."""
    await receive()
    await send({"type": "websocket.accept"})
    total = 0
    while (message := await receive())["type"] == "websocket.receive":
        if int(message["text"]) != total:
            note(query, "out of order: %s" % message["text"])
        total += 1
    note(query, str(total))


async def flood(scope, receive, send, query):
    """Sends messages without an end, or so many; tells how far it came."""
    await receive()
    await send({"type": "websocket.accept"})
    data = b"x" * int(query["size"])
    try:
        for n in range(int(query.get("count", "1000000"))):
            await send({"type": "websocket.send", "bytes": data})
            http_app.NOTES[query["key"]] = [str(n + 1)]
    except OSError as error:
        http_app.NOTES[query["key"]].append(type(error).__name__)


async def slow(scope, receive, send, query):
    """Does not receive before it is told to; then tells how many messages came, and how it ended."""
    await receive()
    await send({"type": "websocket.accept"})
    while query["key"] not in http_app.GO:
        await asyncio.sleep(0.01)
    total = 0
    while (message := await receive())["type"] == "websocket.receive":
        total += 1
    note(query, str(total))
    note(query, http_app.told(message))


async def room(scope, receive, send, query):
    """Sends everybody in the room what anybody says, and to each its own number."""
    await receive()
    await send({"type": "websocket.accept"})
    ROOM.append(send)
    await send({"type": "websocket.send", "text": "%d" % len(ROOM)})
    try:
        while (message := await receive())["type"] == "websocket.receive":
            for number, each in enumerate(list(ROOM), 1):
                await each({"type": "websocket.send", "text": message["text"]})
                if number % 2:
                    await each({"type": "websocket.send", "text": "for %d only" % number})
    finally:
        ROOM.remove(send)


async def race(scope, receive, send, query):
    """Receives with time limits that end again and again, while another task sends."""
    await receive()
    await send({"type": "websocket.accept"})

    async def tick():
        for _ in range(50):
            await send({"type": "websocket.send", "text": "tick"})
            await asyncio.sleep(0.002)

    ticking = asyncio.create_task(tick())
    got = []
    while len(got) < int(query["count"]):
        task = asyncio.create_task(receive())
        done, _ = await asyncio.wait({task}, timeout=0.001)
        if not done:
            task.cancel()
            (result,) = await asyncio.gather(task, return_exceptions=True)
            if isinstance(result, asyncio.CancelledError):
                continue
        got.append(task.result()["text"])
    await ticking
    note(query, "in order" if got == sorted(got, key=int) else "out of order")


async def variable(scope, receive, send, query):
    """Tells a context variable as it finds it, then sets it."""
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": http_app.VARIABLE.get()})
    http_app.VARIABLE.set("set")


async def told_by_print(scope, receive, send, query):
    """Prints the event that ends it, for when nobody can ask any more."""
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": "there"})
    while (message := await receive())["type"] == "websocket.receive":
        pass
    print("heard", http_app.told(message), flush=True)


async def deaf(scope, receive, send, query):
    """Does not receive; prints how it ends."""
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": "there"})
    try:
        await asyncio.sleep(30)
    except asyncio.CancelledError:
        print("heard nothing but a cancellation", flush=True)
        raise


DEEDS = {"scope": scope_, "print": told_by_print, "deaf": deaf, "steps": http_app.steps, "echo": echo, "keys": keys,
         "farewells": farewells, "count": count, "flood": flood, "slow": slow, "room": room, "race": race,
         "variable": variable}


async def app(scope, receive, send):
    if scope["type"] != "websocket":
        return await http_app.app(scope, receive, send)
    query = {key: values[0] for key, values in parse_qs(scope["query_string"].decode("latin-1")).items()}
    return await DEEDS[query.get("do", "scope")](scope, receive, send, query)
