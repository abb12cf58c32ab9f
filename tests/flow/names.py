#!/usr/bin/env python3
"""Services are found by name: addresses, services with ports of their own, names that change, and name servers that
fall silent."""

import json
import socket
import struct
import threading

import h1
import kit

A, AAAA, SRV = 1, 28, 33


def encode(name):
    return b"".join(bytes([len(part)]) + part.encode() for part in name.strip(".").split(".")) + b"\0"


class NameServer:
    """Answers from `zone`: (name, type) to (ttl, [data]).  What is not there does not exist; when silent, nothing."""

    def __init__(self):
        self.zone, self.silent, self.asked = {}, False, 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                query, peer = self.socket.recvfrom(4096)
            except OSError:
                return
            self.asked += 1
            if not self.silent:
                self.socket.sendto(self.answer(query), peer)

    def answer(self, query):
        at, parts = 12, []
        while query[at]:
            parts.append(query[at + 1 : at + 1 + query[at]].decode())
            at += 1 + query[at]
        question, name = query[12 : at + 5], ".".join(parts).lower()
        kind = struct.unpack(">H", query[at + 1 : at + 3])[0]
        exists = any(key[0] == name for key in self.zone)
        ttl, records = self.zone.get((name, kind), (0, []))
        head = query[:2] + struct.pack(">HHHHH", 0x8180 if exists else 0x8183, 1, len(records), 0, 0)
        body = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, ttl, len(r)) + r for r in records)
        return head + question + body

    def stop(self):
        self.socket.close()


def srv(host, port, priority=0, weight=1):
    return struct.pack(">HHH", priority, weight, port) + encode(host)


class Names(kit.Story):
    def setUp(self):
        super().setUp()
        self.names = NameServer()
        self.place.functions.append(self.names)
        self.port = int(kit.free_address().rpartition(":")[2])
        self.sidecars = {}

    def provider(self, host, port=None):
        """An instance of orders on a loopback address of its own; answers with that address."""
        function = self.place.function(lambda r: h1.reply(200, host.encode()))
        inbound = {"listen": f"{host}:{port or self.port}", "app": f"http://{function.address}"}
        sidecar = self.place.sidecar(
            f"orders{host}", service="orders", identity=self.place.identity("orders"), inbound=inbound
        )
        self.sidecars[host] = sidecar.start()

    def caller(self, dns):
        return self.place.sidecar(
            "web",
            outbound={"listen": kit.free_address()},
            resolver=self.names.address,
            services={"orders": {"dns": dns, "identity": kit.spiffe("orders")}},
        ).start()

    def point(self, *hosts, ttl=1):
        self.names.zone[("orders.shop.test", A)] = (ttl, [socket.inet_aton(host) for host in hosts])

    def seen(self, web, n=12):
        answers = [h1.ask(web.outbound, "GET", "/", "orders") for _ in range(n)]
        return {a.body.decode() if a.status == 200 else a.field("weft-error") for a in answers}

    def endpoints(self, web):
        return {p["endpoint"] for p in json.loads(web.ask("GET", "/peers").body)}

    def test_addresses_that_change(self):
        self.provider("127.0.0.2")
        self.provider("127.0.0.3")
        self.point("127.0.0.2")
        web = self.caller(f"orders.shop.test:{self.port}")
        self.assertEqual(self.seen(web), {"127.0.0.2"})
        self.point("127.0.0.2", "127.0.0.3")
        kit.wait_until("both are known", lambda: len(self.endpoints(web)) == 2)
        self.assertEqual(self.seen(web, 30), {"127.0.0.2", "127.0.0.3"})
        self.point("127.0.0.3")
        kit.wait_until("one has left", lambda: len(self.endpoints(web)) == 1)
        self.assertEqual(self.seen(web), {"127.0.0.3"})

    def test_the_last_good_endpoints_stay(self):
        self.provider("127.0.0.2")
        self.point("127.0.0.2")
        web = self.caller(f"orders.shop.test:{self.port}")
        self.assertEqual(self.seen(web), {"127.0.0.2"})
        self.names.zone.clear()
        web.wait_log("name-unresolved")
        self.assertEqual(self.seen(web), {"127.0.0.2"})
        self.assertEqual(web.ask("GET", "/ready").status, 200)

    def test_services_with_ports_of_their_own(self):
        other = int(kit.free_address().rpartition(":")[2])
        self.provider("127.0.0.2")
        self.provider("127.0.0.3", other)
        self.provider("127.0.0.4")
        for last, host in ((2, "a"), (3, "b"), (4, "c")):
            self.names.zone[(f"{host}.shop.test", A)] = (5, [socket.inet_aton(f"127.0.0.{last}")])
        targets = [srv("a.shop.test", self.port), srv("b.shop.test", other), srv("c.shop.test", self.port, 10)]
        self.names.zone[("_weft._tcp.orders.shop.test", SRV)] = (5, targets)
        web = self.caller("_weft._tcp.orders.shop.test")
        self.assertEqual(self.seen(web, 30), {"127.0.0.2", "127.0.0.3"})

    def test_a_name_that_nobody_knows(self):
        web = self.caller("nobody.shop.test:4743")
        self.assertEqual(self.seen(web, 2), {"unreachable"})
        self.assertIn(b"nobody.shop.test:4743", web.ask("GET", "/ready").body)

    def test_a_name_without_a_port_is_a_mistake(self):
        conf = {"service": "x", "identity": self.place.identity("x"), "outbound": {"listen": "127.0.0.1:1"}}
        conf["services"] = {"orders": {"dns": "orders.shop.test", "identity": kit.spiffe("orders")}}
        self.place.write("x.yaml", json.dumps(conf))
        done = self.place.weft("conf", "check", "x.yaml")
        self.assertEqual(done.returncode, 2)
        self.assertIn("use HOST:PORT or _SERVICE._PROTO.NAME", done.stderr + done.stdout)


if __name__ == "__main__":
    kit.main()
