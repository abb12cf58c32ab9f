#!/usr/bin/env python3
"""Every frame that HTTP/2 and HPACK forbid is answered as their RFCs say, on both sides of a sidecar, and what
they allow is served."""

import signal

import h2
import kit
from h2 import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    PADDED,
    PING,
    PRIORITIZED,
    PRIORITY,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    fields,
    frame,
    request,
    setting,
)

WHOLE = END_STREAM | END_HEADERS
PROTOCOL = {"goaway PROTOCOL_ERROR", "closed"}
STREAM_PROTOCOL = PROTOCOL | {"reset PROTOCOL_ERROR"}
CLOSED = {"goaway STREAM_CLOSED", "reset STREAM_CLOSED", "closed"}
SIZE = {"goaway FRAME_SIZE_ERROR", "closed"}
FLOW = {"goaway FLOW_CONTROL_ERROR", "closed"}
COMPRESSION = {"goaway COMPRESSION_ERROR", "closed"}
ANSWER = {"answer"}


def get(stream=1, flags=WHOLE, more=(), **pseudo):
    return frame(HEADERS, flags, stream, request(more=more, **pseudo))


def bare(stream, *pairs):
    return frame(HEADERS, WHOLE, stream, fields(*pairs))


POST = frame(HEADERS, END_HEADERS, 1, request("POST"))
METHOD, SCHEME, PATH, AUTHORITY = (
    (":method", "GET"),
    (":scheme", "http"),
    (":path", "/"),
    (":authority", "orders"),
)

# what is said after the preface and SETTINGS: what may follow
CASES = {
    # RFC 9113 section 3 and 4
    "a request": ([get()], ANSWER),
    "a frame of an unknown kind": ([frame(0x16, 0, 0, b"x" * 8), frame(PING, 0, 0, b"12345678")], {"pong"}),
    "unknown flags on PING": ([frame(PING, 0x16, 0, b"12345678")], {"pong"}),
    "the reserved bit": ([frame(PING, 0, 0x80000000, b"12345678")], {"pong"}),
    "a head of the largest frame": (
        [frame(HEADERS, WHOLE, 1, request() + b"".join(fields(("x", "y" * 120)) for _ in range(60)))],
        ANSWER,
    ),
    "DATA larger than was agreed": ([POST, frame(DATA, END_STREAM, 1, b"x" * 16385)], SIZE | {"reset FRAME_SIZE_ERROR"}),
    "HEADERS larger than was agreed": ([frame(HEADERS, WHOLE, 1, request() + b"\x00" * 16385)], SIZE),
    "a field section that does not end": ([frame(HEADERS, END_STREAM, 1, request()), get(3)], PROTOCOL),
    "another frame inside of a field section": (
        [frame(HEADERS, END_STREAM, 1, request()), frame(PRIORITY, 0, 1, b"\0\0\0\0\x10")],
        PROTOCOL,
    ),
    "an unknown frame inside of a field section": (
        [frame(HEADERS, END_STREAM, 1, request()), frame(0x16, 0, 0, b"x")],
        PROTOCOL,
    ),
    # section 5.1: idle
    "DATA on an idle stream": ([frame(DATA, END_STREAM, 1, b"x")], PROTOCOL | {"goaway STREAM_CLOSED"}),
    "RST_STREAM on an idle stream": ([frame(RST_STREAM, 0, 1, b"\0\0\0\x08")], PROTOCOL),
    "WINDOW_UPDATE on an idle stream": ([frame(WINDOW_UPDATE, 0, 1, b"\0\0\0\x64")], PROTOCOL),
    "CONTINUATION on an idle stream": ([frame(CONTINUATION, END_HEADERS, 1, request())], PROTOCOL),
    # half-closed (remote)
    "DATA after the end": ([get(), frame(DATA, END_STREAM, 1, b"x")], CLOSED),
    "HEADERS after the end": ([get(), get()], CLOSED),
    "CONTINUATION after the end": ([get(), frame(CONTINUATION, END_HEADERS, 1, b"")], CLOSED | PROTOCOL),
    # closed
    "DATA after a reset": ([POST, frame(RST_STREAM, 0, 1, b"\0\0\0\x08"), frame(DATA, END_STREAM, 1, b"x")], CLOSED),
    "HEADERS after a reset": ([POST, frame(RST_STREAM, 0, 1, b"\0\0\0\x08"), get()], CLOSED),
    "PRIORITY on a closed stream": (
        [get(), frame(PRIORITY, 0, 1, b"\0\0\0\0\x10"), frame(PING, 0, 0, b"12345678")],
        ANSWER | {"pong"},
    ),
    # 5.1.1, 5.1.2
    "an even stream": ([get(2)], PROTOCOL),
    "a stream below another": ([get(5), get(3)], PROTOCOL),
    # 5.3 of RFC 7540
    "HEADERS that depend on their own stream": (
        [frame(HEADERS, WHOLE | PRIORITIZED, 1, b"\0\0\0\x01\x10" + request())],
        STREAM_PROTOCOL,
    ),
    "PRIORITY that depends on its own stream": ([frame(PRIORITY, 0, 1, b"\0\0\0\x01\x10")], STREAM_PROTOCOL),
    # section 6.1 to 6.3
    "DATA on the connection": ([frame(DATA, 0, 0, b"x")], PROTOCOL),
    "DATA padded beyond its end": ([POST, frame(DATA, PADDED | END_STREAM, 1, b"\x09abc")], PROTOCOL),
    "DATA with padding": ([POST, frame(DATA, PADDED | END_STREAM, 1, b"\x02abc\0\0")], ANSWER),
    "HEADERS on the connection": ([get(0)], PROTOCOL),
    "HEADERS padded beyond their end": ([frame(HEADERS, WHOLE | PADDED, 1, b"\xff" + request())], PROTOCOL),
    "HEADERS with padding and priority": (
        [frame(HEADERS, WHOLE | PADDED | PRIORITIZED, 1, b"\x03\0\0\0\0\x10" + request() + b"\0\0\0")],
        ANSWER,
    ),
    "PRIORITY on the connection": ([frame(PRIORITY, 0, 0, b"\0\0\0\x01\x10")], PROTOCOL),
    "PRIORITY that is too short": ([frame(PRIORITY, 0, 1, b"\0\0\0\x02")], SIZE | {"reset FRAME_SIZE_ERROR"}),
    # 6.4
    "RST_STREAM on the connection": ([frame(RST_STREAM, 0, 0, b"\0\0\0\x08")], PROTOCOL),
    "RST_STREAM that is too short": ([POST, frame(RST_STREAM, 0, 1, b"\0\0\x08")], SIZE),
    # 6.5
    "SETTINGS on a stream": ([frame(SETTINGS, 0, 1, setting(3, 100))], PROTOCOL),
    "SETTINGS with an odd size": ([frame(SETTINGS, 0, 0, b"\0\x03\0")], SIZE),
    "SETTINGS ACK with a payload": ([frame(SETTINGS, ACK, 0, setting(3, 100))], SIZE),
    "ENABLE_PUSH of 2": ([frame(SETTINGS, 0, 0, setting(2, 2))], PROTOCOL),
    "INITIAL_WINDOW_SIZE over the most": ([frame(SETTINGS, 0, 0, setting(4, 1 << 31))], FLOW),
    "MAX_FRAME_SIZE under the least": ([frame(SETTINGS, 0, 0, setting(5, 16383))], PROTOCOL),
    "MAX_FRAME_SIZE over the most": ([frame(SETTINGS, 0, 0, setting(5, 1 << 24))], PROTOCOL),
    "an unknown setting": ([frame(SETTINGS, 0, 0, setting(0xFF, 1)), frame(PING, 0, 0, b"12345678")], {"pong"}),
    # 6.6: no client pushes
    "PUSH_PROMISE": ([get(flags=END_HEADERS), frame(PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\x02" + request())], PROTOCOL),
    # 6.7
    "PING": ([frame(PING, 0, 0, b"12345678")], {"pong"}),
    "PING ACK": ([frame(PING, ACK, 0, b"invalid!"), frame(PING, 0, 0, b"12345678")], {"pong"}),
    "PING on a stream": ([frame(PING, 0, 1, b"12345678")], PROTOCOL),
    "PING that is too short": ([frame(PING, 0, 0, b"1234567")], SIZE),
    # 6.8
    "GOAWAY on a stream": ([frame(GOAWAY, 0, 1, b"\0\0\0\0\0\0\0\0")], PROTOCOL),
    # 6.9
    "a window of nothing for the connection": ([frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\0")], PROTOCOL),
    "a window of nothing for a stream": ([POST, frame(WINDOW_UPDATE, 0, 1, b"\0\0\0\0")], STREAM_PROTOCOL),
    "WINDOW_UPDATE that is too short": ([frame(WINDOW_UPDATE, 0, 0, b"\0\0\x01")], SIZE),
    "a window of the connection over the most": ([frame(WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff")] * 2, FLOW),
    "a window of a stream over the most": (
        [POST] + [frame(WINDOW_UPDATE, 0, 1, b"\x7f\xff\xff\xff")] * 2,
        FLOW | {"reset FLOW_CONTROL_ERROR"},
    ),
    # 6.10
    "CONTINUATION on the connection": (
        [frame(HEADERS, END_STREAM, 1, request()), frame(CONTINUATION, END_HEADERS, 0, b"")],
        PROTOCOL,
    ),
    "CONTINUATION after the section's end": (
        [get(flags=END_HEADERS), frame(CONTINUATION, END_HEADERS, 1, b"")],
        PROTOCOL,
    ),
    "CONTINUATION after DATA": (
        [POST, frame(DATA, 0, 1, b"x"), frame(CONTINUATION, END_HEADERS, 1, b"")],
        PROTOCOL,
    ),
    "a head in three pieces": (
        [
            frame(HEADERS, END_STREAM, 1, request()[:5]),
            frame(CONTINUATION, 0, 1, request()[5:20]),
            frame(CONTINUATION, END_HEADERS, 1, request()[20:]),
        ],
        ANSWER,
    ),
    # section 8
    "a second head without END_STREAM": (
        [POST, frame(HEADERS, END_HEADERS, 1, fields(("x", "y")))],
        STREAM_PROTOCOL,
    ),
    "a field with an upper-case name": ([get(more=[("X-TEST", "ok")])], STREAM_PROTOCOL),
    "an unknown pseudo field": ([get(more=[(":test", "ok")])], STREAM_PROTOCOL),
    "a pseudo field of responses": ([get(more=[(":status", "200")])], STREAM_PROTOCOL),
    "a pseudo field in trailers": (
        [POST, frame(HEADERS, WHOLE, 1, fields((":method", "GET")))],
        STREAM_PROTOCOL,
    ),
    "a pseudo field after a field": ([bare(1, METHOD, SCHEME, ("x", "y"), PATH)], STREAM_PROTOCOL),
    "connection": ([get(more=[("connection", "keep-alive")])], STREAM_PROTOCOL),
    "te other than trailers": ([get(more=[("te", "trailers, deflate;q=0.5")])], STREAM_PROTOCOL),
    "an empty path": ([bare(1, METHOD, SCHEME, (":path", ""), AUTHORITY)], STREAM_PROTOCOL),
    "no method": ([bare(1, SCHEME, PATH, AUTHORITY)], STREAM_PROTOCOL),
    "no scheme": ([bare(1, METHOD, PATH, AUTHORITY)], STREAM_PROTOCOL),
    "no path": ([bare(1, METHOD, SCHEME, AUTHORITY)], STREAM_PROTOCOL),
    "two methods": ([bare(1, METHOD, METHOD, SCHEME, PATH)], STREAM_PROTOCOL),
    "two schemes": ([bare(1, METHOD, SCHEME, SCHEME, PATH)], STREAM_PROTOCOL),
    "two paths": ([bare(1, METHOD, SCHEME, PATH, PATH)], STREAM_PROTOCOL),
    "less DATA than content-length": (
        [frame(HEADERS, END_HEADERS, 1, request("POST", more=[("content-length", "9")])), frame(DATA, 1, 1, b"x")],
        STREAM_PROTOCOL,
    ),
    "more DATA than content-length": (
        [
            frame(HEADERS, END_HEADERS, 1, request("POST", more=[("content-length", "1")])),
            frame(DATA, 0, 1, b"x"),
            frame(DATA, END_STREAM, 1, b"y"),
        ],
        STREAM_PROTOCOL,
    ),
    "a line end in a value": ([get(more=[("x", "a\r\nb: c")])], STREAM_PROTOCOL),
    "a name with a colon": ([get(more=[("x:y", "z")])], STREAM_PROTOCOL),
    "a host that is not the authority": ([get(more=[("host", "other")])], STREAM_PROTOCOL | ANSWER),
    # RFC 7541
    "an index that is nowhere": ([frame(HEADERS, WHOLE, 1, request() + b"\xc6")], COMPRESSION),
    "index 0": ([frame(HEADERS, WHOLE, 1, request() + b"\x80")], COMPRESSION),
    "a table larger than was agreed": ([frame(HEADERS, WHOLE, 1, b"\x3f\xe2\xff\x03" + request())], COMPRESSION),
    "a change of the table in the middle": ([frame(HEADERS, WHOLE, 1, request() + b"\x20")], COMPRESSION),
    "Huffman padding of more than 7 bits": (
        [frame(HEADERS, WHOLE, 1, request() + b"\x00\x85\xf2\xb2\x4a\x84\xff\x84\x49\x50\x9f\xff")],
        COMPRESSION,
    ),
    "Huffman padding of zeros": (
        [frame(HEADERS, WHOLE, 1, request() + b"\x00\x85\xf2\xb2\x4a\x84\xff\x83\x49\x50\x90")],
        COMPRESSION,
    ),
    "Huffman's end of string": (
        [frame(HEADERS, WHOLE, 1, request() + b"\x00\x85\xf2\xb2\x4a\x84\xff\x86\x49\x50\x93\xff\xff\xff")],
        COMPRESSION,
    ),
    "a number that does not end": ([frame(HEADERS, WHOLE, 1, b"\xff" + b"\x80" * 20)], COMPRESSION),
    "half a field": ([frame(HEADERS, WHOLE, 1, request() + b"\x00\x05ab")], COMPRESSION),
}


class Frames(kit.Story):
    @classmethod
    def setUpClass(cls):
        cls.home = kit.Place()
        cls.addClassCleanup(cls.home.close)
        function = cls.home.function()
        cls.orders = cls.home.provider("orders", function).start()
        cls.local = kit.free_address()
        service = {"endpoints": [cls.orders.inbound], "identity": kit.spiffe("orders"), "local": cls.local}
        cls.web = cls.home.sidecar("web", outbound={"listen": kit.free_address()}, services={"orders": service})
        cls.web.start()

    def clients(self, **how):
        """One on each side: plain from the function, mTLS from a neighbour."""
        yield "local", h2.Client(self.local, **how)
        yield "inbound", h2.Client(self.orders.inbound, self.home.tls("web", "h2"), **how)

    def check_alive(self):
        self.assertTrue(self.web.is_running() and self.orders.is_running())
        self.assertEqual(self.home.reports(), [])

    def test_the_catalogue(self):
        for what, (frames, allowed) in CASES.items():
            for side, client in self.clients():
                with self.subTest(what=what, side=side), client:
                    client.wait(SETTINGS)
                    client.say(*frames)
                    got = client.verdict(2)
                    self.assertIn(got, allowed)
        self.check_alive()

    def test_other_first_bytes(self):
        for side, client in self.clients(silent=True):
            with self.subTest(side=side), client:
                client.say(b"INVALID CONNECTION PREFACE\r\n\r\n")
                self.assertIn(client.verdict(), {"closed", "goaway PROTOCOL_ERROR"})

    def test_a_frame_other_than_settings_first(self):
        for side, client in self.clients(silent=True):
            with self.subTest(side=side), client:
                client.say(h2.PREFACE, frame(PING, 0, 0, b"12345678"))
                self.assertIn(client.verdict(), {"closed", "goaway PROTOCOL_ERROR"})

    def test_settings_are_acknowledged(self):
        for side, client in self.clients():
            with self.subTest(side=side), client:
                self.assertTrue(client.wait(SETTINGS, flags=ACK))

    def test_a_stream_that_has_ended_stays_so(self):
        for side, client in self.clients():
            with self.subTest(side=side), client:
                client.say(get())
                self.assertEqual(client.verdict(), "answer")
                client.say(frame(HEADERS, WHOLE, 1, request()))
                self.assertIn(client.verdict(2), CLOSED)

    def test_more_streams_than_were_agreed(self):
        for side, client in self.clients():
            with self.subTest(side=side), client:
                client.say(*[frame(HEADERS, END_HEADERS, 2 * i + 1, request("POST")) for i in range(257)])
                self.assertIn(client.verdict(), {"reset REFUSED_STREAM", *PROTOCOL})

    def test_windows_are_kept(self):
        """A window of one byte: a body comes one byte a frame, as it is paid for."""
        for side, client in self.clients(settings=setting(4, 1)):
            with self.subTest(side=side), client:
                client.say(POST, frame(DATA, END_STREAM, 1, b"abc"))
                self.assertEqual(client.wait(DATA)[3], b"a")
                self.assertIsNone(client.next(0.2))
                client.say(frame(WINDOW_UPDATE, 0, 1, b"\0\0\0\x02"))
                self.assertEqual(client.wait(DATA, flags=END_STREAM)[3], b"bc")

    def test_a_window_may_shrink_below_nothing(self):
        for side, client in self.clients(settings=setting(4, 3)):
            with self.subTest(side=side), client:
                client.say(POST, frame(DATA, END_STREAM, 1, b"abcde"))
                self.assertEqual(client.wait(DATA)[3], b"abc")
                client.say(frame(SETTINGS, 0, 0, setting(4, 2)), frame(WINDOW_UPDATE, 0, 1, b"\0\0\0\x02"))
                self.assertEqual(client.wait(DATA)[3], b"d")
                client.say(frame(WINDOW_UPDATE, 0, 1, b"\0\0\0\x02"))
                self.assertEqual(client.wait(DATA, flags=END_STREAM)[3], b"e")

    def test_a_body_without_end_stream_may_be_large(self):
        for side, client in self.clients():
            with self.subTest(side=side), client:
                client.say(POST, *[frame(DATA, 0, 1, b"x" * 10000)] * 6, frame(DATA, END_STREAM, 1))
                self.assertEqual(client.verdict(), "answer")
                self.assertEqual(sum(len(f[3]) for f in client.heard if f[0] == DATA), 60000)


class Early(kit.Story):
    """A function may answer in whole before it has heard the whole request (RFC 9113 section 8.1)."""

    def begin(self, window):
        def answer(connection, kind, flags, stream, payload):
            if kind == HEADERS:
                head = h2.fields((":status", "200"), ("content-type", "application/grpc"))
                last = h2.fields(("grpc-status", "2"))
                connection.say(frame(HEADERS, END_HEADERS, stream, head), frame(HEADERS, WHOLE, stream, last))

        self.function = h2.Server(answer, settings=setting(4, window))
        self.addCleanup(self.function.stop)
        inbound = {"listen": kit.free_address(), "app": f"h2c://{self.function.address}"}
        self.orders = self.place.sidecar("orders", inbound=inbound).start()
        self.web = self.place.caller("web", [self.orders]).start()

    def in_flight(self):
        return [s.metric("weft_requests_in_flight") for s in (self.web, self.orders)]

    def test_whatever_the_caller_does_then_it_is_over(self):
        self.begin(65535)
        ends = {"ends": frame(DATA, END_STREAM, 1), "resets": frame(h2.RST_STREAM, 0, 1, b"\0\0\0\x08"), "leaves": b""}
        for what, rest in ends.items():
            with self.subTest(what=what):
                with h2.Client(self.web.outbound) as client:
                    client.say(POST, frame(DATA, 0, 1, b"half"))
                    self.assertTrue(client.wait(HEADERS, flags=END_STREAM))
                    client.say(rest)
                kit.wait_until("it is over", lambda: self.in_flight() == [0, 0])

    def test_a_function_that_takes_no_body_keeps_no_sidecar_from_ending(self):
        self.begin(0)
        with h2.Client(self.web.outbound) as client:
            client.say(POST, frame(DATA, END_STREAM, 1, b"all"))
            self.assertTrue(client.wait(HEADERS, flags=END_STREAM))
        for sidecar in (self.orders, self.web):
            sidecar.signal(signal.SIGTERM)
            self.assertEqual(sidecar.wait(), 0)


if __name__ == "__main__":
    kit.main()
