"""Streams whose tokens tell when they were sent, ways to wait for a client to leave, and requests that are parked.

Times are of time.monotonic_ns, the clock that all processes of a machine share on Linux.
"""
import asyncio
import json
import time
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import StreamingResponse

NOTICED = {}
RELEASED = asyncio.Event()
PARKED = 0


async def text(send, body):
    body = body.encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


async def tokens(scope, receive, send, query):
    """`count` tokens, one each `s` seconds, each the time at which it is sent."""
    headers = [(b"content-type", query["type"].encode())] if "type" in query else []
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for _ in range(int(query["count"])):
        await asyncio.sleep(float(query["s"]))
        token = b"data: %d\n\n" % time.monotonic_ns()
        await send({"type": "http.response.body", "body": token, "more_body": True})
    await send({"type": "http.response.body"})


def noticed(query):
    NOTICED[query["key"]] = time.monotonic_ns()


async def receiving(scope, receive, send, query):
    """Sends something, then only receives."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"begun", "more_body": True})
    while (await receive())["type"] != "http.disconnect":
        pass
    noticed(query)


async def starlette(scope, receive, send, query):
    """Starlette's stream, which is silent after something."""
    async def blocks():
        yield b"begun"
        await asyncio.sleep(30)
    await StreamingResponse(blocks())(scope, receive, send)
    noticed(query)


async def talking(scope, receive, send, query):
    """Starlette's stream, which goes on."""
    async def blocks():
        yield b"begun"
        for _ in range(1000):
            await asyncio.sleep(0.02)
            yield b"data: x\n\n"
    # A generator that is cancelled while it does not run ends when it is collected: what counts is the response.
    await StreamingResponse(blocks())(scope, receive, send)
    noticed(query)


async def polling(scope, receive, send, query):
    """Sends something, then asks again and again with Starlette's is_disconnected()."""
    request = Request(scope, receive)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"begun", "more_body": True})
    while not await request.is_disconnected():
        await asyncio.sleep(0.01)
    noticed(query)


async def when(scope, receive, send, query):
    """When a request noticed that its client had left, 0 if it has not."""
    await text(send, str(NOTICED.get(query["key"], 0)))


async def park(scope, receive, send, query):
    """A long poll: answers when something happens."""
    global PARKED
    PARKED += 1
    await RELEASED.wait()
    PARKED -= 1
    await text(send, "released")


async def parked(scope, receive, send, query):
    await text(send, json.dumps(PARKED))


async def release(scope, receive, send, query):
    RELEASED.set()
    await text(send, "")


DEEDS = {"/tokens": tokens, "/receiving": receiving, "/starlette": starlette, "/talking": talking, "/polling": polling,
         "/when": when, "/park": park, "/parked": parked, "/release": release}


async def app(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    query = {key: values[0] for key, values in parse_qs(scope["query_string"].decode("latin-1")).items()}
    await DEEDS.get(scope["path"], parked)(scope, receive, send, query)
