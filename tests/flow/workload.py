#!/usr/bin/env python3
"""A SPIFFE Workload API in gRPC's own library: what it says is our identity, all of it, at once."""

import os
import queue
import sys

try:
    import grpc
except ImportError:
    if sys.executable != "/usr/bin/python3" and os.path.exists("/usr/bin/python3"):
        os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])  # Debian's own has python3-grpcio
    print("skipped: python3-grpcio is not installed")
    sys.exit(77)

import subprocess
from concurrent import futures

import h1
import kit


def field(number, data):
    """One field of protobuf with a length."""

    def varint(n):
        out = b""
        while n > 127:
            out += bytes([n & 127 | 128])
            n >>= 7
        return out + bytes([n])

    data = data.encode() if isinstance(data, str) else data
    return varint(number << 3 | 2) + varint(len(data)) + data


class Agent(grpc.GenericRpcHandler):
    """Hands every answer that is put into it to every stream; a number ends the streams with that status."""

    def __init__(self, path):
        self.path, self.streams, self.last, self.calls = path, [], None, 0
        self.server = None
        self.start()

    def start(self):
        self.server = grpc.server(futures.ThreadPoolExecutor(8))
        self.server.add_generic_rpc_handlers((self,))
        self.server.add_insecure_port(f"unix:{self.path}")
        self.server.start()

    def stop(self):
        for stream in self.streams:
            stream.put(grpc.StatusCode.UNAVAILABLE)
        self.streams = []
        self.server.stop(0).wait()

    def service(self, details):
        if details.method != "/SpiffeWorkloadAPI/FetchX509SVID":
            return None
        return grpc.unary_stream_rpc_method_handler(self.fetch)

    def fetch(self, request, context):
        self.calls += 1
        if ("workload.spiffe.io", "true") not in context.invocation_metadata() or request:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "security header missing")
        mine = queue.Queue()
        self.streams.append(mine)
        answer = self.last
        while True:
            if isinstance(answer, grpc.StatusCode):
                context.abort(answer, "no identity issued")
            if answer is not None:
                yield answer
            answer = mine.get()

    def say(self, answer):
        self.last = answer
        for stream in self.streams:
            stream.put(answer)
        if isinstance(answer, grpc.StatusCode):
            self.streams = []


class Workload(kit.Story):
    def setUp(self):
        super().setUp()
        self.function = self.place.function()
        self.place.authority()
        self.agent = Agent(self.place.folder / "agent.sock")
        self.addCleanup(self.agent.stop)

    def der(self, name, *words):
        words = words or ("x509", "-in", f"{name}.pem", "-outform", "DER")
        return subprocess.run(["openssl", *words], cwd=self.place.folder, capture_output=True, check=True).stdout

    def svid(self, name, **without):
        self.place.issue(name, out=f"agent-{name}")
        key = self.der(name, *f"pkcs8 -topk8 -nocrypt -in certs/agent-{name}.key -outform DER".split())
        parts = {1: kit.spiffe(name), 2: self.der(f"certs/agent-{name}"), 3: key, 4: self.der("certs/ca")}
        return b"".join(field(n, data) for n, data in parts.items() if n not in without.values())

    def answer(self, name="orders", crl=None, federated=None, **without):
        text = field(1, self.svid(name, **without))
        if crl:
            text += field(2, self.der(crl, "crl", "-in", crl, "-outform", "DER"))
        for domain, bundle in (federated or {}).items():
            text += field(3, field(1, f"spiffe://{domain}") + field(2, self.der(bundle)))
        return text

    def orders(self, **keys):
        conf = {
            "service": "orders",
            "identity": {"workload": f"unix://{self.place.folder}/agent.sock"},
            "inbound": {"listen": kit.free_address(), "app": f"http://{self.function.address}"},
            "admin": {"listen": kit.free_address()},
            "log": {"access": "orders.access.log"},
            **keys,
        }
        return self.place.process(kit.Sidecar(self.place, "orders", conf))

    def begin(self):
        self.agent.say(self.answer())
        self.sidecar = self.orders().start()
        self.web = h1.Caller(self.sidecar.inbound, self.place.tls("web"))
        self.addCleanup(self.web.close)
        self.assert_answer(self.web.ask("GET", "/", "orders"), 200)

    def ask(self, name):
        return h1.ask(self.sidecar.inbound, "GET", "/", "orders", wrap=self.place.tls(name))

    def say(self, answer):
        """Returns when the sidecar has taken it."""
        before = self.sidecar.log().count(" reloaded ")
        self.agent.say(answer)
        self.sidecar.wait_log(" reloaded ", before + 1)

    def assert_shut_out(self, name):
        with self.assertRaises((OSError, h1.Cut)):
            self.ask(name)

    def test_a_broker_has_its_identity_from_it_and_loses_it(self):
        self.agent.say(self.answer("broker"))
        broker = self.place.broker(["orders"])
        broker.conf["identity"] = {"workload": f"unix://{self.place.folder}/agent.sock"}
        broker.write()
        broker.start()
        self.assertIn(f'identity="{kit.spiffe("broker")}"', broker.log())
        h1.ask(broker.conf["https"], "GET", "/", "broker", wrap=self.place.tls("web"))
        self.agent.say(self.answer("broker"))
        broker.wait_log(" reloaded ", 1)
        self.agent.say(grpc.StatusCode.PERMISSION_DENIED)
        broker.wait_log("identity-withdrawn")
        self.assertEqual(broker.ask("GET", "/ready").status, 503)
        self.agent.say(self.answer("broker"))
        kit.wait_until("it is ready again", lambda: broker.ask("GET", "/ready").status == 200)

    def test_it_is_called_and_calls_under_the_identity_it_was_given(self):
        self.begin()
        self.assertIn(f'ready service="orders" identity="{kit.spiffe("orders")}"', self.sidecar.log())
        stock = self.place.provider("stock", self.function).start()
        service = {"stock": {"endpoints": [stock.inbound], "identity": kit.spiffe("stock")}}
        self.sidecar.end()
        self.sidecar.conf.update(outbound={"listen": kit.free_address()}, services=service)
        self.sidecar.write()
        self.sidecar.start()
        self.assert_answer(h1.ask(self.sidecar.outbound, "GET", "/", "stock"), 200)
        self.assertIn(kit.spiffe("orders"), self.function.seen[-1].field("x-forwarded-client-cert"))

    def test_a_new_leaf_replaces_the_old_and_no_connection_ends(self):
        self.begin()
        before = self.sidecar.metric("weft_identity_expiry_seconds")
        self.place.issue("orders", ttl="3h")
        answer = self.answer()
        self.say(answer)
        self.assert_answer(self.web.ask("GET", "/", "orders"), 200)
        self.assert_answer(self.ask("web"), 200)
        self.agent.say(answer)  # nothing new
        self.assertGreaterEqual(self.sidecar.metric("weft_identity_expiry_seconds"), before)
        self.assertEqual(self.sidecar.log().count(" reloaded "), 1)

    def test_each_answer_is_all_there_is(self):
        self.place.authority("partner", "partner.example")
        self.place.issue("friend", "partner.example", "partner")
        self.begin()
        self.assert_shut_out("friend")
        self.say(self.answer(federated={"partner.example": "partner/ca"}))
        self.assert_answer(self.ask("friend"), 200)
        friend = h1.Caller(self.sidecar.inbound, self.place.tls("friend"))
        self.addCleanup(friend.close)
        self.assert_answer(friend.ask("GET", "/", "orders"), 200)
        self.say(self.answer())
        self.sidecar.wait_log('peer-cut peer="spiffe://partner.example')
        self.assert_shut_out("friend")
        self.assert_answer(self.web.ask("GET", "/", "orders"), 200)

    def test_its_revocation_lists_are_heard(self):
        self.begin()
        self.place.must("ca", "revoke", "certs/web.pem", "--dir", "certs")
        self.say(self.answer(crl="certs/ca.crl"))
        self.sidecar.wait_log("peer-cut .*is revoked by")
        self.assert_shut_out("web")

    def test_an_identity_that_is_withdrawn_is_used_no_more(self):
        for ending in (b"", grpc.StatusCode.PERMISSION_DENIED):
            with self.subTest(ending):
                self.begin()
                self.agent.say(ending)
                self.sidecar.wait_log("identity-withdrawn ")
                self.assertEqual(self.sidecar.ask("GET", "/ready").status, 503)
                self.sidecar.wait_log("peer-cut .*our own identity has been withdrawn")
                self.assert_shut_out("web")
                self.agent.say(self.answer())
                kit.wait_until("it is ready again", lambda: self.sidecar.ask("GET", "/ready").status == 200)
                self.assert_answer(self.ask("web"), 200)
                self.sidecar.end()
                (self.place.folder / "orders.log").unlink()

    def test_an_agent_that_is_away_takes_nothing_with_it(self):
        self.begin()
        self.agent.stop()
        self.sidecar.wait_log('workload-ended .*so="what is known goes on, and it is asked again"')
        self.assert_answer(self.ask("web"), 200)
        calls = self.agent.calls
        self.agent.start()
        kit.wait_until("it asks again", lambda: self.agent.calls > calls)
        self.say(self.answer())
        self.assert_answer(self.ask("web"), 200)

    def test_an_answer_that_is_half_one_is_passed_over(self):
        self.begin()
        for bad in (b"\xff\xff", self.answer(a=2), self.answer(a=3), self.answer(a=4), self.answer(a=1)):
            self.agent.say(bad)
        self.sidecar.wait_log("workload-answer .*it is no answer of a Workload API")
        self.sidecar.wait_log("workload-answer .*lacks its certificate, its key or its bundle", 3)
        self.sidecar.wait_log("workload-answer .*has no SPIFFE ID")
        self.assert_answer(self.ask("web"), 200)
        self.agent.say(self.answer("web").replace(kit.spiffe("web").encode(), kit.spiffe("wob").encode()))
        self.sidecar.wait_log("reload-refused")
        self.assert_answer(self.ask("web"), 200)

    def test_without_an_identity_it_does_not_start(self):
        self.agent.say(grpc.StatusCode.PERMISSION_DENIED)
        sidecar = self.orders()
        done = self.place.weft("proxy", "orders.yaml")
        self.assertEqual(done.returncode, 2)
        self.assertIn("gRPC status 7 no identity issued", done.stderr)
        for workload, words in (("agent.sock", "use unix:///ABSOLUTE/PATH"), ("unix:///nowhere", "no such file")):
            sidecar.conf["identity"]["workload"] = workload
            sidecar.write()
            done = self.place.weft("proxy", "orders.yaml")
            self.assertEqual(done.returncode, 2)
            self.assertIn(words, done.stderr.lower().replace("unix:///absolute/path", "unix:///ABSOLUTE/PATH"))
        sidecar.conf["identity"] = {}
        sidecar.write()
        self.assertIn("`identity.cert` is required", self.place.weft("conf", "check", "orders.yaml").stderr)


if __name__ == "__main__":
    kit.main()
