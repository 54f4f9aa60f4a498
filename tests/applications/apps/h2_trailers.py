"""A server of HTTP/2 made of hyper-h2, strict about fields: says of each request its size and its trailers, as JSON.

Its port is the argument.
"""
import json
import socketserver
import sys

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, RequestReceived, StreamEnded, TrailersReceived


class Connection(socketserver.BaseRequestHandler):
    def handle(self):
        connection = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        connection.initiate_connection()
        self.request.sendall(connection.data_to_send())
        said = {}
        while received := self.request.recv(65_536):
            for event in connection.receive_data(received):
                if isinstance(event, RequestReceived):
                    said[event.stream_id] = {"size": 0, "trailers": {}}
                elif isinstance(event, DataReceived):
                    said[event.stream_id]["size"] += len(event.data)
                    connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, TrailersReceived):
                    said[event.stream_id]["trailers"] = dict(event.headers)
                elif isinstance(event, StreamEnded):
                    connection.send_headers(event.stream_id, [(":status", "200")])
                    body = json.dumps(said.pop(event.stream_id)).encode()
                    connection.send_data(event.stream_id, body, end_stream=True)
            self.request.sendall(connection.data_to_send())


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


if __name__ == "__main__":
    with Server(("127.0.0.1", int(sys.argv[1])), Connection) as server:
        server.serve_forever()
