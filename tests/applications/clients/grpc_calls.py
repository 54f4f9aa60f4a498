"""Calls of apps/grpc_service.py through whoever listens on the port of the argument; what came of them, as JSON.

With an authority and a name as further arguments the calls are made over TLS.
"""
import json
import sys
import threading
from pathlib import Path

import grpc

LARGE = b"x" * 3_000_000


def status_of(call):
    try:
        call()
        return "OK"
    except grpc.RpcError as error:
        return f"{error.code().name}: {error.details()}"


def main():
    options = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))
    port, *secure = sys.argv[1:]
    if secure:
        authority, name = secure
        credentials = grpc.ssl_channel_credentials(Path(authority).read_bytes())
        options += (("grpc.ssl_target_name_override", name),)
        channel = grpc.secure_channel(f"127.0.0.1:{port}", credentials, options)
    else:
        channel = grpc.insecure_channel(f"127.0.0.1:{port}", options)
    said = {}

    def unary(name):
        return channel.unary_unary(f"/test.Service/{name}")

    shouted, call = unary("Shout").with_call(b"hello", metadata=(("x-own", "3"),), timeout=20)
    said["unary"] = shouted.decode()
    said["initial"] = dict(call.initial_metadata()).get("x-initial")
    said["trailing"] = dict(call.trailing_metadata()).get("x-trailing")
    said["large"] = len(unary("Shout")(LARGE, timeout=20))
    said["failed"] = status_of(lambda: unary("Fail")(b"such thing", timeout=20))
    said["unknown"] = status_of(lambda: unary("Nothing")(b"", timeout=20)).split(":")[0]
    counted = channel.unary_stream("/test.Service/Count")(b"1000", timeout=20)
    said["server streaming"] = sum(int(number) for number in counted)
    said["client streaming"] = channel.stream_unary("/test.Service/Total")(
        (b"y" * 50_000 for _ in range(40)), timeout=20).decode()
    said["both"] = converse(channel)
    said["deadline"] = status_of(lambda: unary("Hang")(b"", timeout=0.3)).split(":")[0]
    said["deadline arrived"] = unary("WasCancelled")(b"", timeout=20).decode()
    hanging = unary("Hang").future(b"", timeout=20)
    threading.Timer(0.2, hanging.cancel).start()
    said["cancelled"] = status_of_cancelled(hanging)
    said["cancellation arrived"] = unary("WasCancelled")(b"", timeout=20).decode()
    many = [unary("Shout").future(str(number).encode(), timeout=20) for number in range(200)]
    said["many"] = all(future.result() == str(number).encode() for number, future in enumerate(many))
    print(json.dumps(said))


def converse(channel):
    """Each message waits for the answer to the one before, so that both directions must flow at once."""
    answered = threading.Semaphore(0)

    def requests():
        for number in range(20):
            yield str(number).encode()
            answered.acquire()

    heard = []
    for answer in channel.stream_stream("/test.Service/Echo")(requests(), timeout=20):
        heard.append(int(answer))
        answered.release()
    return heard == list(range(20))


def status_of_cancelled(future):
    try:
        future.result(timeout=20)
        return "OK"
    except grpc.FutureCancelledError:
        return "cancelled"


if __name__ == "__main__":
    main()
