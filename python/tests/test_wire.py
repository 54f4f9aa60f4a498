"""Frames and connections, without an application: the shared cases, cut streams, garbage, field sections."""
import json
import marshal
import os
import random
import socket
import struct
import unittest
from collections import deque

from tests import edge
from tricorn.worker import wire

CASES = os.path.join(os.path.dirname(__file__), "..", "..", "tests", "cases", "wire")


def cases(name):
    with open(os.path.join(CASES, name), encoding="utf-8") as file:
        return json.load(file)


def value_of(text):
    """A case's value as Python's."""
    if isinstance(text, list):
        return [value_of(each) for each in text]
    if isinstance(text, dict):
        if "bytes" in text:
            return bytes.fromhex(text["bytes"])
        if "tuple" in text:
            return tuple(value_of(each) for each in text["tuple"])
        return {value_of(key): value_of(value) for key, value in text["dict"]}
    return text


class Pair:
    """A data connection and the socket that feeds it."""

    def __init__(self, bases=({"SERVER_NAME": "localhost"},), keys=()):
        ours, self.sock = socket.socketpair()
        self.connection = wire.Connection(ours)
        self.requests, self.others = deque(), []
        self.receive = lambda: self.connection.receive(self.requests, self._other)
        self.feed(edge.encode((0, 3, "data", 0, list(bases), list(keys))))

    def _other(self, connection, frame):
        if connection.role is None:
            connection.hello(frame)
        else:
            self.others.append(frame)

    def feed(self, data):
        self.sock.sendall(data)
        return self.receive()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()
        self.connection.close()


class Cases(unittest.TestCase):
    def test_what_the_edge_writes_is_read(self):
        for case in cases("to-worker.json") + cases("websocket.json"):
            if case["direction"] != "to-worker":
                continue
            with self.subTest(case["name"]):
                found = marshal.loads(bytes.fromhex(case["marshal"]))
                self.assertEqual(found, value_of(case["value"]))
                self.assertEqual(repr(found), repr(value_of(case["value"])))

    def test_what_the_worker_writes_are_these_bytes(self):
        for case in cases("to-edge.json") + cases("websocket.json"):
            if case["direction"] != "to-edge":
                continue
            with self.subTest(case["name"]):
                size, payload = wire.encode(value_of(case["value"]))
                self.assertEqual(payload.hex(), case["marshal"])
                self.assertEqual(size, struct.pack("<I", len(payload)))

    def test_what_is_malformed_ends_the_connection(self):
        for case in cases("malformed.json"):
            if case["direction"] != "to-worker":
                continue
            with self.subTest(case["name"]), Pair() as pair:
                data = bytes.fromhex(case["marshal"])
                with self.assertRaises(wire.Malformed):
                    pair.feed(struct.pack("<I", len(data)) + data)
                    for frame in pair.others:
                        pair.connection.hello(frame)
                self.assertFalse(pair.requests)


class Streams(unittest.TestCase):
    def test_frames_cut_at_every_byte_are_the_same_frames(self):
        frames = [(1, 1, 0, edge.environ(), b""), (3, 1), (2, 5, b"chunk", True),
                  (1, 2, 0, edge.environ("/x"), b"body")]
        data = b"".join(edge.encode(frame) for frame in frames)
        for at in range(1, len(data)):
            with Pair() as pair:
                pair.feed(data[:at])
                pair.feed(data[at:])
                self.assertEqual([entry[1] for entry in pair.requests], [1, 2])
                self.assertEqual(pair.others, frames[1:3])
                self.assertEqual(pair.requests[1][3], b"body")

    def test_a_frame_of_the_largest_size_is_taken_and_the_buffer_shrinks_again(self):
        with Pair() as pair:
            body = b"x" * (wire.FRAME_SIZE_MAX - 500)
            data = edge.encode((1, 1, 0, edge.environ(), body)) + edge.encode((3, 1))
            while data:
                pair.feed(data[:50_000])
                data = data[50_000:]
            while pair.receive() > 0:
                pass
            self.assertEqual(pair.requests[0][3], body)
            self.assertEqual(pair.others, [(3, 1)])
            self.assertLess(len(pair.connection._buffer), 300_000)

    def test_a_longer_length_ends_the_connection_at_once(self):
        with Pair() as pair, self.assertRaises(wire.Malformed):
            pair.feed(struct.pack("<I", wire.FRAME_SIZE_MAX + 1))

    def test_the_end_of_the_stream_is_told(self):
        with Pair() as pair:
            self.assertEqual(pair.receive(), 0)
            pair.sock.close()
            self.assertEqual(pair.receive(), -1)

    def test_frames_of_strange_shapes_are_malformed_and_nothing_worse(self):
        seed = random.randrange(1 << 30)
        chance = random.Random(seed)

        def anything(depth=0):
            kind = chance.randrange(9 if depth < 3 else 6)
            if kind < 6:
                return (None, True, chance.randrange(-2, 9), chance.choice([b"", b"chunk"]), "text", 1 << 40)[kind]
            parts = [anything(depth + 1) for _ in range(chance.randrange(4))]
            return (tuple(parts), parts, {str(n): part for n, part in enumerate(parts)})[kind - 6]

        good = [(1, 1, 0, edge.environ(), b""), (2, 1, b"abc", True), (3, 1), (4, 1, 5),
                (1, 2, 0, edge.environ(), None), (6, [1, "text", 2, b"bytes", 1, None]), (7, 1, b"part", 0),
                (8, 1, 1000, "reason"), (9, 1)]
        # marshal is no parser of hostile bytes, so only shapes are strange here: the edge is the only writer.
        for _ in range(3000):
            frame = list(chance.choice(good))
            for _ in range(chance.randrange(3)):
                frame[chance.randrange(len(frame))] = anything()
            if not chance.randrange(5):
                frame = frame[:chance.randrange(len(frame))]
            data = edge.encode(chance.choice([tuple(frame)] * 5 + [frame]))
            if not chance.randrange(5):
                size = chance.randrange(len(data) - 4)
                data = struct.pack("<I", size) + data[4:4 + size]
            with self.subTest(seed=seed, frame=frame, data=data), Pair() as pair:
                try:
                    pair.feed(data)
                except wire.Malformed:
                    continue
                for _, id, environ, _ in pair.requests:
                    self.assertIs(type(environ), dict)
                    self.assertGreater(id, 0)

    def test_the_first_frame_must_be_a_proper_hello(self):
        for frame in ((0, 2, "data", 0, [{}], []), (0, 3, "other", 0, [{}], []), (0, 3, "data", 64, [{}], []),
                      (0, 3, "data", 0, [], []), (0, 3, "data", 0, [5], []), (0, 3, "data", 0, [{}]),
                      (0, 3, "data", 0, [{}], ()), (0, 3, "data", 0, [{}], [b"a"]), (0, 3, "data", 0, [{}], ["a", "a"]),
                      (1, 1, 0, {}, b""), (10, True), (0,)):
            ours, theirs = socket.socketpair()
            connection = wire.Connection(ours)
            theirs.sendall(edge.encode(frame))
            with self.subTest(frame=frame), ours, theirs, self.assertRaises(wire.Malformed):
                connection.receive(deque(), lambda connection, frame: connection.hello(frame))


class Sections(unittest.TestCase):
    """Fields that come again are sent once."""

    def test_a_number_stands_for_base_and_fields(self):
        with Pair() as pair:
            pair.feed(edge.encode((5, 7, 0, {"HTTP_HOST": "a", "HTTP_X": "1"})))
            for id in (1, 2):
                pair.feed(edge.encode((1, id, 0, {"REQUEST_METHOD": "GET", "HTTP_X": str(id)}, b"", 7)))
                pair.requests[-1][2]["mine"] = id
            environs = [entry[2] for entry in pair.requests]
            self.assertEqual(environs, [{"SERVER_NAME": "localhost", "HTTP_HOST": "a", "REQUEST_METHOD": "GET",
                                         "HTTP_X": str(id), "mine": id} for id in (1, 2)])

    def test_a_request_means_what_its_number_meant_when_it_was_read(self):
        with Pair() as pair:
            pair.feed(edge.encode((5, 0, 0, {"HTTP_HOST": "a"})) + edge.encode((1, 1, 0, {}, b"", 0))
                      + edge.encode((5, 0, 0, {"HTTP_HOST": "b"})) + edge.encode((1, 2, 0, {}, b"", 0)))
            self.assertEqual([entry[2]["HTTP_HOST"] for entry in pair.requests], ["a", "b"])

    def test_headers_of_a_scope_are_a_section_too(self):
        with Pair() as pair:
            pair.feed(edge.encode((5, 255, 0, [(b"host", b"a")])) + edge.encode((1, 1, 0, {"path": "/"}, b"", 255)))
            self.assertEqual(pair.requests[0][2]["headers"], [(b"host", b"a")])

    def test_numbers_that_were_not_given_and_strange_sections_end_the_connection(self):
        for frame in ((1, 1, 0, {}, b"", 3), (1, 1, 0, {}, b"", 256), (1, 1, 0, {}, b"", -1), (1, 1, 0, {}, b"", "x"),
                      (5, 256, 0, {}), (5, -1, 0, {}), (5, 0, 9, {}), (5, 0, 0, b"x"), (5, 0)):
            with self.subTest(frame=frame), Pair() as pair, self.assertRaises(wire.Malformed):
                pair.feed(edge.encode(frame))


class Keys(unittest.TestCase):
    """The names of what every request has are told once."""

    def heads(self, *frames):
        with Pair(({"A": "", "B": "1"},), ("M", "P", "N")) as pair:
            for frame in frames:
                pair.feed(edge.encode(frame))
            return [entry[2] for entry in pair.requests]

    def test_a_head_has_their_values(self):
        base = {"A": "", "B": "1"}
        self.assertEqual(self.heads((1, 1, 0, ("GET", "/", "5"), {}, b"", {"F": "x"}),
                                    (1, 2, 0, ("PUT", "/y", "6"), {"B": "2", "C": "3"}, b"", {})),
                         [{**base, "F": "x", "M": "GET", "P": "/", "N": "5"},
                          {"A": "", "B": "2", "C": "3", "M": "PUT", "P": "/y", "N": "6"}])

    def test_a_shorter_head_leaves_the_last_of_them_out(self):
        section, base = (5, 7, 0, {"F": "x"}), {"A": "", "B": "1", "F": "x"}
        self.assertEqual(self.heads(section, (1, 1, 0, ("GET", "/"), {}, b"", 7), (1, 2, 0, (), {}, b"", 7),
                                    (1, 3, 0, ("GET", "/", "5"), {}, b"", 7)),
                         [{**base, "M": "GET", "P": "/"}, base, {**base, "M": "GET", "P": "/", "N": "5"}])

    def test_strange_heads_end_the_connection(self):
        for head, own in ((("GET", "/", "5", "x"), {}), (["GET"], {}), ("GET", {}), (("GET",), None), (("GET",), ())):
            with self.subTest(head=head, own=own), self.assertRaises(wire.Malformed):
                self.heads((1, 1, 0, head, own, b"", {}))


class Bases(unittest.TestCase):
    """What certain connections of a listener have besides is sent once."""

    def test_a_number_stands_for_a_listener_and_more(self):
        with Pair() as pair:
            pair.feed(edge.encode((11, 1, 0, {"HTTPS": "on"})))
            pair.feed(edge.encode((5, 3, 1, {"HTTP_HOST": "a"})))
            pair.feed(edge.encode((1, 1, 1, {}, b"", 3)) + edge.encode((1, 2, 1, {"X": "1"}, b"", {})))
            pair.feed(edge.encode((1, 3, 0, {}, b"", {})))
            self.assertEqual([entry[2] for entry in pair.requests], [
                {"SERVER_NAME": "localhost", "HTTPS": "on", "HTTP_HOST": "a"},
                {"SERVER_NAME": "localhost", "HTTPS": "on", "X": "1"}, {"SERVER_NAME": "localhost"}])

    def test_a_number_may_be_given_anew(self):
        with Pair() as pair:
            for sign in ("a", "b"):
                pair.feed(edge.encode((11, 1, 0, {"SIGN": sign})) + edge.encode((1, 1, 1, {}, b"", {})))
            self.assertEqual([entry[2]["SIGN"] for entry in pair.requests], ["a", "b"])

    def test_there_are_so_many_and_strange_ones_end_the_connection(self):
        with Pair() as pair:
            for number in range(1, 1 + wire.BASES_MAX):
                pair.feed(edge.encode((11, number, 0, {})))
            with self.assertRaises(wire.Malformed):
                pair.feed(edge.encode((11, 1 + wire.BASES_MAX, 0, {})))
        for frame in ((11, 0, 0, {}), (11, 2, 0, {}), (11, -1, 0, {}), (11, 1, 1, {}), (11, 1, -1, {}), (11, 1, 0, 5),
                      (11, "x", 0, {}), (11, 1, 0)):
            with self.subTest(frame=frame), Pair() as pair, self.assertRaises(wire.Malformed):
                pair.feed(edge.encode(frame))


class Messages(unittest.TestCase):
    """What WebSockets send is gathered for many of them."""

    def gathered(self, *steps):
        """The frames of messages, (data, ids), and of marks, an id: each as [(data, ids), …]."""
        ours, theirs = socket.socketpair()
        with ours, theirs:
            connection = wire.Connection(ours)
            for step in steps:
                if type(step) is int:
                    connection.put_mark(step)
                else:
                    connection.messages += step
            connection.pour()
            self.assertEqual(connection.messages, [None, []])
            for size, payload in zip(connection.out[::2], connection.out[1::2]):
                self.assertEqual(size, struct.pack("<I", len(payload)))
                self.assertLessEqual(len(payload), wire.FRAME_SIZE_MAX)
            frames = [marshal.loads(payload) for payload in connection.out[1::2]]
            self.assertTrue(all(kind == 11 for kind, _ in frames))
            return [list(zip(messages[::2], messages[1::2])) for _, messages in frames]

    def test_nothing_is_no_frame(self):
        self.assertEqual(self.gathered(), [])

    def test_marks_are_before_the_last_message_and_together(self):
        self.assertEqual(self.gathered(("a", [1]), ("b", [1, 2]), 1, 2, ("c", [3]), 3),
                         [[("a", [1]), (None, [1, 2]), ("b", [1, 2]), (None, [3]), ("c", [3])]])
        self.assertEqual(self.gathered(1, 2, ("a", [1]), 1), [[(None, [1, 2, 1]), ("a", [1])]])
        self.assertEqual(self.gathered(7), [[(None, [7])]])

    def test_many_messages_are_several_frames_in_their_order(self):
        messages = [("%05d" % number + "\u20ac" * 20_000, [number]) for number in range(50)]
        frames = self.gathered(*messages)
        self.assertEqual([entry for frame in frames for entry in frame], messages)
        self.assertGreater(len(frames), 10)

    def test_the_largest_message_to_a_multitude_is_several_frames(self):
        data, ids = "\U0001f600" * wire.MESSAGE_SIZE_MAX, list(range(1, 300_000))
        frames = self.gathered((data, ids))
        self.assertEqual([id for frame in frames for entry in frame for id in entry[1]], ids)
        self.assertTrue(all(entry[0] == data for frame in frames for entry in frame))


class Uploads(unittest.TestCase):
    def test_credit_is_kept_and_renewed(self):
        upload = wire.Upload(wire.UPLOAD_CREDIT)
        self.assertEqual(upload.grant(), 0)
        upload.put(b"x" * 40_000, True)
        self.assertEqual(upload.grant(), 40_000)
        with self.assertRaises(wire.Malformed):
            upload.put(b"x" * 65_537, True)

    def test_a_body_that_waits_for_100_continue_starts_without_credit(self):
        self.assertTrue(wire.expects_continue({"HTTP_EXPECT": "100-Continue"}))
        self.assertTrue(wire.expects_continue({"headers": [(b"expect", b"100-continue")]}))
        self.assertFalse(wire.expects_continue({"headers": [(b"host", b"100-continue")]}))
        self.assertEqual(wire.Upload(0).grant(), wire.UPLOAD_CREDIT)

    def test_nothing_may_follow_the_last_chunk(self):
        upload = wire.Upload(wire.UPLOAD_CREDIT)
        upload.put(b"", False)
        with self.assertRaises(wire.Malformed):
            upload.put(b"x", False)


if __name__ == "__main__":
    unittest.main()
