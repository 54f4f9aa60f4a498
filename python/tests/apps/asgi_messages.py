"""Messages for ASGI applications to send, and where they note what they have seen."""

SEEN = []


def start(status=200, headers=(), **more):
    return {"type": "http.response.start", "status": status, "headers": headers, **more}


def body(content=b"", more=False):
    return {"type": "http.response.body", "body": content, "more_body": more}


async def note(send, message):
    """Notes what comes of sending this."""
    try:
        await send(message)
        SEEN.append("sent")
    except Exception as error:
        SEEN.append(type(error).__name__)
