#!/usr/bin/env python3
"""No bytes make two readers see two different requests: what is ambiguous is refused and ends the connection, and
the function never hears of what was smuggled behind it."""

import contextlib
import socket

import h1
import kit

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: orders\r\n\r\n"

# how the head goes on after "POST /first HTTP/1.1\r\nHost: orders\r\n", and the body; each must be refused
REFUSED = {
    "a length and chunks": (b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", b"0\r\n\r\n"),
    "chunks and a length": (b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", b"0\r\n\r\n"),
    "two lengths": (b"Content-Length: 0\r\nContent-Length: 40\r\n\r\n", b""),
    "two lengths in one field": (b"Content-Length: 0, 40\r\n\r\n", b""),
    "a signed length": (b"Content-Length: +0\r\n\r\n", b""),
    "a negative length": (b"Content-Length: -1\r\n\r\n", b""),
    "a length in hex": (b"Content-Length: 0x0\r\n\r\n", b""),
    "a length with a blank inside": (b"Content-Length: 0 0\r\n\r\n", b""),
    "an empty length": (b"Content-Length:\r\n\r\n", b""),
    "a length over 2^63": (b"Content-Length: 18446744073709551616\r\n\r\n", b""),
    "a blank before the colon": (b"Content-Length : 0\r\n\r\n", b""),
    "a tab before the colon": (b"Transfer-Encoding\t: chunked\r\n\r\n", b"0\r\n\r\n"),
    "a folded field": (b"Content-Length: 0\r\n X: y\r\n\r\n", b""),
    "a folded coding": (b"Transfer-Encoding:\r\n chunked\r\n\r\n", b"0\r\n\r\n"),
    "a field without a colon": (b"Content-Length 0\r\n\r\n", b""),
    "a field without a name": (b": x\r\nContent-Length: 0\r\n\r\n", b""),
    "a bare line feed after a field": (b"X: y\nContent-Length: 0\r\n\r\n", b""),
    "a bare carriage return in a field": (b"X: y\rContent-Length: 5\r\n\r\n", b""),
    "a NUL in a field": (b"X: y\0\r\nContent-Length: 0\r\n\r\n", b""),
    "an unknown coding": (b"Transfer-Encoding: xchunked\r\n\r\n", b"0\r\n\r\n"),
    "chunked twice": (b"Transfer-Encoding: chunked, chunked\r\n\r\n", b"0\r\n\r\n"),
    "chunked and identity": (b"Transfer-Encoding: chunked, identity\r\n\r\n", b"0\r\n\r\n"),
    "two codings in two fields": (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n", b"0\r\n\r\n"),
    "a quoted coding": (b'Transfer-Encoding: "chunked"\r\n\r\n', b"0\r\n\r\n"),
    "a coding with a vertical tab": (b"Transfer-Encoding: \x0bchunked\r\n\r\n", b"0\r\n\r\n"),
    "two hosts": (b"Host: other\r\nContent-Length: 0\r\n\r\n", b""),
    "connection names the length": (b"Connection: content-length\r\nContent-Length: 40\r\n\r\n", b""),
    "a chunk size with a sign": (b"Transfer-Encoding: chunked\r\n\r\n", b"+0\r\n\r\n"),
    "a chunk size in 0x": (b"Transfer-Encoding: chunked\r\n\r\n", b"0x0\r\n\r\n"),
    "a chunk size with a blank": (b"Transfer-Encoding: chunked\r\n\r\n", b"0 \r\n\r\n"),
    "a chunk size that overflows": (b"Transfer-Encoding: chunked\r\n\r\n", b"10000000000000000\r\n\r\n"),
    "a bare line feed after a chunk size": (b"Transfer-Encoding: chunked\r\n\r\n", b"0\n\r\n"),
    "a chunk longer than its size": (b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nxy\r\n0\r\n\r\n"),
    "a bare line feed after a chunk": (b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\n0\r\n\r\n"),
    "a bare carriage return in an extension": (b"Transfer-Encoding: chunked\r\n\r\n", b"0;a\rb\r\n\r\n"),
    "a length among the trailers": (b"Transfer-Encoding: chunked\r\n\r\n", b"0\r\nContent-Length: 5\r\n\r\n"),
}

LINES = {
    "two blanks in the line": b"GET  / HTTP/1.1\r\nHost: orders\r\n\r\n",
    "a tab in the line": b"GET\t/ HTTP/1.1\r\nHost: orders\r\n\r\n",
    "a bare line feed after the line": b"GET / HTTP/1.1\nHost: orders\r\n\r\n",
    "HTTP/0.9": b"GET /smuggled\r\n",
    "HTTP/1.2": b"GET / HTTP/1.2\r\nHost: orders\r\n\r\n",
    "a blank before the first field": b"GET / HTTP/1.1\r\n Host: orders\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "a host with a path": b"GET / HTTP/1.1\r\nHost: orders/x\r\n\r\n",
    "a target with a blank": b"GET /a b HTTP/1.1\r\nHost: orders\r\n\r\n",
    "a target with a control": b"GET /a\x01 HTTP/1.1\r\nHost: orders\r\n\r\n",
    "another scheme": b"GET ftp://orders/ HTTP/1.1\r\nHost: orders\r\n\r\n",
}


class Desync(kit.Story):
    def setUp(self):
        super().setUp()
        self.function = self.place.function()
        self.orders = self.place.provider("orders", self.function).start()
        self.web = self.place.caller("web", [self.orders], breaker={"failures": 0}).start()

    def sides(self):
        yield "local", self.web.outbound, None
        yield "inbound", self.orders.inbound, self.place.tls("web")

    def answers(self, address, wrap, *pieces):
        """All that comes back until the connection ends."""
        with h1.Caller(address, wrap) as caller:
            with contextlib.suppress(OSError):
                for piece in pieces:
                    caller.socket.sendall(piece)
            heard = b""
            with contextlib.suppress(ConnectionError):
                while more := caller.socket.recv(65536):
                    heard += more
            return heard

    def assert_alone(self, heard):
        """One refusal, then the end."""
        self.assertRegex(heard, rb"\AHTTP/1\.1 (400|417|431|501|505) ")
        self.assertIn(b"weft-error: ", heard)
        self.assertEqual(heard.count(b"HTTP/1.1 "), 1, heard)

    def test_what_can_be_read_in_two_ways_is_refused(self):
        for side, address, wrap in self.sides():
            for what, (head, body) in REFUSED.items():
                with self.subTest(what=what, side=side):
                    first = b"POST /first HTTP/1.1\r\nHost: orders\r\n" + head
                    self.assert_alone(self.answers(address, wrap, first + body + SMUGGLED))
        self.assertEqual([r.path for r in self.function.seen if "smuggled" in r.first], [])

    def test_lines_that_are_none(self):
        for side, address, wrap in self.sides():
            for what, line in LINES.items():
                with self.subTest(what=what, side=side):
                    self.assert_alone(self.answers(address, wrap, line + SMUGGLED))
        self.assertEqual(self.function.seen, [])

    def test_the_answer_of_a_function_that_two_could_read(self):
        for what in (
            b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"X : y\r\nContent-Length: 0\r\n\r\n",
            b"X: y\r\n folded\r\nContent-Length: 0\r\n\r\n",
        ):
            with self.subTest(what=what):
                self.function.answer = lambda r, head=what: b"HTTP/1.1 200 OK\r\n" + head
                try:
                    answer = h1.ask(self.web.outbound, "GET", "/", "orders")
                    self.assertEqual(answer.status, 502)
                    self.assertIn(answer.field("weft-error"), ("bad-answer", "upstream-reset"))
                except h1.Cut:
                    pass  # its head had gone out before its body broke

    def test_more_than_the_function_promised_goes_to_nobody(self):
        self.function.answer = lambda r: h1.reply(200, b"ok") + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
        for _ in range(3):
            self.assert_answer(h1.ask(self.web.outbound, "GET", "/", "orders"), 200, b"ok")

    def test_one_after_the_other_in_one_breath(self):
        pipelined = b"".join(b"GET /%d HTTP/1.1\r\nHost: orders\r\n\r\n" % i for i in range(20))
        last = b"GET /last HTTP/1.1\r\nHost: orders\r\nConnection: close\r\n\r\n"
        heard = self.answers(self.web.outbound, None, pipelined + last)
        self.assertEqual(heard.count(b"HTTP/1.1 200 OK\r\n"), 21)
        self.assertEqual([r.path for r in self.function.seen], [f"/{i}" for i in range(20)] + ["/last"])

    def test_a_caller_that_closes_its_side_is_answered(self):
        with h1.Caller(self.web.outbound) as caller:
            caller.send("POST", "/x", "orders", body=b"hello")
            caller.socket.shutdown(socket.SHUT_WR)
            self.assert_answer(caller.receive(), 200, b"hello")
            self.assertEqual(caller.file.read(), b"")


if __name__ == "__main__":
    kit.main()
