"""HTTP/1.1 by hand, for stories: a caller that sees every byte of an answer, and a function that says every
byte of one.  The standard library's client would hide what is under test: trailers, 1xx, the cut connection.
"""

import contextlib
import queue
import socket
import threading


class Cut(Exception):
    """The connection ended before the message was whole."""


class Message:
    """One request or answer: its first line, its fields in order, its body and its trailers."""

    def __init__(self, first, fields, body=b"", trailers=()):
        self.first, self.fields, self.body, self.trailers = first, fields, body, list(trailers)
        self.connection = None

    @property
    def method(self):
        return self.first.split(" ")[0]

    @property
    def path(self):
        return self.first.split(" ")[1]

    @property
    def status(self):
        return int(self.first.split(" ")[1])

    def all(self, name):
        return [value for field, value in self.fields if field.lower() == name]

    def field(self, name):
        """Its one value, or None; two of them are a defect wherever this is asked."""
        values = self.all(name)
        if len(values) > 1:
            raise AssertionError(f"{name} came {len(values)} times: {values}")
        return values[0] if values else None

    def is_cut(self, within):
        """Has the other side gone, or does it go within so many seconds?"""
        self.connection.settimeout(within)
        try:
            return self.connection.recv(1) == b""
        except ConnectionError:
            return True
        except socket.timeout:
            return False


def read_line(file):
    line = file.readline(65536)
    if not line.endswith(b"\n"):
        raise Cut(f"in a line: {line!r}")
    return line.rstrip(b"\r\n").decode("latin-1")


def read_fields(file):
    fields = []
    while line := read_line(file):
        name, _, value = line.partition(":")
        fields.append((name, value.strip()))
    return fields


def read_exactly(file, size):
    body = file.read(size)
    if len(body) != size:
        raise Cut(f"after {len(body)} of {size} bytes of the body")
    return body


def read_chunks(file):
    body = b""
    while size := int(read_line(file).split(";")[0], 16):
        body += read_exactly(file, size)
        read_line(file)
    return body, read_fields(file)


def read_head(file):
    first = read_line(file)
    return Message(first, read_fields(file))


def read_body(file, message, until_end=False):
    if message.field("transfer-encoding") == "chunked":
        message.body, message.trailers = read_chunks(file)
    elif message.field("content-length"):
        message.body = read_exactly(file, int(message.field("content-length")))
    elif until_end:
        message.body = file.read()
    return message


def read_answer(file, method="GET"):
    """The final answer; what came before it (1xx) is in `.early`."""
    early = []
    answer = read_head(file)
    while 100 <= answer.status < 200:
        early.append(answer)
        answer = read_head(file)
    answer.early = early
    if method == "HEAD" or answer.status in (204, 304):
        return answer
    return read_body(file, answer, until_end=True)


def encode(first, fields, body, trailers=None):
    """With trailers the body goes in chunks, otherwise with its length."""
    lines = [first] + [f"{name}: {value}" for name, value in fields]
    if trailers is not None:
        lines.append("transfer-encoding: chunked")
    elif body is not None and not any(name.lower() == "content-length" for name, _ in fields):
        lines.append(f"content-length: {len(body)}")
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    if trailers is None:
        return head + (body or b"")
    pieces = [body[i : i + 1000] for i in range(0, len(body), 1000)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return head + chunks + b"0\r\n" + "".join(f"{n}: {v}\r\n" for n, v in trailers).encode() + b"\r\n"


class Caller:
    """One kept connection to HOST:PORT; `wrap` puts TLS around it."""

    def __init__(self, address, wrap=None, timeout=20):
        host, _, port = address.rpartition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=timeout)
        if wrap:
            self.socket = wrap(self.socket)
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        with contextlib.suppress(OSError):
            self.file.close()
            self.socket.close()

    def send(self, method, path, host, fields=(), body=None, trailers=None):
        self.socket.sendall(encode(f"{method} {path} HTTP/1.1", [("host", host), *fields], body, trailers))

    def receive(self, method="GET"):
        return read_answer(self.file, method)

    def ask(self, method, path, host, fields=(), body=None, trailers=None):
        self.send(method, path, host, fields, body, trailers)
        return self.receive(method)


def ask(address, method, path, host, fields=(), body=None, trailers=None, wrap=None):
    """One exchange on a connection of its own."""
    with Caller(address, wrap) as caller:
        return caller.ask(method, path, host, fields, body, trailers)


def reply(status=200, body=b"", fields=(), trailers=None):
    """What a function answers."""
    return encode(f"HTTP/1.1 {status} Word", fields, None if status in (204, 304) else body, trailers)


def echo(request):
    return reply(200, request.body, [("content-type", request.field("content-type") or "text/plain")])


CUT = None  # an answer that is none: the function closes the connection


class Function:
    """A function behind a sidecar.  `answer(request)` runs on a thread of its own and returns bytes, or CUT;
    `seen` has every request that came whole, in order."""

    def __init__(self, answer=echo):
        self.answer, self.seen, self.arrived = answer, [], queue.Queue()
        self.port = 0
        self.listener, self.connections = None, set()
        self.start()

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def start(self):
        """Again on the same port, when it ran before."""
        self.listener = socket.create_server(("127.0.0.1", self.port), backlog=256)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def accept(self, listener):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                self.connections.add(connection)
                threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with contextlib.suppress(OSError, Cut, ValueError), connection, connection.makefile("rb") as file:
            while True:
                request = read_body(file, read_head(file))
                request.connection = connection
                self.seen.append(request)
                self.arrived.put(request)
                answer = self.answer(request)
                if answer is CUT:
                    break
                connection.sendall(answer)
        self.connections.discard(connection)

    def next(self, within=20):
        """The next request that nobody has taken yet."""
        return self.arrived.get(timeout=within)

    def stop(self):
        """As if its process had ended."""
        # shutdown wakes the thread in accept(), which close alone leaves there, holding the port
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
                connection.close()
