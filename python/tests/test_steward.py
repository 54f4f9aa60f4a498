"""The steward: finished answers on demand, and requests taken back that are never executed."""
import os
import random
import select
import socket
import threading
import time
import unittest

from tests import edge

def head_of(app, path, seconds=0.0):
    query = str(seconds) if seconds else ""
    if app.endswith("asgi"):
        return edge.scope(path, query_string=query.encode())
    return edge.environ(path, QUERY_STRING=query)


class Steward:
    """Run for each kind of server."""

    app = "recorder:app"
    settings: dict = {}

    def start(self):
        worker = edge.Worker(self.app, **self.settings)
        self.addCleanup(worker.__exit__)
        self.worker = worker
        return worker

    def head(self, path, seconds=0.0):
        return head_of(self.app, path, seconds)

    def executed(self):
        with open(os.path.join(self.worker.directory, "executed")) as file:
            return file.read().split()

    def test_a_slow_request_is_not_in_the_way_of_those_behind_it(self):
        worker = self.start()
        data, steward = worker.data(), worker.steward()
        slow = self.settings.get("threads", 1)
        # Together, so that they are read at once; then one more, which stays unread in the socket.
        data.send(*[(1, n, 0, self.head("/%d" % n, 0.8), b"") for n in range(1, slow + 1)],
                  *[(1, n, 0, self.head("/%d" % n), b"") for n in range(slow + 1, slow + 9)])
        time.sleep(0.2)
        data.send((1, slow + 9, 0, self.head("/last"), b""))
        begun = time.monotonic()
        steward.send((10, True))
        self.assertEqual(steward.receive(), (9, list(range(slow + 1, slow + 10))))
        self.assertLess(time.monotonic() - begun, 0.4)
        self.assertEqual(worker.state()[1][0], slow)
        steward.send((10, True))
        self.assertEqual(steward.receive(), (9, []))
        for _ in range(slow):
            self.assertEqual(data.receive()[2], b"done")
        self.assertTrue(data.quiet(0.1))
        self.assertEqual(sorted(self.executed()), sorted(str(n) for n in range(1, slow + 1)))

    def test_finished_answers_are_written_on_demand(self):
        worker = self.start()
        data, steward = worker.data(), worker.steward()
        slow = self.settings.get("threads", 1)
        data.send((1, 1, 0, self.head("/fast"), b""),
                  *[(1, n, 0, self.head("/slow", 1), b"") for n in range(2, slow + 2)])
        begun = time.monotonic()
        time.sleep(0.1)
        steward.send((10, False))
        self.assertEqual(steward.receive(), (9, []))
        self.assertEqual(data.receive()[1], 1)
        self.assertLess(time.monotonic() - begun, 0.8)

    def test_each_edge_gets_its_own_ids(self):
        worker = self.start()
        first, second = worker.data(0), worker.data(5)
        first_steward, second_steward = worker.steward(0), worker.steward(5)
        slow = self.settings.get("threads", 1)
        first.send(*[(1, n, 0, self.head("/slow", 1), b"") for n in range(1, slow + 1)])
        time.sleep(0.2)
        first.send((1, 50, 0, self.head("/a"), b""))
        second.send((1, 7, 0, self.head("/b"), b""), (1, 8, 0, self.head("/c"), b""))
        second_steward.send((10, True))
        self.assertEqual(second_steward.receive(), (9, [7, 8]))
        self.assertEqual(first_steward.receive(), (9, [50]))
        self.assertEqual(worker.state()[1][0], slow)
        self.assertEqual(worker.state()[1][5], 0)

    def test_every_request_is_executed_or_returned_never_both(self):
        worker = self.start()
        seed = random.randrange(1 << 30)
        chance = random.Random(seed)
        links = [(worker.data(n), worker.steward(n)) for n in range(2)]
        total = 3000
        answered, returned = [set(), set()], [set(), set()]
        errors = []

        def read(number, link, taken):
            while len(answered[number]) + len(returned[number]) < total:
                frame = link.receive()
                if frame is None:
                    return
                if taken:
                    if returned[number] & set(frame[1]) or len(set(frame[1])) != len(frame[1]):
                        errors.append("returned twice")
                    returned[number].update(frame[1])
                else:
                    if frame[1] in answered[number]:
                        errors.append("answered twice")
                    answered[number].add(frame[1])

        threads = [threading.Thread(target=read, args=(number, link[taken], taken), daemon=True)
                   for number, link in enumerate(links) for taken in (0, 1)]
        for thread in threads:
            thread.start()
        sent = [0, 0]
        while min(sent) < total:
            number = chance.randrange(2)
            data, steward = links[number]
            count = min(chance.choice((1, 3, 20, 64)), total - sent[number])
            data.send(*[(1, id, 0, self.head("/%d-%d" % (number, id), chance.choice((0, 0, 0, 0, 0, 0.0005))), b"")
                        for id in range(sent[number] + 1, sent[number] + count + 1)])
            sent[number] += count
            if chance.random() < 0.6:
                links[chance.randrange(2)][1].send((10, chance.random() < 0.8))
            if chance.random() < 0.3:
                time.sleep(chance.random() * 0.004)
        until = time.monotonic() + 15
        while time.monotonic() < until and any(
                len(answered[n]) + len(returned[n]) < total for n in range(2)) and not errors:
            time.sleep(0.01)
        for number in range(2):
            with self.subTest(seed=seed, edge=number):
                executed = [int(line.split("-")[1]) for line in self.executed() if line.startswith("%d-" % number)]
                self.assertEqual(errors, [])
                self.assertEqual(len(executed), len(set(executed)))
                self.assertEqual(set(executed), answered[number])
                self.assertFalse(answered[number] & returned[number])
                self.assertEqual(answered[number] | returned[number], set(range(1, total + 1)))
                self.assertTrue(answered[number] and returned[number])
        for data, steward in links:
            data.sock.shutdown(socket.SHUT_RDWR)
            steward.sock.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(5)

    def test_streamed_requests_that_are_taken_back_leave_nothing(self):
        worker = self.start()
        data, steward = worker.data(), worker.steward()
        slow = self.settings.get("threads", 1)
        data.send(*[(1, n, 0, self.head("/slow", 0.5), b"") for n in range(1, slow + 1)])
        time.sleep(0.2)
        data.send((1, 90, 0, self.head("/streamed"), None), (2, 90, b"part", True))
        steward.send((10, True))
        self.assertEqual(steward.receive(), (9, [90]))
        # What was on its way does no harm.
        data.send((2, 90, b"part", True), (3, 90), (1, 91, 0, self.head("/next"), b""))
        ids = sorted(data.receive()[1] for _ in range(slow + 1))
        self.assertEqual(ids, [*range(1, slow + 1), 91])

    def test_a_malformed_frame_ends_its_connection_and_nothing_else(self):
        worker = self.start()
        data, steward, other = worker.data(0), worker.steward(0), worker.data(1)
        data.sock.sendall(b"\x05\0\0\0wrong")
        self.assertIsNone(data.receive())
        steward.send((10, 7))
        self.assertIsNone(steward.receive())
        bad = socket.socket(socket.AF_UNIX)
        bad.connect(worker.start["socket"])
        bad.sendall(b"GET / HTTP/1.1\r\n\r\n")
        bad.settimeout(5)
        self.assertEqual(bad.recv(10), b"")
        bad.close()
        other.send((1, 1, 0, self.head("/x"), b""))
        self.assertEqual(other.receive()[2], b"done")

    def test_an_edge_that_dies_takes_its_queued_requests_with_it(self):
        worker = self.start()
        slow = self.settings.get("threads", 1)
        data = worker.data(3)
        data.send(*[(1, n, 0, self.head("/slow%d" % n, 0.4), b"") for n in range(1, slow + 1)])
        time.sleep(0.1)
        data.send((1, 70, 0, self.head("/queued"), b""))
        if self.app.endswith("asgi"):
            data.send((1, 71, 0, self.head("/queued"), None))
        data.close()
        again = worker.data(3)
        again.send((1, 1, 0, self.head("/again"), b""))
        self.assertEqual(again.receive()[1:3], (1, b"done"))
        self.assertIn("again", self.executed())
        self.assertEqual(worker.process.poll(), None)


class OneEdgeStuck(unittest.TestCase):
    def test_an_edge_that_does_not_read_is_in_nobodys_way(self):
        with edge.Worker("wsgi_cases:app") as worker:
            stuck, data, steward = worker.data(0), worker.data(1), worker.steward(1)
            # More than the socket holds: the application's thread waits for this edge to read.
            stuck.send(*[(1, n, 0, edge.environ("/quarter"), b"") for n in range(1, 5)])
            time.sleep(0.2)
            data.send((1, 1, 0, edge.environ("/hello"), b""))
            begun = time.monotonic()
            steward.send((10, True))
            self.assertEqual(steward.receive(), (9, [1]))
            self.assertLess(time.monotonic() - begun, 0.5)
            self.assertEqual([len(stuck.receive()[2]) for _ in range(4)], [200_000] * 4)


class OneThread(Steward, unittest.TestCase):
    pass


class ThreeThreads(Steward, unittest.TestCase):
    settings = {"threads": 3}


class Asyncio(Steward, unittest.TestCase):
    app = "recorder:asgi"

    def test_answers_that_the_edge_does_not_take_now_are_written_later(self):
        worker = self.start()
        data = worker.data()
        data.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        count = 12_000
        batch = [(1, n, 0, self.head("/x"), b"") for n in range(1, count + 1)]
        while batch:
            data.send(*batch[:200])
            batch = batch[200:]
            select.select([], [data.sock], [], 5)
        self.assertEqual([data.receive()[1] for _ in range(count)], list(range(1, count + 1)))


if __name__ == "__main__":
    unittest.main()
