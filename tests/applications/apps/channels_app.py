"""
Django Channels: a chat with rooms, sync and async consumers, session and user in the scope, origins, HTTP consumers.
REDIS_ADDRESS names the channel layer's Redis; without it the layer is this worker's memory.
"""

import asyncio
import os

import django_site

REDIS = os.environ.get("REDIS_ADDRESS")
LAYER = {
    "BACKEND": "channels_redis.core.RedisChannelLayer" if REDIS else "channels.layers.InMemoryChannelLayer",
    "CONFIG": {"hosts": [REDIS]} if REDIS else {},
}
django_site.configure("channels_app", CHANNEL_LAYERS={"default": LAYER})

from channels.auth import AuthMiddlewareStack
from channels.generic.http import AsyncHttpConsumer
from channels.generic.websocket import (
    AsyncJsonWebsocketConsumer, AsyncWebsocketConsumer, JsonWebsocketConsumer, WebsocketConsumer,
)
from channels.exceptions import DenyConnection
from channels.layers import get_channel_layer
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from asgiref.sync import async_to_sync
from django.core.asgi import get_asgi_application
from django.http import HttpResponse, JsonResponse
from django.urls import path

# What happened, for the client to ask.
EVENTS = []


class Chat(AsyncJsonWebsocketConsumer):
    """A room: what one member says, all hear, on whichever worker they are."""

    async def connect(self):
        self.room = f"room_{self.scope['url_route']['kwargs']['room']}"
        await self.channel_layer.group_add(self.room, self.channel_name)
        await self.accept()
        await self.send_json({"worker": os.getpid(), "user": self.scope["user"].username})

    async def disconnect(self, code):
        await self.channel_layer.group_discard(self.room, self.channel_name)
        EVENTS.append(["chat", code])
        # For who asks when this process is gone.
        with (django_site.FOLDER / "farewells").open("a") as farewells:
            farewells.write(f"{self.room} {code}\n")

    async def receive_json(self, content):
        await self.channel_layer.group_send(self.room, {"type": "chat.message", "text": content["say"]})

    async def chat_message(self, event):
        await self.send_json({"heard": event["text"]})


class BlockingChat(JsonWebsocketConsumer):
    """The same as a sync consumer, which runs in threads."""

    def connect(self):
        async_to_sync(self.channel_layer.group_add)("room_blocking", self.channel_name)
        self.accept()

    def disconnect(self, code):
        async_to_sync(self.channel_layer.group_discard)("room_blocking", self.channel_name)
        EVENTS.append(["blocking chat", code])

    def receive_json(self, content):
        async_to_sync(self.channel_layer.group_send)("room_blocking", {"type": "chat.message", "text": content["say"]})

    def chat_message(self, event):
        self.send_json({"heard": event["text"]})


class Echo(WebsocketConsumer):
    """Sync, text and bytes, closes when asked to."""

    def connect(self):
        self.accept("hat" if "hat" in self.scope["subprotocols"] else None)

    def receive(self, text_data=None, bytes_data=None):
        if text_data == "close":
            self.close(code=4321)
        elif text_data == "close as usual":
            self.close()
        else:
            self.send(text_data=text_data, bytes_data=bytes_data)


class Visits(AsyncWebsocketConsumer):
    """Counts in the session that it shares with the views."""

    async def connect(self):
        await self.accept()
        number = await self.scope["session"].aget("visits", 0) + 1
        await self.scope["session"].aset("visits", number)
        await self.scope["session"].asave()
        await self.send(text_data=str(number))
        await self.close(code=True)


class MembersOnly(AsyncWebsocketConsumer):
    async def connect(self):
        if self.scope["user"].is_anonymous:
            raise DenyConnection()
        await self.accept()
        await self.send(text_data=f"welcome {self.scope['user'].username}")


class Fails(AsyncWebsocketConsumer):
    async def connect(self):
        await self.accept()
        raise ValueError("broken on purpose")


class Ticks(AsyncHttpConsumer):
    """Server-Sent Events without a view."""

    async def handle(self, body):
        await self.send_headers(headers=[(b"content-type", b"text/event-stream")])
        for number in range(3):
            await self.send_body(f"data: tick {number}\n\n".encode(), more_body=True)
            await asyncio.sleep(0.01)
        await self.send_body(b"")


def events(request):
    return JsonResponse(EVENTS, safe=False)


def visits(request):
    return HttpResponse(str(request.session.get("visits", 0)))


async def announce(request, room):
    """A view that speaks to the room."""
    await get_channel_layer().group_send(f"room_{room}", {"type": "chat.message", "text": "from a view"})
    return HttpResponse("announced")


PAGE = """<!doctype html><meta charset="utf-8"><title>Channels</title><form><input id="text" aria-label="Say"></form>
<ol id="said"></ol><script>
const socket = new WebSocket(`ws://${location.host}/ws/chat/page/`);
const add = (text) => document.getElementById("said").append(
  Object.assign(document.createElement("li"), { textContent: text }));
socket.onmessage = ({ data }) => {
  const { user, heard } = JSON.parse(data);
  add(heard ?? `${user || "nobody"} is here`);
};
socket.onclose = ({ code }) => add(`closed ${code}`);
document.forms[0].onsubmit = (event) => {
  event.preventDefault();
  socket.send(JSON.stringify({ say: document.getElementById("text").value }));
};
</script>"""


def page(request):
    return HttpResponse(PAGE)


urlpatterns = [
    path("", page),
    path("events", events),
    path("log-in/", django_site.log_in),
    path("visits/", visits),
    path("announce/<str:room>/", announce),
]

http = get_asgi_application()
application = ProtocolTypeRouter({
    "http": URLRouter([path("ticks/", Ticks.as_asgi()), path("<path:rest>", http), path("", http)]),
    "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter([
        path("ws/chat/<str:room>/", Chat.as_asgi()),
        path("ws/blocking-chat/", BlockingChat.as_asgi()),
        path("ws/echo/", Echo.as_asgi()),
        path("ws/visits/", Visits.as_asgi()),
        path("ws/members-only/", MembersOnly.as_asgi()),
        path("ws/fails/", Fails.as_asgi()),
    ]))),
})
