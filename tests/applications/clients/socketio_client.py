"""Client of socketio_app: the package's own client, over both transports."""

import asyncio
import contextlib
import json
import os

import socketio
from scenarios import play, scenario, until

# python-engineio takes sixteen packets at most in one POST.
WORDS = 12
TRANSPORTS = {"polling": ["polling"], "websocket": ["websocket"], "both": ["polling", "websocket"]}


@contextlib.asynccontextmanager
async def connected(origin, transports, **auth):
    client = socketio.AsyncClient(reconnection=False)
    client.heard = asyncio.Queue()
    client.on("heard", client.heard.put_nowait)
    client.on("answered", client.heard.put_nowait)
    client.on("disconnect", lambda reason: client.heard.put_nowait(["disconnected", reason]))
    await client.connect(origin, transports=TRANSPORTS[transports], auth=auth or None)
    try:
        yield client
    finally:
        await leave(client)


async def leave(client):
    """Says goodbye and leaves. Without `abort` the package waits until the server has answered the last poll."""
    writing = client.eio.write_loop_task
    connection = client.eio.http
    await client.eio.disconnect(abort=True)
    if writing:
        await writing
    await connection.close()


def on_each_transport(function):
    """Makes one scenario for each transport."""
    for transports in TRANSPORTS:
        async def play_it(origin, http, transports=transports):
            return await function(origin, http, transports)
        play_it.__name__ = f"{function.__name__}_{transports}"
        scenario(play_it)


@on_each_transport
async def calls(origin, http, transports):
    async with connected(origin, transports, name="Ada") as client:
        values = [{"a": [1, "ü 🎩", None]}, os.urandom(100_000), "x" * 200_000]
        same = [await client.call("echo", value) == value for value in values]
        name, path, transport = await client.call("who")
        return [same, name, path, transport]


@on_each_transport
async def rooms(origin, http, transports):
    async with connected(origin, transports) as ada, connected(origin, transports) as bob:
        seen = [await client.call("enter", "hats") for client in (ada, bob)]
        for number in range(WORDS):
            await bob.emit("say", ("hats", f"word {number}"))
        words = [(await ada.heard.get())["text"] for _ in range(WORDS)]
        return [*seen, words == [f"word {number}" for number in range(WORDS)], bob.heard.empty()]


@on_each_transport
async def questions(origin, http, transports):
    async with connected(origin, transports) as client:
        client.on("question", lambda text: f"{text} three")
        await client.emit("ask_me")
        return await client.heard.get()


@scenario
async def refusals(origin, http):
    try:
        async with connected(origin, "websocket", token="wrong"):
            return "connected"
    except socketio.exceptions.ConnectionError as error:
        return str(error)


@scenario
async def leaving(origin, http):
    async def reasons():
        return [reason for _, reason in (await http.get("/events")).json()]

    before = len(await reasons())
    async with connected(origin, "websocket") as client:
        await client.call("who")

    async def noticed():
        return len(await reasons()) > before

    await until(noticed)
    async with connected(origin, "both") as client:
        await client.emit("throw_me_out")
        return [(await reasons())[-1], await client.heard.get()]


class Poller:
    """A client of Engine.IO 4 made by hand: it sees what the package's client hides."""

    def __init__(self, http):
        self.http = http
        self.address = "/socket.io/?EIO=4&transport=polling"

    async def open(self):
        opened = await self.http.get(self.address)
        self.address += f"&sid={json.loads(opened.text[1:])['sid']}"

    async def say(self, packet):
        return (await self.http.post(self.address, content=packet)).text

    async def poll(self):
        return (await self.http.get(self.address)).text


@scenario
async def polling_by_hand(origin, http):
    """A poll is parked until there is something to say."""
    poller = Poller(http)
    await poller.open()
    seen = [await poller.say("40"), (await poller.poll()).startswith("40")]
    parked = asyncio.create_task(poller.poll())
    await asyncio.sleep(0.1)
    seen.append(parked.done())
    await poller.say('420["echo","hello"]')
    seen.append((await parked).split("\x1e")[0])
    return [*seen, (await http.get("/socket.io/?EIO=4&transport=polling&sid=unknown")).status_code]


@scenario
async def refusal_while_polling(origin, http):
    poller = Poller(http)
    await poller.open()
    await poller.say('40{"token":"wrong"}')
    return await poller.poll()


play()
