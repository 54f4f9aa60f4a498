"""Client of starlette_app: what is WebSocket."""

import asyncio
import json
import os

from scenarios import closing, connect, drop, event, play, refusal, scenario, until


@scenario
async def echo(origin, http):
    async with connect(origin, "/ws/echo", subprotocols=["first", "second"]) as socket:
        seen = [socket.subprotocol, socket.response.headers["x-seen"]]
        for message in ("grüße 🎩", b"\x00\xff", "", b""):
            await socket.send(message)
            answer = await socket.recv()
            seen.append([type(answer).__name__, answer == message])
        return seen


@scenario
async def large_messages(origin, http):
    text, data = "ü" * 400_000, os.urandom(1_000_000)
    async with connect(origin, "/ws/echo", max_size=None) as socket:
        await socket.send(text)
        same_text = await socket.recv() == text
        await socket.send(data[start:start + 7_777] for start in range(0, len(data), 7_777))
        return [same_text, await socket.recv() == data]


@scenario
async def compression(origin, http):
    async with connect(origin, "/ws/echo") as socket:
        agreed = "permessage-deflate" in socket.response.headers.get("sec-websocket-extensions", "")
        texts = ["three corners " * count for count in (1, 100, 1000)]
        for text in texts:
            await socket.send(text)
        seen = [await socket.recv() == text for text in texts]
    async with connect(origin, "/ws/echo", compression=None) as socket:
        await socket.send("plain")
        return [agreed, *seen, await socket.recv(), "sec-websocket-extensions" in socket.response.headers]


@scenario
async def ping(origin, http):
    async with connect(origin, "/ws/echo") as socket:
        await asyncio.wait_for(await socket.ping(b"are you there"), 5)
        await socket.send("still here")
        return await socket.recv()


@scenario
async def the_application_closes(origin, http):
    async with connect(origin, "/ws/echo") as socket:
        await socket.send("close")
        return await closing(socket)


@scenario
async def the_client_closes(origin, http):
    async with connect(origin, "/ws/echo") as socket:
        await socket.close(4002, "so long")
        answered = socket.close_code
    await event(http, ["echo", 4002, "so long"])
    async with connect(origin, "/ws/endpoint?name=x") as socket:
        await socket.close(1000)
    await event(http, ["endpoint", 1000])
    return answered


@scenario
async def the_client_vanishes(origin, http):
    async with connect(origin, "/ws/endpoint?name=x") as socket:
        await socket.recv()
        drop(socket)

    async def noticed():
        return [entry[1] for entry in (await http.get("/events")).json()
                if entry[0] == "endpoint" and entry[1] not in (1000, 1003)]
    return await until(noticed)


@scenario
async def endpoint(origin, http):
    async with connect(origin, "/ws/endpoint?name=Ada") as socket:
        await socket.send(json.dumps([1, {"a": "ü"}]))
        seen = [json.loads(await socket.recv()), json.loads(await socket.recv())]
        await socket.send(b"no text")
        return [*seen, await closing(socket)]


@scenario
async def websocket_scope(origin, http):
    path = "/ws/scope/a%2Fb/%C3%BC?x=1&y=%20"
    async with connect(origin, path, subprotocols=["a", "b"], additional_headers={"Cookie": "c=d"}) as socket:
        seen = json.loads(await socket.recv())
        seen["url"] = seen["url"].replace(origin.replace("http", "ws", 1), "")
        return [seen, socket.subprotocol]


@scenario
async def denials(origin, http):
    seen = []
    for name in ("denied", "denied-in-pieces", "refused"):
        response = await refusal(origin, f"/ws/{name}")
        seen.append([response.status_code, response.body.decode(), response.headers.get("www-authenticate")])
    return seen


@scenario
async def failures_before_accept(origin, http):
    return [(await refusal(origin, f"/ws/{name}")).status_code
            for name in ("raises-before", "returns-before", "nowhere")]


@scenario
async def raising_and_returning(origin, http):
    seen = []
    for name in ("raises-after", "returns-after"):
        async with connect(origin, f"/ws/{name}") as socket:
            seen.append(await closing(socket))
    return seen


@scenario
async def two_tasks(origin, http):
    async with connect(origin, "/ws/two-tasks") as socket:
        numbers = []
        for word in ("a", "b", "c"):
            await socket.send(word)
            numbers += [int(await socket.recv()) for _ in range(5)]
    await event(http, ["two tasks", ["a", "b", "c"]])
    return numbers


@scenario
async def messages_before_the_close(origin, http):
    words = [f"word {number}" for number in range(20)]
    async with connect(origin, "/ws/late") as socket:
        for word in words:
            await socket.send(word)
        closing = asyncio.create_task(socket.close())
        await asyncio.sleep(0.05)
        await http.post("/open/late")
        await closing
    return await event(http, ["late", words])


@scenario
async def talking_to_nobody(origin, http):
    async with connect(origin, "/ws/nobody") as socket:
        await socket.recv()
        drop(socket)

    async def noticed():
        return [entry for entry in (await http.get("/events")).json() if entry[0] == "nobody"]
    return await until(noticed)


@scenario
async def flood(origin, http):
    async with connect(origin, "/ws/flood") as socket:
        await asyncio.sleep(0.2)
        messages, end = await closing(socket)
        return [len(messages), messages == [f"message {number}" for number in range(5000)], end[0]]


@scenario
async def room(origin, http):
    async with connect(origin, "/ws/room") as ada, connect(origin, "/ws/room") as bob:
        # A member has joined when it hears itself.
        for socket in (ada, bob):
            await socket.send("joined")
            await socket.recv()
        await ada.recv()
        await bob.send("hello")
        return [await ada.recv(), await bob.recv()]


play()
