#!/usr/bin/env python3
"""Bytes that are no HTTP cross the pair, too: websockets told in HTTP/1.1 and HTTP/2, CONNECT, and services that were
declared to be TCP."""

import base64
import contextlib
import hashlib
import shutil
import socket
import subprocess
import threading

import h1
import h2
import kit
from h2 import DATA, END_HEADERS, END_STREAM, HEADERS, fields, frame

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # the pair of RFC 6455 section 1.3
UPGRADE = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13")]
BIG = bytes(range(256)) * 20000

NODE = """
const server = require('http2').createServer({settings: {enableConnectProtocol: true}});
server.on('stream', (stream, head) => {
  if (head[':method'] !== 'CONNECT') { stream.respond({':status': 200}); stream.end('plain'); return; }
  stream.respond({':status': 200, 'x-protocol': head[':protocol'], 'x-path': head[':path']});
  stream.pipe(stream);
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
"""


def accept_of(key):
    return base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()


def echo_until_end(connection, file):
    """Everything back as it comes, then the end."""
    with contextlib.suppress(OSError):
        while data := file.read1(65536):
            connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)


class Switching(h1.Function):
    """Goes on as an echo where it is asked to, and answers everything else."""

    def serve(self, connection):
        with contextlib.suppress(OSError, h1.Cut, ValueError), connection, connection.makefile("rb") as file:
            while True:
                request = h1.read_body(file, h1.read_head(file))
                self.seen.append(request)
                switches = request.field("upgrade") == "websocket" and request.path != "/no"
                if switches:
                    head = [("connection", "Upgrade"), ("upgrade", "websocket")]
                    head.append(("sec-websocket-accept", accept_of(request.field("sec-websocket-key"))))
                    connection.sendall(h1.encode("HTTP/1.1 101 Switching Protocols", head, None))
                elif request.method == "CONNECT":
                    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nwelcome ")
                else:
                    connection.sendall(h1.reply(403 if request.path == "/no" else 200, b"plain"))
                if switches or request.method == "CONNECT":
                    echo_until_end(connection, file)
                    return


class Bytes:
    """A TCP service that speaks first, then echoes; after its peer's end it says how much there was."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.serve, args=(self.listener.accept()[0],), daemon=True).start()

    def serve(self, connection):
        with contextlib.suppress(OSError), connection:
            connection.sendall(b"hello\n")
            size = 0
            while data := connection.recv(65536):
                size += len(data)
                connection.sendall(data)
            connection.sendall(b"%d" % size)

    def stop(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)  # else the thread in accept() holds the port
        self.listener.close()


def read_to_end(connection):
    data = b""
    while more := connection.recv(65536):
        data += more
    return data


class Tunnel(kit.Story):
    def setUp(self):
        super().setUp()
        self.function = Switching()
        self.place.functions.append(self.function)
        self.orders = self.place.provider("orders", self.function).start()
        self.web = self.place.caller("web", [self.orders]).start()

    def upgrade(self, caller, path="/chat?x=1", key=KEY):
        caller.send("GET", path, "orders", [*UPGRADE, *([("Sec-WebSocket-Key", key)] if key else [])])
        return h1.read_head(caller.file)

    def check_echo(self, caller, data=b"ping"):
        caller.socket.sendall(data)
        self.assertTrue(h1.read_exactly(caller.file, len(data)) == data)

    def test_a_websocket_in_http_1(self):
        with h1.Caller(self.web.outbound) as caller:
            answer = self.upgrade(caller)
            self.assertEqual(answer.first, "HTTP/1.1 101 Switching Protocols")
            self.assertEqual(answer.field("upgrade"), "websocket")
            self.assertEqual(answer.field("connection").lower(), "upgrade")
            self.assertEqual(answer.field("sec-websocket-accept"), ACCEPT)
            self.check_echo(caller)
            self.check_echo(caller, BIG[:200000])
            caller.socket.shutdown(socket.SHUT_WR)
            self.assertEqual(caller.file.read(), b"")
        seen = self.function.seen[0]
        self.assertEqual((seen.first, seen.field("upgrade")), ("GET /chat?x=1 HTTP/1.1", "websocket"))
        self.assertEqual(seen.field("sec-websocket-key"), KEY)
        self.assertEqual((seen.field("content-length"), seen.field("transfer-encoding")), (None, None))
        access = self.orders.wait_access(direction="inbound")
        self.assertEqual((access["method"], access["path"], access["status"]), ("GET", "/chat?x=1", 101))

    def test_a_websocket_of_a_neighbour_that_speaks_http_1(self):
        with h1.Caller(self.orders.inbound, self.place.tls("web")) as caller:
            self.assertEqual(self.upgrade(caller).status, 101)
            self.check_echo(caller)

    def test_a_function_that_leaves_ends_the_socket(self):
        with h1.Caller(self.web.outbound) as caller:
            self.upgrade(caller)
            self.check_echo(caller)
            self.function.stop()
            self.assertEqual(caller.file.read(), b"")

    def test_what_is_refused_was_an_ordinary_request(self):
        with h1.Caller(self.web.outbound) as caller:
            caller.send("GET", "/no", "orders", [*UPGRADE, ("Sec-WebSocket-Key", KEY)])
            self.assert_answer(caller.receive(), 403, b"plain")
            self.assert_answer(caller.ask("GET", "/next", "orders"), 200, b"plain")

    def test_an_offer_that_the_function_passes_over(self):
        """Between sidecars a 2xx would open the tunnel, so it is none; a neighbour in HTTP/1.1 gets it as it is."""
        self.function.serve = lambda connection: h1.Function.serve(self.function, connection)
        self.function.answer = lambda r: h1.reply(200, b"plain")
        with h1.Caller(self.web.outbound) as caller:
            caller.send("GET", "/x", "orders", UPGRADE)
            self.assert_answer(caller.receive(), 501, b"plain")
        with h1.Caller(self.orders.inbound, self.place.tls("web")) as caller:
            for _ in range(2):
                caller.send("GET", "/x", "orders", UPGRADE)
                self.assert_answer(caller.receive(), 200, b"plain")

    def test_offers_that_are_not_taken(self):
        with h1.Caller(self.web.outbound) as caller:
            for offer in ("h2c", "TLS/1.0"):
                answer = caller.ask("GET", "/x", "orders", [("Connection", "Upgrade"), ("Upgrade", offer)])
                self.assert_answer(answer, 200, b"plain")
            answer = caller.ask("POST", "/x", "orders", UPGRADE, b"body")
            self.assert_answer(answer, 200, b"plain")
        self.assertEqual([r.field("upgrade") for r in self.function.seen], [None] * 3)

    def test_an_extended_connect(self):
        """RFC 8441 from the caller; the function hears HTTP/1.1, with a key that the sidecar made."""
        asked = [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", "/chat")]
        head = fields(*asked, (":authority", "orders"), ("sec-websocket-version", "13"))
        with h2.Client(self.web.outbound) as client:
            client.wait(h2.SETTINGS)
            client.say(frame(HEADERS, END_HEADERS, 1, head))
            self.assertFalse(client.wait(HEADERS, 1)[1] & END_STREAM)
            client.say(frame(DATA, 0, 1, b"ping"))
            self.assertEqual(client.wait(DATA, 1)[3], b"ping")
            client.say(frame(DATA, END_STREAM, 1))
            self.assertTrue(client.wait(DATA, 1, END_STREAM))
        self.assertEqual(self.function.seen[0].first, "GET /chat HTTP/1.1")
        self.assertEqual(len(base64.b64decode(self.function.seen[0].field("sec-websocket-key"))), 16)

    def test_connect_by_name(self):
        with h1.Caller(self.web.outbound) as caller:
            caller.socket.sendall(b"CONNECT orders:443 HTTP/1.1\r\nHost: orders:443\r\n\r\nearly ")
            self.assertEqual(h1.read_head(caller.file).status, 200)
            self.assertEqual(h1.read_exactly(caller.file, 14), b"welcome early ")
            self.check_echo(caller, BIG)
        self.assertEqual(self.function.seen[0].method, "CONNECT")


class ToNode(kit.Story):
    def test_a_websocket_to_a_function_that_speaks_http_2(self):
        if not shutil.which("node"):
            self.skipTest("node is not installed")
        node = subprocess.Popen(["node", "-e", NODE], stdout=subprocess.PIPE, text=True)
        self.addCleanup(node.wait)
        self.addCleanup(node.kill)
        self.addCleanup(node.stdout.close)
        inbound = {"listen": kit.free_address(), "app": f"h2c://127.0.0.1:{node.stdout.readline().strip()}"}
        orders = self.place.sidecar("orders", inbound=inbound).start()
        web = self.place.caller("web", [orders]).start()
        with h1.Caller(web.outbound) as caller:
            caller.send("GET", "/chat", "orders", [*UPGRADE, ("Sec-WebSocket-Key", KEY)])
            answer = h1.read_head(caller.file)
            self.assertEqual((answer.status, answer.field("sec-websocket-accept")), (101, ACCEPT))
            self.assertEqual((answer.field("x-protocol"), answer.field("x-path")), ("websocket", "/chat"))
            caller.socket.sendall(b"ping")
            self.assertEqual(h1.read_exactly(caller.file, 4), b"ping")
        self.assert_answer(h1.ask(web.outbound, "GET", "/", "orders"), 200, b"plain")


class Tcp(kit.Story):
    def setUp(self):
        super().setUp()
        self.bytes = Bytes()
        self.place.functions.append(self.bytes)
        self.db = self.place.sidecar(
            "db",
            inbound={"listen": kit.free_address(), "app": f"tcp://{self.bytes.address}"},
            policy=[self.place.write("p.weft", 'allow :- peer("%s").\nallow :- peer("%s").\n' % (kit.spiffe("web"), kit.spiffe("foreign")))],
        ).start()
        self.local = kit.free_address()
        self.web = self.caller("web")

    def caller(self, name, local=None):
        service = {"endpoints": [self.db.inbound], "identity": kit.spiffe("db"), "protocol": "tcp"}
        services = {"db": {**service, "local": local or self.local}}
        return self.place.sidecar(name, outbound={"listen": kit.free_address()}, services=services).start()

    def connect(self, address=None):
        host, _, port = (address or self.local).rpartition(":")
        connection = socket.create_connection((host, int(port)), timeout=20)
        self.addCleanup(connection.close)
        return connection

    def test_the_server_may_speak_first(self):
        connection = self.connect()
        self.assertEqual(connection.recv(100), b"hello\n")
        connection.sendall(b"x")
        self.assertEqual(connection.recv(100), b"x")

    def test_each_side_ends_by_itself(self):
        connection = self.connect()
        connection.sendall(b"12345")
        connection.shutdown(socket.SHUT_WR)
        self.assertEqual(read_to_end(connection), b"hello\n123455")
        access = self.db.wait_access(direction="inbound")
        self.assertEqual((access["method"], access["peer"], access["status"]), ("CONNECT", kit.spiffe("web"), 200))

    def test_five_megabytes(self):
        connection = self.connect()

        def say():
            connection.sendall(BIG)
            connection.shutdown(socket.SHUT_WR)

        thread = threading.Thread(target=say)
        thread.start()
        got = read_to_end(connection)
        thread.join()
        self.assertTrue(got == b"hello\n" + BIG + b"%d" % len(BIG), f"{len(got)} bytes")

    def test_by_connect_as_well(self):
        with h1.Caller(self.web.outbound) as caller:
            caller.socket.sendall(b"CONNECT db:5432 HTTP/1.1\r\nHost: db:5432\r\n\r\n")
            self.assertEqual(h1.read_head(caller.file).status, 200)
            self.assertEqual(h1.read_exactly(caller.file, 6), b"hello\n")

    def test_a_neighbour_that_is_no_weft(self):
        """mTLS and then the bytes themselves."""
        connection = self.place.tls("foreign", None)(self.connect(self.db.inbound))
        self.assertEqual(connection.recv(100), b"hello\n")
        connection.sendall(b"x")
        self.assertEqual(connection.recv(100), b"x")

    def test_http_to_it_is_refused(self):
        answer = h1.ask(self.web.outbound, "GET", "/", "db")
        self.assertEqual((answer.status, answer.field("weft-error")), (502, "bad-answer"))

    def test_who_is_denied_is_cut_off(self):
        local = kit.free_address()
        self.caller("bad", local)
        connection = self.connect(local)
        with contextlib.suppress(ConnectionError):
            self.assertEqual(connection.recv(100), b"")
        self.assertEqual(self.db.wait_access(direction="inbound")["error"], "policy-denied")

    def test_nobody_behind_it(self):
        self.bytes.stop()
        connection = self.connect()
        with contextlib.suppress(ConnectionError):
            self.assertEqual(connection.recv(100), b"")


if __name__ == "__main__":
    kit.main()
