"""Client of channels_app with two workers and Redis between them."""

import contextlib
import json

from scenarios import connect, play, scenario, told

CONNECTIONS_MAX = 60
# A channel of Channels holds a hundred by default and drops the rest.
MESSAGES = 80


@contextlib.asynccontextmanager
async def on_two_workers(origin, room):
    """Two WebSockets in one room, each on a worker of its own."""
    async with contextlib.AsyncExitStack() as stack:
        members = {}
        for _ in range(CONNECTIONS_MAX):
            async with contextlib.AsyncExitStack() as attempt:
                socket = await attempt.enter_async_context(connect(origin, f"/ws/chat/{room}/"))
                worker = (await told(socket))["worker"]
                # Who hears more than one member of a room fills the channel of its process sooner.
                if worker not in members:
                    members[worker] = socket
                    stack.push_async_exit(attempt.pop_all())
            if len(members) == 2:
                yield members.values()
                return
        raise AssertionError(f"all {CONNECTIONS_MAX} connections went to one worker")


@scenario
async def chat(origin, http):
    """What a member on one worker says is heard by the member on the other, both ways and from a view."""
    async with on_two_workers(origin, "hats") as (ada, bob):
        heard = []
        for speaker, words in ((ada, "from ada"), (bob, "von Bob 🎩")):
            await speaker.send(json.dumps({"say": words}))
            heard.append([(await told(ada))["heard"], (await told(bob))["heard"]])
        await http.get("/announce/hats/")
        return [*heard, [(await told(ada))["heard"], (await told(bob))["heard"]]]


@scenario
async def order(origin, http):
    """Many messages cross from one worker to the other, none lost, all in order."""
    async with on_two_workers(origin, "order") as (ada, bob):
        for number in range(MESSAGES):
            await ada.send(json.dumps({"say": str(number)}))
        return [[(await told(socket))["heard"] for _ in range(MESSAGES)] == [str(number) for number in range(MESSAGES)]
                for socket in (ada, bob)]


play()
