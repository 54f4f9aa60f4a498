"""Client of graphql_app."""

import json

from scenarios import closing, connect, drop, event, play, scenario, told

MODERN, OLD = "graphql-transport-ws", "graphql-ws"


async def ask(http, query, **variables):
    return (await http.post("/graphql", json={"query": query, "variables": variables})).json()


@scenario
async def queries(origin, http):
    all_hats = await ask(http, "{ hats { name corners } }")
    none = await ask(http, "query ($name: String!) { hats(name: $name) { name } }", name="Beret")
    added = await ask(http, 'mutation { addHat(name: "Bicorn \u00fc", corners: 2) { name corners } }')
    broken = await ask(http, "{ broken }")
    wrong = await ask(http, "{ nothing }")
    over_get = await http.get("/graphql", params={"query": '{ hats(name: "Tricorn") { corners } }'})
    page = await http.get("/graphql", headers={"accept": "text/html"})
    return [all_hats["data"], none["data"], added["data"], broken["errors"][0]["message"], "errors" in wrong,
            over_get.json()["data"], page.headers["content-type"].partition(";")[0]]


async def say(socket, **message):
    await socket.send(json.dumps(message))


async def begin(socket):
    await say(socket, type="connection_init")
    answer = await told(socket)
    assert answer["type"] == "connection_ack", answer


async def subscribe(socket, id, query):
    await say(socket, type="subscribe", id=id, payload={"query": query})


async def values(socket, count):
    """The next results, as (id, data); what keeps the connection alive is passed over."""
    seen = []
    while len(seen) < count:
        message = await told(socket)
        if message["type"] in ("next", "data"):
            seen.append([message["id"], message["payload"]["data"]])
        elif message["type"] in ("complete", "error"):
            seen.append([message["id"], message["type"]])
    return seen


@scenario
async def counting(origin, http):
    async with connect(origin, "/graphql", subprotocols=[MODERN, OLD]) as socket:
        await begin(socket)
        await subscribe(socket, "1", "subscription { count(target: 3) }")
        return [socket.subprotocol, await values(socket, 4)]


@scenario
async def two_subscriptions(origin, http):
    """Two on one WebSocket; one is completed by the client, the other goes on, then the client vanishes."""
    async with connect(origin, "/graphql", subprotocols=[MODERN]) as socket:
        await begin(socket)
        seen = []
        for room in ("a", "b"):
            await subscribe(socket, room, f'subscription {{ said(room: "{room}") }}')
            seen += await values(socket, 1)
        for room in ("a", "b"):
            await ask(http, f'mutation {{ say(room: "{room}", text: "hello {room}") }}')
            seen += await values(socket, 1)
        await say(socket, type="complete", id="a")
        await event(http, "a left")
        heard = (await ask(http, 'mutation { say(room: "a", text: "anybody?") }'))["data"]["say"]
        await say(socket, type="ping")
        pong = await told(socket)
        drop(socket)
    await event(http, "b left")
    return [seen, heard, pong["type"]]


@scenario
async def queries_over_websocket(origin, http):
    async with connect(origin, "/graphql", subprotocols=[MODERN]) as socket:
        await begin(socket)
        await subscribe(socket, "q", '{ hats(name: "Tricorn") { corners } }')
        seen = await values(socket, 2)
        await subscribe(socket, "e", "subscription { nothing }")
        return [*seen, *(await values(socket, 1))]


@scenario
async def rules(origin, http):
    """What the protocol demands closes the WebSocket with a code of its own."""
    seen = []
    async with connect(origin, "/graphql", subprotocols=[MODERN]) as socket:
        await subscribe(socket, "1", "subscription { count(target: 1) }")
        seen.append((await closing(socket))[1])
    async with connect(origin, "/graphql", subprotocols=[MODERN]) as socket:
        await begin(socket)
        await say(socket, type="connection_init")
        seen.append((await closing(socket))[1])
    async with connect(origin, "/graphql", subprotocols=["other"]) as socket:
        seen.append((await closing(socket))[1])
    async with connect(origin, "/graphql", subprotocols=[MODERN]) as socket:
        await socket.send(b"\x00")
        seen.append((await closing(socket))[1])
    return seen


@scenario
async def old_protocol(origin, http):
    async with connect(origin, "/graphql", subprotocols=[OLD]) as socket:
        await begin(socket)
        await say(socket, type="start", id="1", payload={"query": "subscription { count(target: 2) }"})
        return [socket.subprotocol, await values(socket, 3)]


async def listen(http, room, accept):
    """Subscribes over HTTP, says a word whenever one has been heard, leaves after three."""
    query, seen = {"query": f'subscription {{ said(room: "{room}") }}'}, []
    async with http.stream("POST", "/graphql", json=query, headers={"accept": accept}) as response:
        async for line in response.aiter_lines():
            if '"said"' not in line:
                continue
            message = json.loads(line.removeprefix("data: "))
            seen.append(message.get("payload", message)["data"]["said"])
            if len(seen) == 3:
                break
            await ask(http, f'mutation {{ say(room: "{room}", text: "word {len(seen)}") }}')
    await event(http, f"{room} left")
    return [response.headers["content-type"].partition(";")[0], seen]


@scenario
async def over_http(origin, http):
    return [await listen(http, "parts", "multipart/mixed;subscriptionSpec=1.0"),
            await listen(http, "events", "text/event-stream")]


play()
