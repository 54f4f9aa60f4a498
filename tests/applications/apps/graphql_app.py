"""Strawberry GraphQL as installed: queries and mutations over HTTP, subscriptions over WebSocket and over HTTP."""

import asyncio
import collections
from collections.abc import AsyncGenerator

import strawberry
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from strawberry.asgi import GraphQL
from strawberry.subscriptions import (
    GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL, GRAPHQL_WS_PROTOCOL, MULTIPART_SUBSCRIPTION_PROTOCOL,
)

# What happened, for the client to ask.
EVENTS = []
LISTENERS = collections.defaultdict(set)


@strawberry.type
class Hat:
    name: str
    corners: int


HATS = [Hat(name="Tricorn", corners=3)]


@strawberry.type
class Query:
    @strawberry.field
    async def hats(self, name: str | None = None) -> list[Hat]:
        return [hat for hat in HATS if name in (None, hat.name)]

    @strawberry.field
    def broken(self) -> str:
        raise ValueError("broken on purpose")


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def add_hat(self, name: str, corners: int) -> Hat:
        HATS.append(Hat(name=name, corners=corners))
        return HATS[-1]

    @strawberry.mutation
    async def say(self, room: str, text: str) -> int:
        for listener in LISTENERS[room]:
            listener.put_nowait(text)
        return len(LISTENERS[room])


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def count(self, target: int) -> AsyncGenerator[int, None]:
        for number in range(target):
            yield number
            await asyncio.sleep(0)

    @strawberry.subscription
    async def said(self, room: str) -> AsyncGenerator[str, None]:
        listener = asyncio.Queue()
        LISTENERS[room].add(listener)
        try:
            yield "listening"
            while True:
                yield await listener.get()
        finally:
            LISTENERS[room].discard(listener)
            EVENTS.append(f"{room} left")


async def events(request):
    return JSONResponse(EVENTS)


schema = strawberry.Schema(Query, Mutation, Subscription)
graphql = GraphQL(schema, keep_alive=True, keep_alive_interval=0.05, subscription_protocols=[
    GRAPHQL_TRANSPORT_WS_PROTOCOL, GRAPHQL_WS_PROTOCOL, GRAPHQL_SSE_PROTOCOL, MULTIPART_SUBSCRIPTION_PROTOCOL])
app = Starlette(routes=[
    Route("/events", events),
    Route("/graphql", graphql, methods=["GET", "POST"]),
    WebSocketRoute("/graphql", graphql),
])
