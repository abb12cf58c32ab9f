"""HTTP/2 frame by frame, for stories: a client that says what no library would, and sees what comes back.

Field sections are literal and never indexed, so every byte is in plain sight; what the other side compresses
is only looked at where its fields do not matter.
"""

import contextlib
import socket
import struct
import threading

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITIZED = 0x1, 0x1, 0x4, 0x8, 0x20
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
CODES = [
    "NO_ERROR",
    "PROTOCOL_ERROR",
    "INTERNAL_ERROR",
    "FLOW_CONTROL_ERROR",
    "SETTINGS_TIMEOUT",
    "STREAM_CLOSED",
    "FRAME_SIZE_ERROR",
    "REFUSED_STREAM",
    "CANCEL",
    "COMPRESSION_ERROR",
    "CONNECT_ERROR",
    "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY",
    "HTTP_1_1_REQUIRED",
]


def frame(kind, flags=0, stream=0, payload=b"", length=None):
    size = len(payload) if length is None else length
    return struct.pack(">I", size)[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def text(value):
    value = value.encode("latin-1") if isinstance(value, str) else value
    assert len(value) < 127
    return bytes([len(value)]) + value


def fields(*pairs):
    """A field section of literals that are not indexed (RFC 7541 section 6.2.2)."""
    return b"".join(b"\x00" + text(name) + text(value) for name, value in pairs)


def request(method="GET", path="/", scheme="http", authority="orders", more=()):
    pseudo = [(":method", method), (":scheme", scheme), (":path", path), (":authority", authority)]
    return fields(*pseudo, *more)


def setting(number, value):
    return struct.pack(">HI", number, value)


class Server:
    """A function that speaks HTTP/2: `answer(connection, kind, flags, stream, payload)` for every frame it hears."""

    def __init__(self, answer, settings=b""):
        self.answer, self.settings, self.heard = answer, settings, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=(near,), daemon=True).start()

    def serve(self, near):
        connection = Client.__new__(Client)
        connection.socket, connection.heard, connection.ended, connection.waiting = near, [], False, b""
        with contextlib.suppress(OSError):
            near.settimeout(20)
            if near.recv(len(PREFACE), socket.MSG_WAITALL) != PREFACE:
                return
            connection.say(frame(SETTINGS, 0, 0, self.settings))
            while found := connection.next(60):
                self.heard.append(found)
                self.answer(connection, *found)

    def stop(self):
        self.listener.close()


class Client:
    """One connection; `wrap` puts TLS around it.  The preface has been said unless `silent`."""

    def __init__(self, address, wrap=None, silent=False, settings=b""):
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=20)
        if wrap:
            self.socket = wrap(self.socket)
        self.heard, self.ended, self.waiting = [], False, b""
        if not silent:
            self.say(PREFACE, frame(SETTINGS, 0, 0, settings))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def say(self, *frames):
        """What the other side no longer takes is its answer, too."""
        try:
            self.socket.sendall(b"".join(frames))
        except OSError:
            self.ended = True

    def next(self, within=5):
        """(kind, flags, stream, payload), or None: it has closed, or says nothing for so long."""
        self.socket.settimeout(within)
        while not self.is_whole():
            try:
                more = self.socket.recv(65536)
            except TimeoutError:
                return None
            except OSError:
                more = b""
            if not more:
                self.ended = True
                return None
            self.waiting += more
        size = int.from_bytes(self.waiting[:3], "big")
        kind, flags = self.waiting[3], self.waiting[4]
        stream = int.from_bytes(self.waiting[5:9], "big") & 0x7FFFFFFF
        payload, self.waiting = self.waiting[9 : 9 + size], self.waiting[9 + size :]
        if kind == SETTINGS and not flags & ACK:
            self.say(frame(SETTINGS, ACK))
        self.heard.append((kind, flags, stream, payload))
        return self.heard[-1]

    def is_whole(self):
        return len(self.waiting) >= 9 and len(self.waiting) >= 9 + int.from_bytes(self.waiting[:3], "big")

    def wait(self, kind, stream=None, flags=0, within=5):
        """The next such frame, or None."""
        while found := self.next(within):
            if found[0] == kind and stream in (None, found[2]) and found[1] & flags == flags:
                return found
        return None

    def verdict(self, within=5):
        """What the other side makes of it: "goaway CODE", "reset CODE", "answer", "pong", "closed", "nothing"."""
        while found := self.next(within):
            kind, flags, _, payload = found
            if kind == GOAWAY:
                code = int.from_bytes(payload[4:8], "big")
                if code:
                    return f"goaway {CODES[code]}"
            elif kind == RST_STREAM:
                return f"reset {CODES[int.from_bytes(payload, 'big')]}"
            elif kind in (HEADERS, DATA) and flags & END_STREAM:
                return "answer"
            elif kind == PING and flags & ACK:
                return "pong"
        return "closed" if self.ended else "nothing"
