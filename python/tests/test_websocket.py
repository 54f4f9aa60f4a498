"""ASGI WebSocket over the wire, on asyncio's loop and, where it is installed, on uvloop's."""
import ast
import importlib.util
import time
import unittest

from tests import edge
from tricorn.worker import wire

GONE = {"type": "websocket.disconnect", "code": 1006, "reason": ""}
SYNCHRONOUS_S = 0.3


class Rules:
    """Every test asks one worker, which is shared, so that none may harm it."""

    loop = "asyncio"

    @classmethod
    def setUpClass(cls):
        if cls.loop == "uvloop" and importlib.util.find_spec("uvloop") is None:
            raise unittest.SkipTest("uvloop is not installed")
        cls.worker = edge.Worker("websocket_cases:app", loop=cls.loop)

    @classmethod
    def tearDownClass(cls):
        try:
            code = cls.worker.stop()
            log = cls.worker.log()
        finally:
            cls.worker.__exit__()
        assert code == 0, (code, log)
        assert "lifespan shutdown" in log, log

    def setUp(self):
        self.link = self.worker.data()
        self.id = 0
        self.seen()

    def tearDown(self):
        self.link.close()

    def open(self, path, query=b"", **more):
        """Begins a WebSocket and returns its id."""
        self.id += 1
        self.link.send((1, self.id, 0, edge.websocket_scope(path, query_string=query, **more), b""))
        return self.id

    def accepted(self, path, *more, **named):
        id = self.open(path, *more, **named)
        self.assertEqual(self.link.receive(), (10, id, None, []))
        return id

    def frames(self, count):
        return [self.link.receive() for _ in range(count)]

    def messages(self, count):
        """So many messages and their receivers; on a busy machine they come in several frames."""
        found = []
        while len(found) < 2 * count:
            kind, elements = self.link.receive()
            self.assertEqual(kind, 11)
            found += elements
        return found

    def until_end(self, id):
        """All frames up to the last one."""
        found = [self.link.receive()]
        while found[-1][:2] != (4, id) and found[-1][0] not in (1, 5, 6):
            found.append(self.link.receive())
        return found

    def ask(self, path):
        """A request beside the WebSockets: the body of its response."""
        self.id += 1
        self.link.send((1, self.id, 0, edge.scope(path), b""))
        return self.link.response(self.id)[2]

    def seen(self):
        """What the applications noted since the last time."""
        return ast.literal_eval(self.ask("/seen").decode())

    def assert_seen(self, *expected):
        """What comes after the last frame may come a moment later."""
        found, until = self.seen(), time.monotonic() + 5
        while len(found) < len(expected) and time.monotonic() < until:
            time.sleep(0.01)
            found += self.seen()
        self.assertEqual(found, list(expected))

    # The opening handshake.

    def test_the_scope_is_complete_and_new_for_each(self):
        for _ in range(2):
            id = self.accepted("/show", subprotocols=["chat", "other"])
            message, mark = self.link.receive()[1]
            self.assertEqual(mark, [id])
            scope = eval(message)
            self.assertEqual(scope["type"], "websocket")
            self.assertEqual(scope["scheme"], "ws")
            self.assertEqual(scope["subprotocols"], ["chat", "other"])
            self.assertEqual(scope["asgi"], {"version": "3.0", "spec_version": "2.5", "mine": True})
            self.assertEqual(scope["state"], {"database": "connected", "mine": True})
            self.assertEqual(scope["extensions"], {"websocket.http.response": {}, "mine": True})
            self.assertEqual(scope["headers"], [(b"host", b"localhost")])
            self.assertNotIn("method", scope)
            self.assertEqual(self.frames(2), [(14, id, 1000, ""), (4, id, None)])

    def test_context_variables_do_not_leak(self):
        for _ in range(3):
            id = self.accepted("/variable")
            self.assertEqual(self.until_end(id)[0], (11, ["cleandirtyTask", [id]]))

    def test_wrong_order_is_a_runtime_error_that_names_what_was_expected(self):
        id = self.accepted("/order")
        self.until_end(id)
        found = self.seen()
        self.assertEqual(found[0], "RuntimeError: Expected ASGI message 'websocket.accept', 'websocket.close' or "
                                   "'websocket.http.response.start', but got 'websocket.send'")
        self.assertEqual(found[4], "RuntimeError: Expected ASGI message 'websocket.send' or 'websocket.close', but got "
                                   "'websocket.accept'")
        self.assertEqual([text.split(":")[0] for text in found], ["RuntimeError"] * 7)

    def test_accept_takes_fields_and_an_offered_subprotocol(self):
        id = self.open("/accepts", b'{"subprotocol": "chat", "headers": ((b"X-A", b"1"), [b"x-b", bytearray(b"2")], '
                                   b'(b"connection", b"close"), (b"content-length", b"0"))}', subprotocols=["chat"])
        self.assertEqual(self.until_end(id)[0], (10, id, "chat", [(b"X-A", b"1"), (b"x-b", b"2")]))
        id = self.open("/accepts", b'{"subprotocol": None, "headers": None}', subprotocols=["chat"])
        self.assertEqual(self.until_end(id)[0], (10, id, None, []))
        id = self.open("/accepts", b'{"subprotocol": "other"}', subprotocols=["chat"])
        self.assertEqual(self.until_end(id)[0], (10, id, None, []))
        self.worker.wait_log("'other', which the client did not offer")
        id = self.open("/accepts", b'{"headers": [(b"x", b"y" * 1_100_000)]}')
        self.assertEqual(self.link.receive(), (6, id, False))
        self.worker.wait_log("FrameTooLarge")

    def test_fields_of_the_handshake_are_refused_in_accept(self):
        self.until_end(self.accepted("/accepts-oddly"))
        found = self.seen()
        self.assertIn("Sec-WebSocket-Protocol", found[0])
        self.assertEqual([text.split(":")[0] for text in found], ["RuntimeError"] * 4 + ["TypeError"])

    def test_a_close_before_accept_is_403(self):
        id = self.open("/rejects")
        self.assertEqual(self.link.receive(), (1, id, b"", 403, []))
        closed = "RuntimeError: Unexpected ASGI message '%s': the WebSocket is closed"
        self.assert_seen(GONE, GONE, closed % "websocket.accept", closed % "websocket.close")

    def test_a_denial_response_is_sent_instead(self):
        id = self.open("/denies")
        self.assertEqual(self.link.receive(), (1, id, b"who are you?", 401, [(b"www-authenticate", b"Basic")]))
        self.assert_seen(GONE, "RuntimeError: Unexpected ASGI message 'websocket.http.response.body': "
                               "the WebSocket is closed")

    def test_a_denial_response_is_streamed_as_far_as_credit_goes(self):
        id = self.open("/denies-slowly")
        sent = 0
        while not self.link.quiet(SYNCHRONOUS_S):
            frame = self.link.receive()
            self.assertEqual(frame[3:], (503, []) if not sent else ())
            sent += len(frame[2])
        self.assertEqual(sent, 262_144)
        found = self.seen()
        self.assertEqual([text.split(":")[0] for text in found[:6]],
                         ["RuntimeError", "TypeError"] + ["RuntimeError"] * 4)
        self.assertEqual(found[6:], [0, 1])
        self.link.send((4, id, 1_000_000))
        frames = self.until_end(id)
        self.assertEqual(sent + sum(len(frame[2]) for frame in frames[:-1]), 600_000)
        self.assert_seen(2, 3, 4, 5, GONE)

    def test_a_denial_response_without_its_end_is_ended_or_cut(self):
        id = self.open("/denies-without-end")
        self.assertEqual(self.link.receive(), (1, id, b"", 403, [(b"x", b"1")]))
        id = self.open("/denies-without-end", b"more")
        self.assertEqual(self.frames(2), [(2, id, b"part", 403, [(b"x", b"1")]), (6, id, True)])
        self.worker.wait_log("without completing its response")

    def test_a_client_that_leaves_before_the_answer_is_a_disconnect(self):
        before = self.worker.log()
        id = self.open("/waits")
        time.sleep(0.05)
        self.link.send((3, id))
        self.assertEqual(self.link.receive(), (6, id, False))
        gone = "ClientDisconnected: the client has gone away"
        self.assert_seen({"type": "websocket.connect"}, GONE, gone, gone, "sent")
        self.assertEqual(self.worker.log(), before)

    # The end.

    def test_messages_come_back_and_the_close_is_told(self):
        id = self.accepted("/echo")
        self.link.send((6, [id, "hello", id, b"bytes", id, "", id, b""]))
        self.assertEqual(self.messages(4), ["hello", [id], b"bytes", [id], "", [id], b"", [id]])
        self.link.send((8, id, 3001, "away"))
        self.assertEqual(self.frames(1), [(4, id, None)])
        self.assert_seen({"type": "websocket.disconnect", "code": 3001, "reason": "away"})

    def test_messages_before_the_close_are_received_before_it(self):
        id = self.accepted("/pauses")
        self.link.send((6, [id, "1234", id, b"56"]), (8, id, 1005, ""))
        self.ask("/go")
        self.assertEqual(self.link.receive(), (4, id, None))
        self.assert_seen((6, 1005))

    def test_after_the_clients_close_send_is_an_os_error_and_close_is_nothing(self):
        before = self.worker.log()
        id = self.accepted("/after-disconnect")
        self.link.send((8, id, 1001, ""))
        self.assertEqual(self.link.receive(), (4, id, None))
        found = self.seen()
        self.assertEqual(found[:3], [{"type": "websocket.disconnect", "code": 1001, "reason": ""},
                                     "ClientDisconnected: the client has gone away", "sent"])
        self.assertTrue(issubclass(wire.ClientDisconnected, OSError))
        self.assertIn("RuntimeError", found[3])
        self.assertEqual(self.worker.log(), before)

    def test_the_application_closes_with_code_and_reason(self):
        long = "\u20ac" * 50
        for query, code, reason in (
                (b"()", 1000, ""), (b"(None, None)", 1000, ""), (b"(True,)", 1000, ""), (b"(Code.POLICY,)", 1008, ""),
                (b"(3000, 'bye')", 3000, "bye"), (b"(4999, '\xe2\x82\xac' * 50)", 4999, long[:41]),
                (b"(1014,)", 1014, "")):
            id = self.accepted("/closes", query)
            self.assertEqual(self.link.receive(), (14, id, code, reason))
            self.assertEqual(self.link.receive(), (4, id, None))
            closed = {"type": "websocket.disconnect", "code": code, "reason": reason}
            end = "RuntimeError: Unexpected ASGI message '%s': the WebSocket is closed"
            self.assert_seen("sent", closed, closed, end % "websocket.send", end % "websocket.close")

    def test_codes_that_may_not_be_sent_are_refused(self):
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000):
            id = self.accepted("/closes", b"(%d,)" % code)
            self.link.send((8, id, 1000, ""))
            self.assertEqual(self.link.receive(), (4, id, None))
            self.assertIn("RuntimeError: %d is no code" % code, self.seen()[0])

    def test_what_comes_after_the_applications_close_is_nobodys(self):
        id = self.accepted("/closes", b"(1000,)")
        self.link.send((6, [id, "late", id, None]), (7, id, b"late", 2), (9, id + 1000), (8, id, 1000, ""))
        self.assertEqual(self.frames(2), [(14, id, 1000, ""), (4, id, None)])
        self.seen()

    def test_how_the_coroutine_ends_is_how_the_websocket_ends(self):
        for path, frames, text in (
                ("/returns-early", [(6, False)], "returned without accepting or closing the WebSocket"),
                ("/raises-early", [(6, False)], "ValueError: before accept"),
                ("/raises", [(14, 1011, ""), (4, None)], "ValueError: after accept"),
                ("/returns", [(14, 1000, ""), (4, None)], "returned str; it should return None"),
                ("/exits", [(14, 1011, ""), (4, None)], "SystemExit: 7")):
            id = self.open(path)
            found = self.until_end(id)
            self.assertEqual([(kind, *more) for kind, same, *more in found if kind in (14, 4, 6)], frames, path)
            if path in ("/raises", "/returns"):
                self.assertEqual(found[1], (11, ["last words", [id]]))
            self.worker.wait_log(text)
        self.assertEqual(self.worker.log().count("ValueError: after accept"), 1)
        self.assertNotIn("tricorn/worker", self.worker.log())

    # Messages.

    def test_send_takes_bytes_first_and_everything_that_is_bytes_or_text(self):
        id = self.accepted("/kinds")
        messages = []
        for frame in self.until_end(id):
            if frame[0] == 11:
                messages += frame[1][::2]
        self.assertEqual(messages, [b"both", "", b"", b"1", b"2", b"3", "subclass", "\u00e4\u20ac\U0001f600"])
        found = self.seen()
        self.assertIn("'bytes' or 'text'", found[0])
        self.assertEqual([text.split(":")[0] for text in found], [
            "RuntimeError", "RuntimeError", "TypeError", "TypeError", "TypeError", "UnicodeEncodeError",
            "UnicodeEncodeError"])

    def test_large_messages_travel_in_parts_that_nothing_overtakes(self):
        id = self.accepted("/large")
        order, found = [], b""
        while not order or order[-1] != (14, 1000):
            frame = self.link.receive()
            if frame[0] == 13:
                _, _, part, opcode, fin = frame
                self.assertLessEqual(len(part), 262_144)
                self.assertEqual(bool(opcode), not found)
                kind = opcode or kind
                found += part
                if fin:
                    order.append((kind, len(found), found[-1:]))
                    found = b""
            elif frame[0] == 11:
                for message, ids in zip(frame[1][::2], frame[1][1::2]):
                    if message is None:
                        self.link.send(*[(9, each) for each in ids])
                    else:
                        order.append(message if len(message) < 10 else len(message))
            elif frame[0] == 14:
                order.append((frame[0], frame[2]))
        self.assertEqual(order, [(1, 600_000, b"\xac"), "small", (2, 262_144, b"x"), (2, 65_537, b"y"), 65_536,
                                 (14, 1000)])
        self.assertEqual(self.link.receive(), (4, id, None))

    def test_a_large_message_is_sent_whole_though_nobody_waits_for_it(self):
        id = self.accepted("/impatient")
        came = []
        while not self.link.quiet(SYNCHRONOUS_S):
            came.append(self.link.receive())
        self.assertEqual(self.seen(), ["timeout"])
        order, parts = [], []
        while not order or order[-1] != 4:
            frame = came.pop(0) if came else self.link.receive()
            if frame[0] == 13:
                parts.append(frame)
            # A question whether more may come and a message can be in one frame.
            for message in frame[1][::2] if frame[0] == 11 else [frame]:
                if message is None:
                    self.link.send((9, id))
                else:
                    order.append(frame[0])
        self.assertEqual(order, [13, 13, 13, 11, 14, 4])
        self.assertEqual([part[3:] for part in parts], [(2, False), (0, False), (0, True)])
        self.assertEqual(sum(len(part[2]) for part in parts), 700_000)

    def test_a_large_message_ends_with_the_client(self):
        before = self.worker.log()
        id = self.accepted("/impatient")
        self.link.send((8, id, 1001, ""))
        self.assertEqual(self.until_end(id)[-1], (4, id, None))
        self.assertEqual(self.worker.log(), before)
        self.seen()

    def test_large_messages_come_in_parts(self):
        id = self.accepted("/echo")
        whole = ("\u20ac" * 120_000).encode()
        for last in (1, 2):
            parts = [whole[at:at + 262_144] for at in range(0, len(whole), 262_144)]
            for part in parts[:-1]:
                self.link.send((7, id, part, 0), (6, [id, None]))
                # In the midst of a message there is nothing that could be received first.
                self.assertEqual(self.link.receive(), (12, id))
            self.link.send((7, id, parts[-1], last))
            self.assertEqual(self.frames(3), [
                (13, id, whole[:262_144], last, False), (11, [None, [id]]), (13, id, whole[262_144:], 0, True)])
            self.link.send((9, id))
        self.link.send((7, id, b"", 1), (7, id, b"", 2))
        self.assertEqual(self.messages(2), ["", [id], b"", [id]])
        self.link.send((8, id, 1000, ""))
        self.until_end(id)
        self.seen()

    def test_equal_messages_to_many_share_an_entry(self):
        ids = [self.accepted("/joins") for _ in range(5)]
        self.link.send((6, [ids[2], "to all", ids[0], "to all", ids[1], "else"]))
        found = {}
        frames = []
        while sum(map(len, found.values())) < 15:
            frames.append(self.link.receive())
            for message, receivers in zip(frames[-1][1][::2], frames[-1][1][1::2]):
                found.setdefault(message, []).extend(receivers)
        self.assertEqual(found, {"to all": ids + ids, "else": ids})
        self.assertLessEqual(sum(len(frame[1]) for frame in frames) // 2, 2 * len(frames))
        self.link.send(*[(8, id, 1001, "") for id in ids])
        self.assertEqual(sorted(self.frames(5)), [(4, id, None) for id in ids])

    def test_a_message_leaves_though_the_application_computes_on(self):
        id = self.accepted("/blocks")
        self.assertEqual(self.link.receive(), (11, ["before", [id]]))
        first = time.monotonic()
        self.assertEqual(self.until_end(id)[0], (11, ["after", [id]]))
        self.assertGreater(time.monotonic() - first, 0.2)

    # Receivers.

    def test_receives_that_are_cancelled_lose_nothing(self):
        id = self.accepted("/races")
        for number in range(200):
            self.link.send((6, [id, str(number)]))
            if not number % 20:
                time.sleep(0.003)
        self.until_end(id)
        self.assert_seen(True)

    def test_a_message_whose_receiver_is_cancelled_goes_to_the_next(self):
        canceller = self.accepted("/canceller")
        id = self.accepted("/cancelled-in-time")
        self.ask("/nothing")
        # One frame: both have their messages before either runs, and the canceller runs first.
        self.link.send((6, [canceller, "now", id, "one", id, "two", id, "three"]), (8, id, 1000, ""))
        self.assertEqual([frame for frame in self.frames(3) if frame[0] == 4], [(4, canceller, None), (4, id, None)])
        self.assert_seen(True, "two", "one", "three", 1000)

    def test_many_may_receive_and_all_are_told_of_the_end(self):
        id = self.accepted("/receivers")
        self.assertEqual(self.link.receive(), (11, ["ready", [id]]))
        self.link.send((6, [id, "one"]), (8, id, 4001, ""))
        self.assertEqual(self.link.receive(), (4, id, None))
        self.assert_seen(["one", 4001, 4001])

    # Flow.

    def test_an_application_that_does_not_receive_answers_no_mark(self):
        id = self.accepted("/pauses")
        self.link.send((6, [id, "x" * 60_000, id, "y" * 60_000, id, "z" * 20_000, id, None]),
                       (6, [id, b"1" * 130_000, id, None]))
        self.ask("/nothing")
        self.assertTrue(self.link.quiet(SYNCHRONOUS_S))
        self.ask("/go")
        self.assertEqual(self.frames(2), [(12, id), (12, id)])
        self.link.send((6, [id, "more", id, None]))
        self.assertEqual(self.link.receive(), (12, id))
        self.link.send((8, id, 1000, ""))
        self.assertEqual(self.link.receive(), (4, id, None))
        self.assert_seen((270_004, 1000))

    def messages_until_quiet(self, found):
        """Adds what comes: the lengths of messages, None for a mark."""
        while not self.link.quiet(SYNCHRONOUS_S):
            for message, ids in zip(*[iter(self.link.receive()[1])] * 2):
                found += [message and len(message)] * len(ids)
        return found

    def test_send_waits_at_two_marks_without_an_answer(self):
        id = self.accepted("/floods", b"(100, 10_000)")
        # 14 times 10,064 is the first sum of 131,072 or more.
        part = [10_000] * 13 + [None, 10_000]
        found = self.messages_until_quiet([])
        self.assertEqual(found, part * 2)
        self.assertEqual(self.seen(), list(range(28)))
        self.link.send((9, id))
        self.assertEqual(self.messages_until_quiet(found), part * 3)
        self.link.send((8, id, 1001, ""))
        self.assertEqual(self.link.receive(), (4, id, None))
        self.seen()

    def test_calls_of_send_that_wait_go_on_in_their_order(self):
        id = self.accepted("/floods-together")
        self.link.send((6, [id, "cancel two"]))
        order, ended = [], False
        while not ended:
            frame = self.link.receive()
            if frame[0] == 11:
                for message, ids in zip(*[iter(frame[1])] * 2):
                    if message is None:
                        self.link.send((9, id))
                    else:
                        order.append(int(message[:3]))
            elif frame[0] == 14:
                order.append(frame[3])
            ended = frame[0] == 4
        self.assertEqual(order, [number for number in range(20) if number not in (10, 12)] + ["done"])
        self.assert_seen(19)


class Asyncio(Rules, unittest.TestCase):
    pass


class Uvloop(Rules, unittest.TestCase):
    loop = "uvloop"


if __name__ == "__main__":
    unittest.main()
