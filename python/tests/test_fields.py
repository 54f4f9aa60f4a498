"""Response heads: checked once, remembered as their bytes, within bounds."""
import marshal
import unittest
from types import SimpleNamespace

from tricorn.worker import wire
from tricorn.worker.fields import HEAD_SIZE_MAX, HEADS_MAX, REMEMBERED_SIZE_MAX, asgi_fields, wsgi_fields
from tricorn.worker.wsgi_call import FIELDS, Call


class Text(str):
    """Django's SafeString, for marshal."""


def started(status, headers):
    call = Call(SimpleNamespace(), 1, "GET")
    call.start_response(status, headers)
    return call


class Heads(unittest.TestCase):
    def test_a_frame_of_a_remembered_head_is_what_marshal_writes(self):
        plain = [("Content-Type", "text/plain"), ("X", "\u00e4"), ("Content-Length", "3")]
        for fields, status, headers in ((wsgi_fields(), "200 OK", plain), (wsgi_fields(), "404 Not Found", []),
                                        (asgi_fields(), 200, [(b"x", b"\xff"), (b"content-length", b"3")])):
            fields.keep_head(status, headers, 3)
            head, *rest = fields.heads[(status, *headers)]
            self.assertEqual(rest, [3, status, headers])
            for id in (1, wire.INT_MAX):
                for body in (b"", b"abc", b"x" * 100_000):
                    with self.subTest(status=status, id=id, size=len(body)):
                        size = wire.WHOLE_SIZE + len(body) + len(head)
                        begin = wire.pack_whole(size, wire.WHOLE_START, id, b"s", len(body))
                        payload = marshal.dumps((wire.WHOLE, id, body, status, headers), 2)
                        self.assertEqual(begin + body + head, wire.pack_length(len(payload)) + payload)

    def test_a_head_is_remembered_when_all_of_it_came_before(self):
        headers = [("X-Some", "seen"), ("Content-Length", "5")]
        heads = [started("200 OK", headers[:]).head for _ in range(3)]
        self.assertEqual([head is not None for head in heads], [False, False, True])
        again = started("200 OK", headers[:])
        self.assertEqual((again.status, again.headers, again.length), ("200 OK", headers, 5))
        self.assertIsNone(started("201 Created", headers[:]).head)
        self.assertIsNone(started("200 OK", headers[::-1]).head)

    def test_what_becomes_of_the_list_later_changes_nothing(self):
        for _ in range(3):
            headers = [("X-List", "1")]
            call = started("200 OK", headers)
            headers.append(("X-Late", "\n"))
            self.assertEqual(call.headers, [("X-List", "1")])

    def test_equal_subclasses_of_text_leave_as_text(self):
        for _ in range(3):
            started("203 Fine", [("X-Text", "1")])
        call = started(Text("203 Fine"), [(Text("X-Text"), Text("1"))])
        self.assertEqual([type(part) for part in (call.status, *call.headers[0])], [str, str, str])

    def test_fields_of_the_connection_and_doubled_lengths_are_examined_each_time(self):
        for headers in ([("Keep-Alive", "1"), ("X", "1")], [("Content-Length", "1"), ("Content-Length", "1")]):
            for _ in range(3):
                call = started("200 OK", headers)
                self.assertIsNone(call.head)
                self.assertEqual(call.headers, [headers[1]])

    def test_the_table_has_a_bound_and_long_heads_are_not_in_it(self):
        FIELDS.heads.clear()
        for number in range(HEADS_MAX + 10):
            FIELDS.keep_head("200 OK", [("X-Number", str(number))], None)
            self.assertLessEqual(len(FIELDS.heads), HEADS_MAX)
        self.assertEqual(len(FIELDS.heads), 10)
        FIELDS.heads.clear()
        long = [("X-%d" % number, "x" * REMEMBERED_SIZE_MAX) for number in range(HEAD_SIZE_MAX // REMEMBERED_SIZE_MAX)]
        FIELDS.keep_head("200 OK", long, None)
        FIELDS.keep_head("200 OK", [("X", Text("1"))], None)
        self.assertEqual(FIELDS.heads, {})


if __name__ == "__main__":
    unittest.main()
