"""Client of quart_app."""

import hashlib
import json
import os

from scenarios import closing, connect, event, play, refusal, scenario


@scenario
async def requests(origin, http):
    response = await http.get("/model?word=a&word=%C3%BC")
    seen = response.json()
    seen["host"] = seen["host"] == origin.removeprefix("http://")
    head = await http.head("/model")
    return [seen, response.headers["x-quart"], head.headers["x-quart"], head.text, (await http.get("/blocking")).text,
            (await http.options("/model")).headers["allow"].split(", ") != []]


@scenario
async def session(origin, http):
    return [(await http.get("/visits")).text for _ in range(3)]


@scenario
async def bodies(origin, http):
    body = os.urandom(1_500_000)

    async def chunks():
        for start in range(0, len(body), 50_000):
            yield body[start:start + 50_000]

    echoed = await http.post("/echo", content=body, headers={"content-type": "application/x-hat"})
    chunked = await http.post("/digest", content=chunks())
    form = await http.post("/form", data={"note": "ü"}, files={"file": ("hüte.bin", body)})
    return [echoed.status_code, echoed.headers["content-type"], echoed.content == body,
            chunked.json() == {"size": len(body), "sha256": hashlib.sha256(body).hexdigest()}, form.json()]


@scenario
async def stream(origin, http):
    seen = []
    async with http.stream("GET", "/stream") as response:
        async for piece in response.aiter_text():
            seen.append(piece)
            await http.post("/open")
    return seen


@scenario
async def leaving_a_stream(origin, http):
    async with http.stream("GET", "/sse") as response:
        await anext(response.aiter_text())
    return await event(http, "sse ended")


@scenario
async def background(origin, http):
    response = await http.post("/background")
    await http.post("/open")
    await event(http, "background done")
    return [response.status_code, response.text]


@scenario
async def errors(origin, http):
    return [(await http.get(path, headers={"connection": "close"})).status_code
            for path in ("/broken", "/forbidden", "/nowhere")]


@scenario
async def echo(origin, http):
    async with connect(origin, "/ws/echo") as socket:
        seen = []
        for message in ("hällo", b"\x00\xff"):
            await socket.send(message)
            seen.append(await socket.recv() == message)
    await event(http, "echo cancelled")
    async with connect(origin, "/ws/echo") as socket:
        await socket.send("close")
        return [*seen, await closing(socket)]


@scenario
async def accepted(origin, http):
    path, cookie = "/ws/accepted/Ada?word=%C3%BC", {"cookie": "c=d"}
    async with connect(origin, path, subprotocols=["hat", "other"], additional_headers=cookie) as socket:
        messages, end = await closing(socket)
        return [socket.subprotocol, socket.response.headers["x-name"], json.loads(messages[0]), end[0]]


@scenario
async def refusals(origin, http):
    seen = [(await refusal(origin, path)).status_code for path in ("/ws/denied", "/ws/nowhere")]
    async with connect(origin, "/ws/fails") as socket:
        return [*seen, (await closing(socket))[1][0]]


@scenario
async def both(origin, http):
    async with connect(origin, "/ws/both") as socket:
        numbers = []
        for word in ("a", "b"):
            await socket.send(word)
            numbers += [int(await socket.recv()) for _ in range(5)]
    await event(http, "heard b")
    return numbers


@scenario
async def room(origin, http):
    async with connect(origin, "/ws/room") as ada, connect(origin, "/ws/room") as bob:
        for socket in (ada, bob):
            await socket.send("joined")
            await socket.recv()
        await bob.send("hello")
        seen = [await ada.recv(), await ada.recv(), await bob.recv()]
    await event(http, "0 in the room")
    return seen


play()
