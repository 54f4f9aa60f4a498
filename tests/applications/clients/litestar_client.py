"""Client of litestar_app."""

import asyncio
import json

import websockets
from scenarios import closing, connect, event, play, refusal, scenario


@scenario
async def handlers(origin, http):
    hat = {"name": "Tricorn", "corners": 3}
    bad = await http.post("/hats", json={"name": "Tricorn"})
    return [(await http.get("/model")).json(), (await http.post("/hats", json=hat)).json(), bad.status_code,
            (await http.get("/blocking/7?words=a&words=%C3%BC")).json(), (await http.get("/blocking/x")).status_code]


@scenario
async def session(origin, http):
    response = await http.get("/session")
    await event(http, "session closed")
    return response.text


@scenario
async def stream(origin, http):
    seen = []
    async with http.stream("GET", "/stream") as response:
        async for piece in response.aiter_text():
            seen.append(piece)
            await http.post("/open")
    return seen


@scenario
async def sse(origin, http):
    seen = []
    async with http.stream("GET", "/sse") as response:
        async for line in response.aiter_lines():
            seen.append(line)
            if seen.count("") == 3:
                break
    await event(http, "sse ended")
    return [response.headers["content-type"].partition(";")[0], [line for line in seen if line]]


@scenario
async def background(origin, http):
    response = await http.get("/background")
    await event(http, "background done")
    return [response.status_code, response.text]


@scenario
async def bodies(origin, http):
    file = ("hüte.bin", b"x" * 1_200_000)
    return [(await http.post("/upload", data={"note": "ü"}, files={"file": file})).json(),
            (await http.post("/form", data={"a": "1", "b": "ü &"})).json()]


@scenario
async def errors(origin, http):
    seen = []
    for path in ("/teapot", "/broken", "/nowhere"):
        response = await http.get(path, headers={"connection": "close"})
        seen.append([response.status_code, response.json()["detail"]])
    return seen


@scenario
async def echo(origin, http):
    async with connect(origin, "/ws/echo/Ada", subprotocols=["other", "hat"]) as socket:
        await socket.send("hällo")
        seen = [socket.subprotocol, socket.response.headers["x-model"], json.loads(await socket.recv())]
    await event(http, "echo ended")
    return seen


@scenario
async def listeners(origin, http):
    seen = []
    async with connect(origin, "/ws/listener") as socket:
        await socket.send(json.dumps({"name": "hat", "corners": 2}))
        seen.append(json.loads(await socket.recv()))
    async with connect(origin, "/ws/blocking-listener") as socket:
        await socket.send("tricorn")
        seen.append(await socket.recv())
    async with connect(origin, "/ws/class-listener") as socket:
        seen.append(await socket.recv())
        await socket.send(b"three")
        seen.append(str(await socket.recv()))
    await event(http, "class listener left")
    return seen


@scenario
async def streams(origin, http):
    async with connect(origin, "/ws/stream") as socket:
        seen = await closing(socket)
    async with connect(origin, "/ws/both") as socket:
        await socket.recv()
    await event(http, "stream ended")
    return [seen[0], seen[1][0]]


@scenario
async def refusals(origin, http):
    seen = []
    for path in ("/ws/denied", "/ws/nowhere"):
        try:
            response = await refusal(origin, path)
            seen.append(response.status_code)
        except websockets.InvalidMessage as error:
            seen.append(str(error))
    async with connect(origin, "/ws/fails") as socket:
        return [*seen, await closing(socket)]


@scenario
async def channels(origin, http):
    async with connect(origin, "/ws/channels/hats") as ada, connect(origin, "/ws/channels/hats") as bob:
        # A subscription is made a moment after the handshake, so the first messages may come too early for it.
        async def first(socket):
            return json.loads(await socket.recv())

        async def publish():
            while True:
                await http.post("/publish", json={"hat": "Tricorn"})
                await asyncio.sleep(0.02)

        publishing = asyncio.create_task(publish())
        seen = await asyncio.gather(first(ada), first(bob))
        publishing.cancel()
        return seen


play()
