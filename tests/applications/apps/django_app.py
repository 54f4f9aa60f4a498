"""Django's own ASGI handler: async and sync views, streams, uploads, sessions, clients that leave."""

import asyncio
import collections
import threading

import django_site
from asgiref.sync import sync_to_async
from django.core.asgi import get_asgi_application
from django.core.signals import request_finished, request_started
from django.http import FileResponse, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path
from django.views import View
from django.views.decorators.csrf import csrf_exempt

# What happened, for the client to ask.
EVENTS = []
COUNTS = collections.Counter()
# The client opens a gate once for each piece that it wants to see next.
GATES = collections.defaultdict(asyncio.Queue)

BLOCK = bytes(range(256)) * 1200


def started(**_):
    COUNTS["started"] += 1


def finished(**_):
    COUNTS["finished"] += 1


request_started.connect(started, weak=False)
request_finished.connect(finished, weak=False)


def both_middleware(get_response):
    """A middleware that is sync, between others that are both: Django changes between loop and thread for it."""
    def middleware(request):
        response = get_response(request)
        response["x-thread"] = "main" if threading.current_thread() is threading.main_thread() else "other"
        return response
    return middleware


async def events(request):
    return JsonResponse(EVENTS, safe=False)


async def counts(request):
    return JsonResponse(COUNTS)


@csrf_exempt
async def open_gate(request, name):
    GATES[name].put_nowait(None)
    return HttpResponse("open")


def blocking(request):
    """A sync view with the ORM, in the thread that Django keeps for it."""
    from django.contrib.auth.models import User
    return JsonResponse({"users": User.objects.count(), "user": request.user.username})


async def waiting(request):
    from django.contrib.auth.models import User
    user = await request.auser()
    names = [each.username async for each in User.objects.all()]
    first = await sync_to_async(User.objects.first)()
    return JsonResponse({"names": names, "first": first.username, "user": user.username,
                         "task": asyncio.current_task() is not None})


async def meta(request, rest):
    keys = ("REQUEST_METHOD", "QUERY_STRING", "SCRIPT_NAME", "PATH_INFO", "REMOTE_ADDR", "SERVER_NAME", "HTTP_X_TWICE",
            "CONTENT_TYPE")
    return JsonResponse({**{key: request.META.get(key) for key in keys}, "host": request.get_host(),
                         "url": request.build_absolute_uri(), "secure": request.is_secure(),
                         "cookies": request.COOKIES})


async def visits(request):
    number = await request.session.aget("visits", 0) + 1
    await request.session.aset("visits", number)
    return HttpResponse(str(number))


async def stream(request, name):
    async def write():
        try:
            for number in range(3):
                yield f"piece {number}\n"
                await GATES[name].get()
        finally:
            EVENTS.append(f"{name} ended")

    return StreamingHttpResponse(write(), content_type="text/plain")


def sync_stream(request):
    return StreamingHttpResponse((f"piece {number}\n" for number in range(3)), content_type="text/plain")


async def forever(request):
    """A view that would never answer: when its client leaves, Django cancels it."""
    EVENTS.append("forever began")
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        EVENTS.append("forever cancelled")
        raise


async def endless(request):
    async def write():
        try:
            while True:
                yield "tick\n"
                await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            EVENTS.append("endless cancelled")
            raise

    return StreamingHttpResponse(write(), content_type="text/event-stream")


def file(request):
    path = django_site.FOLDER / "block.bin"
    path.write_bytes(BLOCK)
    return FileResponse(path.open("rb"), as_attachment=True, filename="hüte.bin")


class Upload(View):
    async def post(self, request):
        file = request.FILES["file"]
        return JsonResponse({"note": request.POST["note"], "name": file.name, "size": file.size})


async def body(request):
    EVENTS.append("body view called")
    return JsonResponse({"size": len(request.body)})


def broken(request):
    raise ValueError("broken on purpose")


urlpatterns = [
    path("events", events),
    path("counts", counts),
    path("open/<str:name>", open_gate),
    path("log-in/", django_site.log_in),
    path("blocking/", blocking),
    path("waiting/", waiting),
    path("meta/<path:rest>", meta),
    path("visits/", visits),
    path("stream/<str:name>/", stream),
    path("sync-stream/", sync_stream),
    path("forever/", forever),
    path("endless/", endless),
    path("file/", file),
    path("upload/", csrf_exempt(Upload.as_view())),
    path("body/", csrf_exempt(body)),
    path("broken/", broken),
]

django_site.configure("django_app", MORE_MIDDLEWARE=["django_app.both_middleware"])
application = get_asgi_application()
