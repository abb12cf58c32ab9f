#!/usr/bin/env python3
"""No bytes make two readers see two different requests: what is ambiguous is refused and ends the connection, and
the function never hears of what was smuggled behind it."""

import contextlib
import re
import socket

import h1
import kit

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: orders\r\n\r\n"
LAST = b"GET /last HTTP/1.1\r\nHost: orders\r\nConnection: close\r\n\r\n"
FRAMING = ("content-length", "transfer-encoding")

HEAD = b"POST /first HTTP/1.1\r\nHost: orders\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"

# What must be refused, with which word, on both sides alike.
REFUSED = {
    "a length and chunks": (HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "length-and-transfer-encoding"),
    "chunks and a length": (HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400, "length-and-transfer-encoding"),
    "two lengths": (HEAD + b"Content-Length: 0\r\nContent-Length: 40\r\n\r\n", 400, "two-content-lengths"),
    "two lengths in one field": (HEAD + b"Content-Length: 0, 40\r\n\r\n", 400, "two-content-lengths"),
    "a signed length": (HEAD + b"Content-Length: +0\r\n\r\n", 400, "bad-content-length"),
    "a negative length": (HEAD + b"Content-Length: -1\r\n\r\n", 400, "bad-content-length"),
    "a length in hex": (HEAD + b"Content-Length: 0x0\r\n\r\n", 400, "bad-content-length"),
    "a length with a blank inside": (HEAD + b"Content-Length: 0 0\r\n\r\n", 400, "bad-content-length"),
    "an empty length": (HEAD + b"Content-Length:\r\n\r\n", 400, "bad-content-length"),
    "a length over 2^63": (HEAD + b"Content-Length: 18446744073709551616\r\n\r\n", 400, "bad-content-length"),
    "a blank before the colon": (HEAD + b"Content-Length : 0\r\n\r\n", 400, "bad-field-name"),
    "a tab before the colon": (HEAD + b"Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n", 400, "bad-field-name"),
    "a folded field": (HEAD + b"Content-Length: 0\r\n X: y\r\n\r\n", 400, "folded-field"),
    "a folded coding": (HEAD + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400, "folded-field"),
    "a field without a colon": (HEAD + b"Content-Length 0\r\n\r\n", 400, "bad-field-name"),
    "a field without a name": (HEAD + b": x\r\nContent-Length: 0\r\n\r\n", 400, "bad-field-name"),
    "a bare line feed after a field": (HEAD + b"X: y\nContent-Length: 0\r\n\r\n", 400, "bare-line-feed"),
    "a bare carriage return in a field": (HEAD + b"X: y\rContent-Length: 5\r\n\r\n", 400, "bare-carriage-return"),
    "a NUL in a field": (HEAD + b"X: y\x00\r\nContent-Length: 0\r\n\r\n", 400, "control-character"),
    "an unknown coding": (HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501, "unknown-transfer-coding"),
    "chunked twice": (HEAD + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400, "bad-transfer-encoding"),
    "chunked and identity": (HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400, "bad-transfer-encoding"),
    "two codings in two fields": (HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n", 400, "bad-transfer-encoding"),
    "a quoted coding": (HEAD + b"Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", 400, "bad-transfer-encoding"),
    "a coding with a vertical tab": (HEAD + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400, "control-character"),
    "two hosts": (HEAD + b"Host: other\r\nContent-Length: 0\r\n\r\n", 400, "host-twice"),
    "connection names the length": (HEAD + b"Connection: content-length\r\nContent-Length: 40\r\n\r\n", 400, "bad-connection-option"),
    "a chunk size with a sign": (CHUNKED + b"+0\r\n\r\n", 400, "bad-chunk"),
    "a chunk size in 0x": (CHUNKED + b"0x0\r\n\r\n", 400, "bad-chunk"),
    "a chunk size with a blank": (CHUNKED + b"0 \r\n\r\n", 400, "bad-chunk"),
    "a chunk size that overflows": (CHUNKED + b"10000000000000000\r\n\r\n", 400, "chunk-size-overflow"),
    "a bare line feed after a chunk size": (CHUNKED + b"0\n\r\n", 400, "bad-chunk"),
    "a chunk longer than its size": (CHUNKED + b"1\r\nxy\r\n0\r\n\r\n", 400, "bad-chunk"),
    "a bare line feed after a chunk": (CHUNKED + b"1\r\nx\n0\r\n\r\n", 400, "bad-chunk"),
    "a bare carriage return in an extension": (CHUNKED + b"0;a\rb\r\n\r\n", 400, "bad-chunk"),
    "a length among the trailers": (CHUNKED + b"0\r\nContent-Length: 5\r\n\r\n", 400, "bad-trailer"),
    "two blanks in the line": (b"GET  / HTTP/1.1\r\nHost: orders\r\n\r\n", 400, "bad-target"),
    "a tab in the line": (b"GET\t/ HTTP/1.1\r\nHost: orders\r\n\r\n", 400, "bad-request-line"),
    "a bare line feed after the line": (b"GET / HTTP/1.1\nHost: orders\r\n\r\n", 400, "bare-line-feed"),
    "HTTP/0.9": (b"GET /smuggled\r\n", 400, "bad-request-line"),
    "HTTP/1.2": (b"GET / HTTP/1.2\r\nHost: orders\r\n\r\n", 505, "version-not-supported"),
    "a blank before the first field": (b"GET / HTTP/1.1\r\n Host: orders\r\n\r\n", 400, "folded-field"),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400, "host-missing"),
    "a host with a path": (b"GET / HTTP/1.1\r\nHost: orders/x\r\n\r\n", 400, "bad-host"),
    "a target with a blank": (b"GET /a b HTTP/1.1\r\nHost: orders\r\n\r\n", 400, "bad-target"),
    "a target with a control": (b"GET /a\x01 HTTP/1.1\r\nHost: orders\r\n\r\n", 400, "control-character"),
    "another scheme": (b"GET ftp://orders/ HTTP/1.1\r\nHost: orders\r\n\r\n", 400, "bad-target"),
    "a host among the trailers": (CHUNKED + b"2\r\nab\r\n0\r\nHost: evil\r\n\r\n", 400, "bad-trailer"),
    "a coding among the trailers": (CHUNKED + b"2\r\nab\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "bad-trailer"),
    "a bare line feed after the trailers": (CHUNKED + b"2\r\nab\r\n0\r\n\n", 400, "bare-line-feed"),
    "a blank before a chunk's extension": (CHUNKED + b"2 ;a\r\nab\r\n0\r\n\r\n", 400, "bad-chunk"),
    "a bare line feed after a chunk's extension": (CHUNKED + b"2;a\nab\r\n0\r\n\r\n", 400, "bad-chunk"),
    "a chunk's extension with half a string": (CHUNKED + b"2;a=\"\r\nab\r\n0\r\n\r\n", 400, "bad-chunk"),
    "a chunk's extension whose string ends in an escape": (CHUNKED + b"2;a=\"\\\"\r\nab\r\n0\r\n\r\n", 400, "bad-chunk"),
    "the absolute form without a host": (b"GET http://orders/first HTTP/1.1\r\n\r\n", 400, "host-missing"),
    "the absolute form with a user": (b"GET http://evil@orders/first HTTP/1.1\r\nHost: orders\r\n\r\n", 400, "bad-target"),
    "a host with a user": (b"GET /first HTTP/1.1\r\nHost: evil@orders\r\n\r\n", 400, "bad-host"),
    "two hosts in one field": (b"GET /first HTTP/1.1\r\nHost: orders, evil\r\n\r\n", 400, "bad-host"),
    "the same host twice": (b"GET /first HTTP/1.1\r\nHost: orders\r\nHost: orders\r\n\r\n", 400, "host-twice"),
    "chunks in HTTP/1.0": (b"POST /first HTTP/1.0\r\nHost: orders\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", 400, "bad-transfer-encoding"),
    "two empty lines before the line": (b"\r\n\r\nGET /first HTTP/1.1\r\nHost: orders\r\n\r\n", 400, "bad-request-line"),
    "a bare line feed before the line": (b"\nGET /first HTTP/1.1\r\nHost: orders\r\n\r\n", 400, "bare-line-feed"),
    "connection names the host": (b"GET /first HTTP/1.1\r\nHost: orders\r\nConnection: host\r\n\r\n", 400, "bad-connection-option"),
    "an expectation that nobody knows": (HEAD + b"Expect: x\r\nContent-Length: 2\r\n\r\nab", 417, "unknown-expectation"),
    "a method that is no token": (b"G=(T /first HTTP/1.1\r\nHost: orders\r\n\r\n", 400, "bad-method"),
    "a version in small letters": (b"GET /first http/1.1\r\nHost: orders\r\n\r\n", 400, "bad-version"),
    "a fragment": (b"GET /first#x HTTP/1.1\r\nHost: orders\r\n\r\n", 400, "bad-target"),
    "gzip before chunked": (HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", 400, "bad-transfer-encoding"),
    "a coding with a weight": (HEAD + b"Transfer-Encoding: chunked;q=1\r\n\r\n2\r\nab\r\n0\r\n\r\n", 400, "bad-transfer-encoding"),
    "an empty coding and a length": (HEAD + b"Transfer-Encoding:\r\nContent-Length: 2\r\n\r\nab", 400, "length-and-transfer-encoding"),
    "an empty coding before chunked": (HEAD + b"Transfer-Encoding: ,chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", 400, "bad-transfer-encoding"),
    "CONNECT with a body": (b"CONNECT orders:80 HTTP/1.1\r\nHost: orders\r\nContent-Length: 2\r\n\r\nab", 400, "connect-with-body"),
    "the preface of HTTP/2 cut short": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n", 505, "version-not-supported"),
}

# What can be read in one way alone: the first line that the function sees, its host, body and framing.
PASSED = {
    "nothing odd": (HEAD + b"Content-Length: 2\r\n\r\nab", "POST /first", b"ab", "content-length: 2"),
    "the same length twice": (HEAD + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nab", "POST /first", b"ab", "content-length: 2"),
    "the same length twice in one field": (HEAD + b"Content-Length: 2, 2\r\n\r\nab", "POST /first", b"ab", "content-length: 2"),
    "a length with zeros before it": (HEAD + b"Content-Length: 0002\r\n\r\nab", "POST /first", b"ab", "content-length: 2"),
    "blanks around a length": (HEAD + b"Content-Length: \t 2 \t\r\n\r\nab", "POST /first", b"ab", "content-length: 2"),
    "chunked in capitals": (HEAD + b"Transfer-Encoding: CHUNKED\r\n\r\n2\r\nab\r\n0\r\n\r\n", "POST /first", b"ab", "transfer-encoding: chunked"),
    "extensions of chunks": (CHUNKED + b"2;a=b;c=\"d\\\";\\\\\"\r\nab\r\n0;x\r\n\r\n", "POST /first", b"ab", "transfer-encoding: chunked"),
    "chunk sizes with zeros before them": (CHUNKED + b"00000002\r\nab\r\n000\r\n\r\n", "POST /first", b"ab", "transfer-encoding: chunked"),
    "connection names the coding": (HEAD + b"Connection: transfer-encoding\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", "POST /first", b"ab", "transfer-encoding: chunked"),
    "the absolute form": (b"GET http://orders/first HTTP/1.1\r\nHost: orders\r\n\r\n", "GET /first", b"", ""),
    "the absolute form, which is stronger than the host": (b"GET http://orders/first HTTP/1.1\r\nHost: evil\r\n\r\n", "GET /first", b"", ""),
    "one empty line before the line": (b"\r\nGET /first HTTP/1.1\r\nHost: orders\r\n\r\n", "GET /first", b"", ""),
    "GET with a body": (b"GET /first HTTP/1.1\r\nHost: orders\r\nContent-Length: 2\r\n\r\nab", "GET /first", b"ab", "content-length: 2"),
    "a field that connection names": (b"GET /first HTTP/1.1\r\nHost: orders\r\nConnection: x-hop\r\nX-Hop: 1\r\n\r\n", "GET /first", b"", ""),
    "an upgrade to h2c, which is passed over": (b"GET /first HTTP/1.1\r\nHost: orders\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n", "GET /first", b"", ""),
    "a path that goes up and down": (b"GET /a/../first HTTP/1.1\r\nHost: orders\r\n\r\n", "GET /first", b"", ""),
    "two slashes": (b"GET //first HTTP/1.1\r\nHost: orders\r\n\r\n", "GET /first", b"", ""),
    "keep-alive in HTTP/1.0": (b"GET /first HTTP/1.0\r\nHost: orders\r\nConnection: keep-alive\r\n\r\n", "GET /first", b"", ""),
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

    def test_what_can_be_read_in_two_ways_is_refused(self):
        """One refusal with its word, then the end; nothing reaches the function, not even what is without blame."""
        for side, address, wrap in self.sides():
            for what, (request, status, word) in REFUSED.items():
                with self.subTest(what=what, side=side):
                    heard = self.answers(address, wrap, request + SMUGGLED)
                    self.assertEqual(re.findall(rb"HTTP/1\.1 (\d+)", heard), [b"%d" % status], heard)
                    self.assertEqual(re.findall(rb"weft-error: (\S+)", heard), [word.encode()], heard)
        self.assertEqual([r.path for r in self.function.seen if "smuggled" in r.first], [])

    def test_what_can_be_read_in_one_way_is_passed_on_in_one_way(self):
        for side, address, wrap in self.sides():
            for what, (request, first, body, framing) in PASSED.items():
                with self.subTest(what=what, side=side):
                    self.function.seen.clear()
                    heard = self.answers(address, wrap, request + LAST)
                    self.assertEqual(re.findall(rb"HTTP/1\.1 (\d+)", heard), [b"200", b"200"], heard)
                    seen = self.function.seen[0]
                    self.assertEqual((seen.first, seen.field("host")), (f"{first} HTTP/1.1", "orders"))
                    frames = [f"{n.lower()}: {v}" for n, v in seen.fields if n.lower() in FRAMING]
                    self.assertEqual((seen.body, frames), (body, [framing] if framing else []))
                    self.assertEqual((seen.field("x-hop"), seen.field("upgrade")), (None, None))

    def test_names_that_a_gateway_would_take_for_ours_are_dropped(self):
        fields = [("X_Forwarded_Client_Cert", "URI=evil"), ("x-forwarded_client-cert", "URI=evil"), ("weft_job", "1")]
        for side, address, wrap in self.sides():
            with self.subTest(side=side):
                self.function.seen.clear()
                answer = h1.ask(address, "GET", "/", "orders", [*fields, ("x_other", "1")], wrap=wrap)
                self.assert_answer(answer, 200)
                names = [n.lower().replace("_", "-") for n, _ in self.function.seen[0].fields]
                self.assertEqual((names.count("x-forwarded-client-cert"), names.count("weft-job")), (1, 0), names)
                self.assertIn("x-other", names)

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
