"""A Django application under its own ASGI handler: async and sync views, streams, and notes of what happened."""
import asyncio
import os
import threading
import time

import django
from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings
from django.core.signals import request_finished
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path

NOTES = {}
# How many blocks of a stream its client has seen.
GONE_ON = {}


def note(request, value):
    NOTES.setdefault(request.GET["key"], []).append(value)


async def notes(request):
    deadline = time.monotonic() + 10
    while len(NOTES.get(request.GET["key"], ())) < int(request.GET.get("wait", "0")) and time.monotonic() < deadline:
        await asyncio.sleep(0.005)
    return JsonResponse(NOTES.pop(request.GET["key"], []), safe=False)


async def peek(request):
    return HttpResponse(str(len(NOTES.get(request.GET["key"], []))))


async def async_view(request):
    await asyncio.sleep(0)
    return HttpResponse("async on the loop's thread: %s" % (threading.current_thread() is threading.main_thread()))


def sync_view(request):
    return HttpResponse("sync on the loop's thread: %s" % (threading.current_thread() is threading.main_thread()))


async def to_thread(request):
    """sync_to_async runs in one thread for each request, and async_to_sync comes back to the loop."""
    loop = asyncio.get_running_loop()

    async def back():
        return asyncio.get_running_loop() is loop

    def work():
        return threading.current_thread(), async_to_sync(back)()

    first, again = await sync_to_async(work)()
    second, _ = await sync_to_async(work)()
    return JsonResponse([first is second, first is threading.main_thread(), again], safe=False)


async def slow(request):
    """Is cancelled when the client leaves."""
    note(request, "begun")
    try:
        await asyncio.sleep(5)
        note(request, "slept")
    except asyncio.CancelledError:
        note(request, "cancelled")
        raise
    return HttpResponse("slept")


async def go(request):
    GONE_ON[request.GET["key"]] = GONE_ON.get(request.GET["key"], 0) + 1
    return HttpResponse("")


async def stream(request):
    """Streams three blocks, with `gate` each after its predecessor was seen; then nothing for `idle` seconds."""
    async def blocks():
        try:
            for n in range(3):
                while "gate" in request.GET and GONE_ON.get(request.GET["key"], 0) < n:
                    await asyncio.sleep(0.005)
                yield b"block %d\n" % n
                note(request, "sent")
            await asyncio.sleep(float(request.GET.get("idle", "0")))
            note(request, "finished")
        except asyncio.CancelledError:
            note(request, "cancelled")
            raise
    return StreamingHttpResponse(blocks())


def upload(request):
    return HttpResponse("%d bytes" % len(request.body))


def cookies(request):
    return JsonResponse(request.COOKIES)


def finished(sender, **more):
    NOTES.setdefault("finished", []).append("finished")


settings.configure(SECRET_KEY="tests", ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], MIDDLEWARE=[],
                   DATA_UPLOAD_MAX_MEMORY_SIZE=None, FILE_UPLOAD_TEMP_DIR=os.environ.get("TEST_FOLDER"))
urlpatterns = [path(view.__name__, view) for view in (notes, peek, async_view, sync_view, to_thread, slow, stream,
                                                      upload, cookies, go)]
django.setup()
request_finished.connect(finished)

from django.core.asgi import get_asgi_application  # noqa: E402  (the settings come first)

handler = get_asgi_application()


async def app(scope, receive, send):
    """The handler; `/2.4/…` with another spec_version."""
    if scope["type"] == "http" and scope["path"].startswith("/2.4/"):
        scope["path"] = scope["path"][4:]
        scope["asgi"]["spec_version"] = "2.4"
    await handler(scope, receive, send)
