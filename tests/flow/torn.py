#!/usr/bin/env python3
"""Bodies that are rewritten, and somebody goes in the midst of them: whoever is left sees that the message broke off.
Nothing that looks whole is anything but whole, and what came of the rest is the front of it."""

import random
import socket
import struct
import threading

import h1
import kit

OLD = """contract("orders", "1.0.0").
operation("put"). http("put", "POST", "/orders").
request("put", "application/json", "Order"). response("put", "200", "application/json", "Order").
record("Order"). field("Order", "id", "string", "required"). field("Order", "lines", "Lines", "required").
list("Lines", "Line"). record("Line"). field("Line", "qty", "int32", "required").
"""
NEW = OLD.replace('"1.0.0"', '"2.0.0"').replace(
    'field("Line", "qty"', 'renamed("Line", "qty", "quantity"). field("Line", "quantity"'
)
JSON = ("content-type", "application/json")
LINES = 4000
DEAD = struct.pack("ii", 1, 0)  # SO_LINGER: close with a reset


def body(number, member):
    """So large that it is in many pieces everywhere."""
    lines = ",".join(f'{{"{member}": {i}, "note": "line {i} of order {number}"}}' for i in range(LINES))
    return f'{{"id": "{number}", "lines": [{lines}]}}'.encode()


class Piecemeal:
    """Reads a message and keeps what it got of the body: `whole` says whether its framing came to its end."""

    def __init__(self, file):
        self.message, self.body, self.whole = None, b"", False
        try:
            self.message = h1.read_head(file)
            self.read(file)
        except (h1.Cut, OSError, ValueError):
            pass

    def read(self, file):
        length = self.message.field("content-length")
        if self.message.field("transfer-encoding") == "chunked":
            while size := int(h1.read_line(file), 16):
                self.take(file, size)
                h1.read_line(file)
            h1.read_fields(file)
        elif length is not None:
            self.take(file, int(length))
        else:
            raise h1.Cut("a body that only the end of the connection ends")
        self.whole = True

    def take(self, file, size):
        while size:
            piece = file.read1(min(size, 65536))
            if not piece:
                raise h1.Cut("in the body")
            self.body += piece
            size -= len(piece)


class Function(h1.Function):
    """Takes orders of version 2 and gives them back; `answer(number, socket)` writes the answer, False: and goes."""

    def __init__(self, answer):
        self.taken = []  # every body that came, with whether it came whole
        super().__init__(answer)

    def serve(self, connection):
        with connection, connection.makefile("rb") as file:
            while True:
                request = Piecemeal(file)
                if not request.message:
                    return
                self.taken.append(request)
                if not request.whole:
                    return
                try:
                    if self.answer(request.body[: request.body.index(b",")].split(b'"')[3].decode(), connection) is False:
                        return
                except OSError:
                    return


def pieces(number, framing):
    text = body(number, "quantity")
    if framing == "length":
        return [f"HTTP/1.1 200 Fine\r\ncontent-type: application/json\r\ncontent-length: {len(text)}\r\n\r\n".encode(), text]
    if framing == "end":
        return [b"HTTP/1.1 200 Fine\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n", text]
    chunks = [b"%x\r\n%s\r\n" % (len(text[i : i + 9999]), text[i : i + 9999]) for i in range(0, len(text), 9999)]
    head = b"HTTP/1.1 200 Fine\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    return [head, *chunks, b"0\r\n\r\n"]


class Torn(kit.Story):
    def begin(self, answer, **keys):
        self.place.write("orders-1.weft", OLD)
        self.place.write("orders-2.weft", NEW)
        self.function = Function(answer)
        self.place.functions.append(self.function)
        self.orders = self.place.provider("orders", self.function, contract="orders-2.weft", **keys).start()
        never = {"failures": 0, "success": 0}
        self.web = self.place.caller("web", [self.orders], consumes=["orders-1.weft"], breaker=never).start()

    def exchange(self, number, wrong=None):
        """An order on a connection of its own; `wrong(socket, text)` sends it otherwise."""
        text = body(number, "qty")
        head = f"POST /orders HTTP/1.1\r\nhost: orders\r\ncontent-type: application/json\r\ncontent-length: {len(text)}\r\n\r\n"
        with h1.Caller(self.web.outbound) as caller:
            if wrong:
                wrong(caller.socket, head.encode(), text)
                return None
            try:
                caller.socket.sendall(head.encode() + text)
            except OSError:
                pass  # it may have been answered before all of it was sent
            return Piecemeal(caller.file)

    def check_answer(self, number, answer):
        """What became of an exchange: whole, refused, or torn; anything else fails."""
        want = body(number, "qty")
        if not answer.message:
            return "torn"
        if answer.message.status != 200:
            return "refused"
        if answer.whole:
            self.assertEqual(answer.body, want)
            return "whole"
        self.assertTrue(want.startswith(answer.body), f"{answer.body[-80:]} is not the front of the answer")
        return "torn"

    def check_taken(self):
        """What the function was given: whole orders as they should be, or fronts of them that broke off."""
        whole = torn = 0
        for request in self.function.taken:
            number = request.body[:40].split(b'"')[3].decode() if request.body.count(b'"', 0, 40) > 3 else None
            want = body(number, "quantity") if number else request.body
            whole += request.whole
            torn += not request.whole
            if request.whole:
                self.assertEqual(request.body, want)
            else:
                self.assertTrue(want.startswith(request.body))
        return whole, torn

    def test_an_answer_breaks_off_in_every_framing(self):
        cut = {"framing": "length", "at": 0, "reset": False}

        def answer(number, connection):
            data = b"".join(pieces(number, cut["framing"]))
            connection.sendall(data[: cut["at"]] if cut["at"] < 0 or cut["at"] else data)
            if cut["reset"]:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, DEAD)
            return not cut["at"] and cut["framing"] != "end"

        self.begin(answer)
        number = 0
        for framing in ("length", "chunked", "end"):
            cut.update(framing=framing, at=0, reset=False)
            self.assertEqual(self.check_answer("0", self.exchange("0")), "whole")
            size = len(b"".join(pieces("0", framing)))
            for at in (120, 5000, size // 2, -1, -7):
                for reset in (False, True):
                    number += 1
                    cut.update(at=at, reset=reset)
                    how = self.check_answer(str(number), self.exchange(str(number)))
                    self.assertIn(how, ("torn", "refused"), f"{framing} cut at {at} of {size}, reset {reset}")
        self.assertEqual(self.check_taken()[1], 0)

    def test_a_request_breaks_off(self):
        self.begin(lambda number, connection: connection.sendall(b"".join(pieces(number, "length"))))

        def chunked(part, reset):
            def send(connection, head, text):
                head = head.split(b"content-length")[0] + b"transfer-encoding: chunked\r\n\r\n"
                data = b"".join(b"%x\r\n%s\r\n" % (len(text[i : i + 999]), text[i : i + 999]) for i in range(0, len(text), 999))
                connection.sendall(head + data[: int(len(data) * part)])
                if reset:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, DEAD)

            return send

        def length(part, reset):
            def send(connection, head, text):
                connection.sendall(head + text[: int(len(text) * part)])
                if reset:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, DEAD)

            return send

        self.assertEqual(self.check_answer("a", self.exchange("a")), "whole")
        for number, part in enumerate((0.01, 0.3, 0.7, 1 - 1 / 100000)):
            for reset in (False, True):
                self.exchange(f"c{number}{reset}", chunked(part, reset))
                self.exchange(f"l{number}{reset}", length(part, reset))
        # A chunked body with all of its JSON, and no last chunk, is as torn as any.
        self.exchange("all", chunked(1, True))
        self.assertEqual(self.check_answer("b", self.exchange("b")), "whole")
        kit.wait_until(
            "nothing is under way any more", lambda: self.orders.metric("weft_requests_in_flight") == 0
        )
        self.assertEqual(self.check_taken()[0], 2)

    def kill_under_load(self, victim):
        """The victim is killed again and again while many exchanges are under way; every one is accounted for."""
        rnd = random.Random(5)
        counts, failures, lock = {"whole": 0, "refused": 0, "torn": 0}, [], threading.Lock()
        stop, begun = threading.Event(), [0]

        def run(thread):
            turn = 0
            while not stop.is_set():
                turn += 1
                number = f"{thread}-{turn}"
                with lock:
                    begun[0] += 1
                try:
                    how = self.check_answer(number, self.exchange(number))
                except OSError:
                    how = "refused"  # nobody listened
                except AssertionError as failure:
                    how = "wrong"
                    failures.append(failure)
                with lock:
                    counts[how] = counts.get(how, 0) + 1

        threads = [threading.Thread(target=run, args=(i,)) for i in range(12)]
        for thread in threads:
            thread.start()
        for _ in range(6):
            target = counts["whole"] + rnd.randrange(5, 15)
            kit.wait_until("some exchanges went well", lambda t=target: counts["whole"] >= t)
            victim.kill()
            victim.start()
            victim.wait_ready()
        stop.set()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])
        self.assertEqual(sum(counts.values()), begun[0])
        whole, torn = self.check_taken()
        self.assertGreaterEqual(whole, counts["whole"])
        self.assertGreater(counts["torn"] + torn, 0, f"nothing was torn: {counts}")
        print(f"{begun[0]} exchanges: {counts}; the function: {whole} whole, {torn} torn")

    def test_the_providers_sidecar_is_killed(self):
        self.begin(lambda number, connection: connection.sendall(b"".join(pieces(number, "chunked"))))
        self.kill_under_load(self.orders)

    def test_the_callers_sidecar_is_killed(self):
        self.begin(lambda number, connection: connection.sendall(b"".join(pieces(number, "length"))))
        self.kill_under_load(self.web)


if __name__ == "__main__":
    kit.main()
