#!/usr/bin/env python3
"""An attacker on one connection is cut off with a reason, costs little processor time and no memory that stays, and a
healthy client beside it is served all the while."""

import contextlib
import os
import pathlib
import socket
import struct
import threading
import time

import h1
import h2
import kit
from h2 import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PING,
    PRIORITY,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    fields,
    frame,
    request,
    setting,
)

WHOLE = END_STREAM | END_HEADERS
CPU = 2.0  # seconds of the sidecar's, for a whole attack, on a machine that is busy
MEMORY = 24 << 20  # bytes that may stay
SANITIZED = 8  # as much again under a sanitizer


def stream_ids():
    return range(1, 1 << 20, 2)


def resets():
    """CVE-2023-44487."""
    for i in stream_ids():
        yield frame(HEADERS, WHOLE, i, request()) + frame(RST_STREAM, 0, i, b"\0\0\0\x08")


def made_resets():
    """CVE-2025-8671: streams that the server must reset itself."""
    for i in stream_ids():
        yield frame(HEADERS, END_HEADERS, i, request("POST")) + frame(WINDOW_UPDATE, 0, i, b"\0\0\0\0")


def repeated(one):
    def flood():
        while True:
            yield one

    return flood


def empty_data():
    yield frame(HEADERS, END_HEADERS, 1, request("POST"))
    while True:
        yield frame(DATA, 0, 1)


def padded_nothing():
    yield frame(HEADERS, END_HEADERS, 1, request("POST"))
    while True:
        yield frame(DATA, h2.PADDED, 1, b"\x00")


def continuations():
    """CVE-2024-28182."""
    yield frame(HEADERS, END_STREAM, 1, request())
    while True:
        yield frame(CONTINUATION, 0, 1, fields(("x", "y" * 100)))


def bombs():
    """A field of 4 KB that goes into the table once and comes out of it a thousand times a head."""
    big = b"\x40" + h2.text("x") + b"\x7f" + bytes([0x80 | ((3900 - 127) & 0x7F), (3900 - 127) >> 7]) + b"a" * 3900
    yield frame(HEADERS, WHOLE, 1, request() + big)
    for i in stream_ids():
        if i > 1:
            yield frame(HEADERS, WHOLE, i, request() + b"\xbe" * 1000)


def crumbs():
    """CVE-2026-47774: cookies that were counted only once they were joined."""
    for i in stream_ids():
        yield frame(HEADERS, WHOLE, i, request() + fields(("cookie", "a=b")) * 900)


FLOODS = {
    "rapid resets": resets,
    "resets that were provoked": made_resets,
    "settings": repeated(frame(SETTINGS, 0, 0, setting(4, 65535))),
    "pings": repeated(frame(PING, 0, 0, b"12345678")),
    "priorities": repeated(frame(PRIORITY, 0, 1, b"\0\0\0\0\x10")),
    "windows": repeated(frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\x01")),
    "empty data": empty_data,
    "padded nothing": padded_nothing,
    "continuations": continuations,
}
BOUNDED = {"header bombs": bombs, "cookie crumbs": crumbs}


class Attack(kit.Story):
    def setUp(self):
        super().setUp()
        self.function = self.place.function()
        self.orders = self.place.provider("orders", self.function).start()
        local = kit.free_address()
        service = {"endpoints": [self.orders.inbound], "identity": kit.spiffe("orders"), "local": local}
        self.web = self.place.sidecar("web", outbound={"listen": kit.free_address()}, services={"orders": service})
        self.web.start()
        self.local = local
        self.scale = SANITIZED if b"__asan" in pathlib.Path(self.web.command[0]).read_bytes() else 1

    def sides(self):
        yield "local", self.web, self.local, None
        yield "inbound", self.orders, self.orders.inbound, self.place.tls("web", "h2")

    def cost(self, sidecar):
        """Processor seconds and resident bytes so far."""
        stat = pathlib.Path(f"/proc/{sidecar.child.pid}/stat").read_text().rpartition(")")[2].split()
        ticks = os.sysconf("SC_CLK_TCK")
        return (int(stat[11]) + int(stat[12])) / ticks, int(stat[21]) * os.sysconf("SC_PAGE_SIZE")

    @contextlib.contextmanager
    def healthy(self):
        """A caller beside the attack: every answer must come, and soon."""
        stop, slow, bad, count = threading.Event(), [], [], [0]

        def call():
            try:
                with h1.Caller(self.web.outbound) as caller:
                    while not stop.is_set():
                        began = time.monotonic()
                        answer = caller.ask("GET", "/healthy", "orders")
                        count[0] += 1
                        if answer.status != 200:
                            bad.append(answer.first)
                        if time.monotonic() - began > 2 * self.scale:
                            slow.append(time.monotonic() - began)
                        time.sleep(0.005)
            except Exception as error:  # whatever it is, the story must hear of it
                bad.append(repr(error))

        thread = threading.Thread(target=call)
        thread.start()
        kit.wait_until("the healthy caller is served", lambda: count[0] > 2 or bad)
        yield
        after = count[0]
        kit.wait_until("it is served after the attack, too", lambda: count[0] > after + 2 or bad)
        stop.set()
        thread.join()
        self.assertEqual((slow, bad), ([], []))

    @contextlib.contextmanager
    def cheap(self, sidecar):
        cpu, memory = self.cost(sidecar)
        yield
        cpu_after, memory_after = self.cost(sidecar)
        self.assertLess(cpu_after - cpu, CPU * self.scale)
        self.assertLess(memory_after - memory, MEMORY * self.scale)

    def attack(self, client, flood, seconds):
        """Until it is cut off or the time is over; what it was told meanwhile is read."""
        end = time.monotonic() + seconds
        frames = flood()
        client.wait(SETTINGS)
        while not client.ended and time.monotonic() < end:
            client.say(*[f for f, _ in zip(frames, range(200))])
            with contextlib.suppress(BlockingIOError):
                client.next(0.0005)

    def test_floods_are_cut_off_with_a_reason(self):
        for side, sidecar, address, wrap in self.sides():
            for what, flood in FLOODS.items():
                with self.subTest(what=what, side=side), self.healthy(), self.cheap(sidecar):
                    with h2.Client(address, wrap) as client:
                        self.attack(client, flood, 10 * self.scale)
                        said = [h2.CODES[int.from_bytes(f[3][4:8], "big")] for f in client.heard if f[0] == h2.GOAWAY]
                        said += [client.verdict(1)]
                        self.assertTrue(client.ended or "goaway" in said[-1], f"still there: {said}")

    def test_heads_that_grow_cost_no_more_than_they_are(self):
        for side, sidecar, address, wrap in self.sides():
            for what, flood in BOUNDED.items():
                with self.subTest(what=what, side=side), self.healthy(), self.cheap(sidecar):
                    with h2.Client(address, wrap) as client:
                        self.attack(client, flood, 1)

    def test_heads_that_never_end_are_cut_off(self):
        """Slow heads on many connections: each waits for ten seconds, and no longer."""
        with self.healthy(), self.cheap(self.web):
            host, _, port = self.web.outbound.rpartition(":")
            slow = [socket.create_connection((host, int(port)), timeout=30) for _ in range(100)]
            for connection in slow:
                connection.sendall(b"GET / HTTP/1.1\r\nHost: orders\r\nX: ")
            began = time.monotonic()
            for connection in slow:
                self.assertIn(b" 408 ", connection.recv(1000))
                connection.close()
            self.assertTrue(8 < time.monotonic() - began < 20)

    def test_windows_that_stay_shut_hold_little(self):
        """A hundred answers of a megabyte that nobody takes: what is held is bounded, and goes with the connection."""
        self.function.answer = lambda r: h1.reply(200, b"x" * (1 << 20) if r.path == "/big" else b"ok")
        with self.healthy():
            before = self.cost(self.web)[1]
            with h2.Client(self.local, settings=setting(4, 0)) as client:
                client.say(*[frame(HEADERS, WHOLE, 2 * i + 1, request(path="/big")) for i in range(100)])
                time.sleep(1)
                self.assertLess(self.cost(self.web)[1] - before, 100 * (600 << 10) * self.scale)
            kit.wait_until("they are let go", lambda: self.web.metric("weft_requests_in_flight") <= 1)

    def test_connections_that_say_nothing(self):
        with self.healthy(), self.cheap(self.web):
            host, _, port = self.web.outbound.rpartition(":")
            idle = [socket.create_connection((host, int(port)), timeout=30) for _ in range(500)]
            time.sleep(0.5)
            for connection in idle:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()


if __name__ == "__main__":
    kit.main()
