"""Lifespans of many minds, chosen by an environment variable."""
import asyncio
import os

KIND = os.environ.get("KIND", "good")


async def http(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": repr(scope["state"]).encode()})


async def app(scope, receive, send):
    if scope["type"] == "http":
        return await http(scope, receive, send)
    assert scope["asgi"] == {"version": "3.0", "spec_version": "2.0"}
    if KIND == "unsupported":
        raise ValueError("only http here")
    if KIND == "silent":
        return
    assert await receive() == {"type": "lifespan.startup"}
    if KIND == "raises":
        raise ValueError("in startup")
    if KIND == "exits":
        raise SystemExit(9)
    if KIND == "failed":
        await send({"type": "lifespan.startup.failed", "message": "no database"})
        return
    if KIND == "slow":
        await asyncio.sleep(0.5)
    scope["state"]["items"] = []
    await send({"type": "lifespan.startup.complete"})
    if KIND == "early":
        return
    if KIND == "repeats":
        await send({"type": "lifespan.startup.complete"})
    assert await receive() == {"type": "lifespan.shutdown"}
    print("shutdown with", scope["state"], flush=True)
    if KIND == "fails_at_the_end":
        await send({"type": "lifespan.shutdown.failed", "message": "still busy"})
    elif KIND == "raises_at_the_end":
        raise ValueError("in shutdown")
    elif KIND == "hangs_at_the_end":
        await asyncio.sleep(100)
    else:
        await send({"type": "lifespan.shutdown.complete"})
