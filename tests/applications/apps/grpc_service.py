"""A gRPC service of bytes, without protoc: calls of every kind, deadlines, cancellation, and who its client is.

Arguments: its port; for TLS its certificate and key, and an authority if clients must show a certificate.
"""
import sys
import threading
import time
from concurrent import futures
from pathlib import Path

import grpc

cancelled = threading.Event()


def shout(request, context):
    context.send_initial_metadata((("x-initial", "1"),))
    context.set_trailing_metadata((("x-trailing", "2"),))
    return request.upper()


def fail(request, context):
    context.abort(grpc.StatusCode.NOT_FOUND, "no " + request.decode())


def count(request, context):
    for number in range(int(request)):
        yield str(number).encode()


def total(requests, context):
    return str(sum(len(request) for request in requests)).encode()


def echo(requests, context):
    for request in requests:
        yield request


def hang(request, context):
    cancelled.clear()
    context.add_callback(cancelled.set)
    while context.is_active():
        time.sleep(0.01)
    return b""


def was_cancelled(request, context):
    return b"yes" if cancelled.wait(10) else b"no"


def who(request, context):
    """The client's name by its certificate, "nobody" without one; and what the call said of itself."""
    names = context.auth_context().get("x509_common_name", [b"nobody"])
    metadata = dict(context.invocation_metadata())
    return names[0] + b" " + metadata.get("x-set", "").encode()


# grpc.health.v1.HealthCheckResponse.ServingStatus by service, the server as a whole among them.
health = {"": 1, "shop.Orders": 1}


def check(request, context):
    """grpc.health.v1.Health/Check without protoc: a message with the field 1 each way."""
    service = request[2:].decode()
    if service not in health:
        context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
    return bytes((0x08, health[service]))


def set_health(request, context):
    """The service's name and its status: "shop.Orders 2"."""
    service, status = request.decode().split(" ")
    health[service] = int(status)
    return b""


def health_handlers():
    return grpc.method_handlers_generic_handler("grpc.health.v1.Health", {
        "Check": grpc.unary_unary_rpc_method_handler(check),
    })


def handlers():
    return grpc.method_handlers_generic_handler("test.Service", {
        "Shout": grpc.unary_unary_rpc_method_handler(shout),
        "Fail": grpc.unary_unary_rpc_method_handler(fail),
        "Count": grpc.unary_stream_rpc_method_handler(count),
        "Total": grpc.stream_unary_rpc_method_handler(total),
        "Echo": grpc.stream_stream_rpc_method_handler(echo),
        "Hang": grpc.unary_unary_rpc_method_handler(hang),
        "SetHealth": grpc.unary_unary_rpc_method_handler(set_health),
        "Who": grpc.unary_unary_rpc_method_handler(who),
        "WasCancelled": grpc.unary_unary_rpc_method_handler(was_cancelled),
    })


def main():
    server = grpc.server(futures.ThreadPoolExecutor(16))
    server.add_generic_rpc_handlers((handlers(), health_handlers()))
    port, *files = sys.argv[1:]
    if files:
        certificate, key, *authority = [Path(file).read_bytes() for file in files]
        credentials = grpc.ssl_server_credentials(
            [(key, certificate)], authority[0] if authority else None, require_client_auth=bool(authority))
        server.add_secure_port(f"127.0.0.1:{port}", credentials)
    else:
        server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
