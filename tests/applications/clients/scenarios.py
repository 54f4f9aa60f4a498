"""
What the clients share. A client is a script with scenarios, coroutines that play one story against the server whose
origin is the script's argument, and return what they saw as plain values. `play` runs all and prints one JSON object:
for each scenario's name its result, or the traceback of what went wrong.
"""

import asyncio
import json
import sys
import time
import traceback

import httpx
import websockets

SCENARIO_SECONDS = 10
TIMEOUTS_MAX = 2
CONDITION_SECONDS = 8

SCENARIOS = []


def scenario(function):
    """Makes a coroutine function `(origin, http)` a scenario; `http` is an httpx client of its own for it."""
    SCENARIOS.append(function)
    return function


def play():
    """Runs the script's scenarios one after the other and prints what came of them."""
    origin = sys.argv[1]
    print(json.dumps(asyncio.run(_play_all(origin))))


async def _play_all(origin):
    outcomes, timeouts = {}, 0
    for function in SCENARIOS:
        if timeouts == TIMEOUTS_MAX:
            outcomes[function.__name__] = {"error": "left out, because others before it have hung"}
            continue
        try:
            async with asyncio.timeout(SCENARIO_SECONDS), client(origin) as http:
                outcomes[function.__name__] = {"result": await function(origin, http)}
        except Exception as error:
            outcomes[function.__name__] = {"error": traceback.format_exc()}
            timeouts += isinstance(error, TimeoutError)
    return outcomes


def client(origin, **options):
    """An HTTP client that knows the origin and nothing of the environment's proxies."""
    return httpx.AsyncClient(base_url=origin, trust_env=False, verify=False, timeout=SCENARIO_SECONDS, **options)


def connect(server, path, **options):
    """Opens a WebSocket: `async with connect(origin, "/chat") as socket`. It has an Origin, as a browser's has."""
    return websockets.connect(server.replace("http", "ws", 1) + path, **{"proxy": None, "origin": server, **options})


async def refusal(server, path, **options):
    """Opens a WebSocket that the server must refuse. Returns its HTTP response: status, headers, body."""
    try:
        async with connect(server, path, **options):
            raise AssertionError(f"{path} was accepted")
    except websockets.InvalidStatus as error:
        return error.response


async def closing(socket):
    """Receives until the WebSocket is closed. Returns the messages and how it ended: code, reason."""
    messages = []
    try:
        while True:
            messages.append(await socket.recv())
    except websockets.ConnectionClosed:
        return messages, [socket.close_code, socket.close_reason]


async def told(socket):
    """The next message, which is JSON."""
    return json.loads(await socket.recv())


async def until(check, seconds=CONDITION_SECONDS):
    """Calls a coroutine function again and again until what it returns is true; returns that."""
    deadline = time.monotonic() + seconds
    while True:
        value = await check()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"still {value!r} after {seconds} seconds")
        await asyncio.sleep(0.01)


async def event(http, wanted, seconds=CONDITION_SECONDS):
    """Waits until the application has noted an event, for which it has the path /events."""
    async def noted():
        return wanted in (await http.get("/events")).json()
    return await until(noted, seconds)


def drop(socket):
    """Ends a WebSocket's connection without a closing handshake, as a machine that lost its network does."""
    socket.transport.abort()
