"""Client of starlette_app: what is HTTP."""

import asyncio
import contextlib
import hashlib
import os

import httpx
from scenarios import client, event, play, scenario


@scenario
async def lifespan_state(origin, http):
    return [(await http.get("/state")).json() for _ in range(2)]


@scenario
async def http_scope(origin, http):
    headers = [("X-Twice", "1"), ("X-Twice", "2"), ("Cookie", "a=1"), ("X-Latin", "caf\u00e9".encode("latin-1"))]
    response = await http.get("/scope/a%2Fb/%C3%BC%FF//c?x=%20&y=ü", headers=headers)
    seen = response.json()
    ours = {"x-twice", "cookie", "x-latin"}
    seen["headers"] = [[name, value] for name, value in seen["headers"] if name in ours]
    seen["url"] = seen["url"].replace(origin, "")
    return seen


@scenario
async def other_methods(origin, http):
    return [(await http.request(method, "/scope/")).status_code for method in ("PURGE", "HEAD", "DELETE")]


async def read_pieces(http, path, name):
    seen = []
    async with http.stream("GET", path) as response:
        async for piece in response.aiter_text():
            seen.append(piece)
            await http.post(f"/open/{name}")
    await event(http, f"{name} ended")
    return seen


@scenario
async def pieces(origin, http):
    return await read_pieces(http, "/pieces/plain", "plain")


@scenario
async def wrapped_pieces(origin, http):
    return await read_pieces(http, "/wrapped/pieces/wrapped", "wrapped")


@scenario
async def blocking_pieces(origin, http):
    response = await http.get("/blocking-pieces")
    return [response.text, response.headers.get("transfer-encoding")]


async def leave(http, path):
    async with http.stream("GET", path) as response:
        return await anext(response.aiter_text())


@scenario
async def leaving_a_stream(origin, http):
    """Each is left after its first piece; the application must notice."""
    seen = []
    for path, name in [("/endless/e1", "e1"), ("/silent/s1", "s1"), ("/wrapped/silent/s2", "s2")]:
        first = await leave(http, path)
        await event(http, f"{name} ended")
        seen.append(first.splitlines()[0])
    return seen


@scenario
async def leaving_a_wrapped_stream(origin, http):
    """How many must be left until one is noticed."""
    for attempt in range(1, 4):
        await leave(http, f"/wrapped/endless/w{attempt}")
        with contextlib.suppress(AssertionError):
            await event(http, f"w{attempt} ended", seconds=3)
            return attempt


@scenario
async def polling_for_the_disconnect(origin, http):
    task = asyncio.create_task(http.get("/patient"))
    await asyncio.sleep(0.1)
    task.cancel()
    await asyncio.wait([task])
    return await event(http, "the patient one saw it")


@scenario
async def background(origin, http):
    """The next request comes on the same connection while the background task is still at work."""
    seen = []
    for prefix, name in (("", "work"), ("/wrapped", "wrapped work")):
        async with client(origin, limits=httpx.Limits(max_connections=1)) as alone:
            response = await alone.get(f"{prefix}/background/{name}")
            seen.append([response.status_code, response.text])
            await event(alone, f"{name} started")
            seen.append(f"{name} done" in (await alone.get("/events")).json())
        await http.post(f"/open/{name}")
        seen.append(await event(http, f"{name} done"))
    return seen


@scenario
async def upload(origin, http):
    body = os.urandom(3_000_000)

    async def chunks():
        for start in range(0, len(body), 100_000):
            yield body[start:start + 100_000]

    expected = {"size": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    with_length = await http.post("/digest", content=body)
    chunked = await http.post("/digest", content=chunks())
    wrapped = await http.post("/wrapped/digest", content=chunks())
    return [response.json() == expected for response in (with_length, chunked, wrapped)]


@scenario
async def upload_cut_short(origin, http):
    host, port = origin.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /digest HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nonly this")
    await writer.drain()
    await asyncio.sleep(0.1)
    writer.close()
    return await event(http, "upload cut short")


@scenario
async def form(origin, http):
    response = await http.post("/form", data={"note": "zwölf Hüte"}, files={"file": ("hüte.bin", b"x" * 1_500_000)})
    return response.json()


@scenario
async def file(origin, http):
    whole = await http.get("/file")
    part = await http.get("/file", headers={"range": "bytes=1000-1009"})
    tail = await http.get("/file", headers={"range": "bytes=-5"})
    two = await http.get("/file", headers={"range": "bytes=0-1,10-11"})
    beyond = await http.get("/file", headers={"range": "bytes=400000-"})
    stale = await http.get("/file", headers={"range": "bytes=0-1", "if-range": '"other"'})
    head = await http.head("/file")
    wrapped = await http.get("/wrapped/file")
    block = bytes(range(256)) * 1200
    boundary = two.headers["content-type"].partition("boundary=")[2]
    return {
        "whole": [whole.status_code, whole.headers["content-length"], whole.content == block],
        "part": [part.status_code, part.headers["content-range"], part.content == block[1000:1010]],
        "tail": [tail.status_code, tail.headers["content-range"], tail.content == block[-5:]],
        "two": [two.status_code, two.content.count(boundary.encode()), len(two.content) == int(
            two.headers["content-length"])],
        "beyond": [beyond.status_code, beyond.headers["content-range"]],
        "stale": [stale.status_code, stale.content == block],
        "head": [head.status_code, head.headers["content-length"], head.content == b""],
        "wrapped": [wrapped.status_code, wrapped.headers["x-wrapped"], wrapped.content == block],
    }


@scenario
async def errors(origin, http):
    seen = []
    for path in ("/missing", "/broken", "/wrapped/broken", "/nowhere"):
        # Some servers close a connection whose application raised.
        response = await http.get(path, headers={"connection": "close"})
        seen.append([response.status_code, response.text, response.headers.get("x-pot")])
    return seen


@scenario
async def cookies(origin, http):
    response = await http.get("/cookies")
    return [value.partition(";")[0] for value in response.headers.get_list("set-cookie")]


@scenario
async def plain_requests_to_a_websocket(origin, http):
    return (await http.get("/ws/echo")).status_code


play()
