"""Client of channels_app with one worker."""

import asyncio
import contextlib
import json
import os

import websockets
from scenarios import client, closing, connect, event, play, refusal, scenario, told


async def cookies_of_a_user(origin):
    """Logs in over HTTP. Returns the fields that a WebSocket needs to be the same user."""
    async with client(origin) as http:
        token = (await http.get("/log-in/")).json()["token"]
        await http.post("/log-in/", data={"csrfmiddlewaretoken": token, "password": "three corners"})
        return {"cookie": "; ".join(f"{name}={value}" for name, value in http.cookies.items())}


@scenario
async def chat(origin, http):
    headers = await cookies_of_a_user(origin)
    async with connect(origin, "/ws/chat/hats/") as nobody:
        async with connect(origin, "/ws/chat/hats/", additional_headers=headers) as ada:
            users = [(await told(nobody))["user"], (await told(ada))["user"]]
            await ada.send(json.dumps({"say": "hütchen 🎩"}))
            heard = [(await told(nobody))["heard"], (await told(ada))["heard"]]
        await event(http, ["chat", 1000])
        await http.get("/announce/hats/")
        return [users, heard, (await told(nobody))["heard"]]


@scenario
async def blocking_chat(origin, http):
    async with connect(origin, "/ws/blocking-chat/") as ada, connect(origin, "/ws/blocking-chat/") as bob:
        await bob.send(json.dumps({"say": "hello"}))
        heard = [await told(bob)]
        heard.append(await told(ada))
        await ada.close(4001)
    await event(http, ["blocking chat", 4001])
    return heard


@scenario
async def crowd(origin, http):
    """Fifty members of one room hear the words of twenty."""
    async with contextlib.AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(connect(origin, "/ws/chat/crowd/")) for _ in range(50)]
        await asyncio.gather(*(told(socket) for socket in sockets))
        for number in range(20):
            await sockets[number].send(json.dumps({"say": f"word {number}"}))
        heard = await asyncio.gather(*(hear(socket, 20) for socket in sockets))
        return [len(heard), all(sorted(words) == sorted(f"word {number}" for number in range(20)) for words in heard)]


async def hear(socket, count):
    return [(await told(socket))["heard"] for _ in range(count)]


@scenario
async def echo(origin, http):
    async with connect(origin, "/ws/echo/", subprotocols=["hat"]) as socket:
        seen = [socket.subprotocol]
        for message in ("hällo", b"\x00\xff", "x" * 300_000, os.urandom(300_000)):
            await socket.send(message)
            seen.append(await socket.recv() == message)
    for word in ("close", "close as usual"):
        async with connect(origin, "/ws/echo/") as socket:
            await socket.send(word)
            seen.append((await closing(socket))[1][0])
    return seen


@scenario
async def session(origin, http):
    """The session that a view, two WebSockets and a view share."""
    headers = await cookies_of_a_user(origin)
    seen = [(await http.get("/visits/", headers=headers)).text]
    for _ in range(2):
        async with connect(origin, "/ws/visits/", additional_headers=headers) as socket:
            seen.append(await closing(socket))
    return [*seen, (await http.get("/visits/", headers=headers)).text]


@scenario
async def members_only(origin, http):
    denied = await refusal(origin, "/ws/members-only/")
    async with connect(origin, "/ws/members-only/", additional_headers=await cookies_of_a_user(origin)) as socket:
        return [denied.status_code, await socket.recv()]


@scenario
async def origins(origin, http):
    seen = []
    for where in ("http://evil.example", "null", origin, "https://hats.example"):
        try:
            async with connect(origin, "/ws/echo/", origin=where):
                seen.append("accepted")
        except websockets.InvalidStatus as error:
            seen.append(error.response.status_code)
    return seen


@scenario
async def failures(origin, http):
    async with connect(origin, "/ws/fails/") as socket:
        code = (await closing(socket))[1][0]
    return [code, (await refusal(origin, "/ws/nowhere/")).status_code]


@scenario
async def http_consumer(origin, http):
    response = await http.get("/ticks/")
    return [response.headers["content-type"], response.text]


play()
