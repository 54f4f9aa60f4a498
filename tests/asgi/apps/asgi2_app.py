"""An application of ASGI 2: called with the scope, it gives what is called with receive and send."""


class App:
    def __init__(self, scope):
        self.scope = scope

    async def __call__(self, receive, send):
        if self.scope["type"] != "http":
            raise NotImplementedError(self.scope["type"])
        body = ("ASGI %(version)s" % self.scope["asgi"]).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})


app = App
