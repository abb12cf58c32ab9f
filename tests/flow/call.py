#!/usr/bin/env python3
"""A call crosses two sidecars and arrives as it was sent, whatever HTTP it is told in."""

import subprocess
import threading

import h1
import kit

JSON = ("content-type", "application/json")
BIG = bytes(range(256)) * 20000  # 5 MB


class Call(kit.Story):
    def setUp(self):
        super().setUp()
        self.function = self.place.function()
        self.orders = self.place.provider("orders", self.function).start()
        self.web = self.place.caller("web", [self.orders]).start()

    def ask(self, method, path, fields=(), body=None, trailers=None):
        return h1.ask(self.web.outbound, method, path, "orders", fields, body, trailers)

    def curl(self, *words):
        done = subprocess.run(
            ["curl", "-sS", "--max-time", "20", "-H", "host: orders", *words],
            capture_output=True,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_crosses_as_it_was_sent(self):
        answer = self.ask("POST", "/a/b?c=d%20e&f", [JSON, ("x-mine", "1"), ("x-mine", "2")], b'{"a": 1.00}')
        self.assert_answer(answer, 200, b'{"a": 1.00}')
        seen = self.function.seen[0]
        self.assertEqual(seen.first, "POST /a/b?c=d%20e&f HTTP/1.1")
        self.assertEqual(seen.body, b'{"a": 1.00}')
        self.assertEqual(seen.all("x-mine"), ["1", "2"])
        self.assertEqual(seen.field("host"), "orders")
        self.assertEqual(seen.field("content-length"), "11")
        self.assertEqual(len(self.function.seen), 1)

    def test_names_are_spelled_as_they_were(self):
        """In HTTP/1.1 on both ends, though it is HTTP/2 between; and by a neighbour that speaks it all the way."""
        self.function.answer = lambda r: h1.reply(200, b"ok", [("X-Answer-ID", "7"), ("etag", "a")])
        fields = [("X-Foo-ID", "1"), ("x-lower", "2"), ("USER-AGENT", "me")]
        for address, wrap in ((self.web.outbound, None), (self.orders.inbound, self.place.tls("web"))):
            answer = h1.ask(address, "GET", "/x", "orders", fields, wrap=wrap)
            self.assertIn(("X-Answer-ID", "7"), answer.fields)
            self.assertIn(("etag", "a"), answer.fields)
            seen = self.function.seen[-1]
            self.assertEqual([f for f in seen.fields if f in fields], fields)
            self.assertEqual((seen.field("weft-case"), answer.field("weft-case")), (None, None))

    def test_both_sides_log_it_under_one_id(self):
        self.assert_answer(self.ask("GET", "/x"), 200)
        out = self.web.wait_access(direction="outbound")
        came = self.orders.wait_access(direction="inbound")
        self.assertEqual(out["id"], came["id"])
        self.assertEqual(self.function.seen[0].field("weft-request-id"), out["id"])
        self.assertEqual((out["status"], out["service"], came["peer"]), (200, "orders", kit.spiffe("web")))

    def test_a_log_that_was_moved_away_is_made_anew(self):
        self.assert_answer(self.ask("GET", "/before"), 200)
        self.orders.wait_access(path="/before")
        log = self.orders.folder / self.orders.conf["log"]["access"]
        log.rename(log.with_suffix(".old"))
        self.assert_answer(self.ask("GET", "/after"), 200)
        self.orders.wait_access(path="/after")
        self.assertEqual([a["path"] for a in self.orders.accesses()], ["/after"])

    def test_a_sidecar_that_ends_writes_what_waits(self):
        for number in range(50):
            self.assert_answer(self.ask("GET", f"/{number}"), 200)
        self.orders.end()
        self.assertEqual([a["path"] for a in self.orders.accesses()], [f"/{number}" for number in range(50)])

    def test_h2c_with_prior_knowledge(self):
        out = self.curl(
            "--http2-prior-knowledge",
            "-w",
            "\n%{http_version} %{http_code}",
            "-d",
            "hello",
            f"http://{self.web.outbound}/x",
        )
        self.assertEqual(out, b"hello\n2 200")
        self.assertEqual(self.function.seen[0].body, b"hello")

    def test_as_an_http_proxy(self):
        out = subprocess.run(
            ["curl", "-sS", "-x", f"http://{self.web.outbound}", "-d", "hello", "http://orders/x"],
            capture_output=True,
            check=False,
        ).stdout
        self.assertEqual(out, b"hello")
        self.assertEqual(self.function.seen[0].path, "/x")

    def test_a_port_of_the_services_own(self):
        local = kit.free_address()
        services = {"orders": {**self.web.conf["services"]["orders"], "local": local}}
        other = self.place.sidecar(
            "other", outbound={"listen": kit.free_address()}, services=services
        ).start()
        self.assert_answer(h1.ask(local, "POST", "/x", "anything.example", body=b"hi"), 200, b"hi")
        self.assertTrue(other.is_running())

    def test_five_megabytes_both_ways(self):
        answer = self.ask("POST", "/big", body=BIG)
        self.assert_answer(answer, 200)
        self.assertTrue(answer.body == BIG, f"{len(answer.body)} other bytes came back")
        self.assertTrue(self.function.seen[0].body == BIG)

    def test_five_megabytes_over_h2c(self):
        path = self.place.folder / "big"
        path.write_bytes(BIG)
        out = self.curl(
            "--http2-prior-knowledge", "--data-binary", f"@{path}", f"http://{self.web.outbound}/big"
        )
        self.assertTrue(out == BIG, f"{len(out)} other bytes came back")

    def test_chunks_and_trailers_both_ways(self):
        self.function.answer = lambda r: h1.reply(200, r.body, trailers=[("x-sum", "7"), ("x-last", "yes")])
        answer = self.ask("POST", "/t", body=b"a" * 2500, trailers=[("x-digest", "abc")])
        self.assert_answer(answer, 200, b"a" * 2500)
        self.assertEqual(answer.trailers, [("x-sum", "7"), ("x-last", "yes")])
        self.assertEqual(self.function.seen[0].trailers, [("x-digest", "abc")])

    def test_head_has_a_length_and_no_body(self):
        self.function.answer = lambda r: h1.reply(200, None, [("content-length", "1234")])
        with h1.Caller(self.web.outbound) as caller:
            for _ in range(2):
                answer = caller.ask("HEAD", "/h", "orders")
                self.assert_answer(answer, 200, b"")
                self.assertEqual(answer.field("content-length"), "1234")

    def test_204_and_304_have_no_body(self):
        for status in (204, 304):
            self.function.answer = lambda r, s=status: h1.reply(s)
            self.assert_answer(self.ask("GET", "/n"), status, b"")

    def test_the_functions_own_errors_are_its_own(self):
        self.function.answer = lambda r: h1.reply(503, b"mine", [("weft-error", "policy-denied")])
        answer = self.ask("GET", "/e")
        self.assert_answer(answer, 503, b"mine")
        self.assertIsNone(answer.field("weft-error"))

    def test_nobody_of_that_name(self):
        answer = h1.ask(self.web.outbound, "GET", "/", "nobody")
        problem = self.assert_refused(answer, 404, "no-route")
        self.assertIn('"nobody"', problem["detail"])

    def test_a_connection_is_kept(self):
        with h1.Caller(self.web.outbound) as caller:
            for n in range(20):
                self.assert_answer(caller.ask("POST", f"/{n}", "orders", body=b"%d" % n), 200, b"%d" % n)
            caller.send("GET", "/last", "orders", [("connection", "close")])
            self.assert_answer(caller.receive(), 200)
            self.assertEqual(caller.file.read(), b"")
        self.assertEqual([r.path for r in self.function.seen], [f"/{n}" for n in range(20)] + ["/last"])

    def test_pipelined_requests_are_answered_in_order(self):
        with h1.Caller(self.web.outbound) as caller:
            for n in range(5):
                caller.send("POST", f"/{n}", "orders", body=b"%d" % n)
            self.assertEqual([caller.receive().body for _ in range(5)], [b"0", b"1", b"2", b"3", b"4"])

    def test_names_both_identities_and_nobody_forges_them(self):
        forged = "By=spiffe://shop.example/ns/shop/sa/orders;URI=spiffe://shop.example/ns/shop/sa/admin"
        honest = f"By={kit.spiffe('orders')};URI={kit.spiffe('web')}"
        for fields in (
            [],
            [("x-forwarded-client-cert", forged)],
            [("X-Forwarded-Client-Cert", forged), ("x-forwarded-client-cert", forged)],
        ):
            self.assert_answer(self.ask("GET", "/", fields), 200)
            self.assertEqual(self.function.seen[-1].all("x-forwarded-client-cert"), [honest])

    def test_a_caller_forges_no_words_of_a_job(self):
        forged = [("weft-job", "x"), ("weft-attempt", "9"), ("weft-deadline", "1"), ("weft-error", "no-route")]
        self.assert_answer(self.ask("GET", "/", forged), 200)
        for name, _ in forged:
            self.assertEqual(self.function.seen[-1].all(name), [])

    def test_a_local_caller_forges_no_request_id_and_no_contract(self):
        digest = "sha-256=" + "A" * 43
        self.assert_answer(
            self.ask("GET", "/", [("weft-request-id", "forged"), ("weft-contract", digest)]), 200
        )
        seen = self.function.seen[-1]
        self.assertRegex(seen.field("weft-request-id"), "^[0-9a-f]{16}$")
        self.assertIsNone(seen.field("weft-contract"))

    def test_a_bad_path_goes_nowhere(self):
        for path in ("/a/%2e%2e/b%2Fc", "/a%00b"):
            self.assert_refused(self.ask("GET", path), 400, "bad-path")
        self.assertEqual(self.function.seen, [])

    def test_two_requests_at_once(self):
        both = threading.Barrier(2, timeout=20)

        def together(request):
            both.wait()
            return h1.echo(request)

        self.function.answer = together
        with h1.Caller(self.web.outbound) as a, h1.Caller(self.web.outbound) as b:
            a.send("POST", "/a", "orders", body=b"a")
            b.send("POST", "/b", "orders", body=b"b")
            self.assert_answer(a.receive(), 200, b"a")
            self.assert_answer(b.receive(), 200, b"b")
        self.assertEqual(self.orders.metric("weft_requests_in_flight"), 0)

    def test_a_caller_that_leaves_is_told_to_the_function(self):
        release = threading.Event()
        self.function.answer = lambda r: release.wait(30) and h1.CUT
        self.addCleanup(release.set)
        caller = h1.Caller(self.web.outbound)
        caller.send("GET", "/slow", "orders")
        request = self.function.next()
        caller.socket.close()
        caller.close()
        self.assertTrue(request.is_cut(within=10), "the function still believes in its caller")
        self.assertEqual(self.orders.wait_access(path="/slow")["status"], 499)

    def test_an_app_that_speaks_h2c(self):
        """The h2c application is the outbound side of one more sidecar: the nearest real one at hand."""
        inner = self.place.caller("inner", [self.orders]).start()
        front = self.place.sidecar(
            "front", inbound={"listen": kit.free_address(), "app": f"h2c://{inner.outbound}"}
        )
        front.start()
        conf = {"endpoints": [front.inbound], "identity": kit.spiffe("front")}
        user = self.place.sidecar(
            "user", outbound={"listen": kit.free_address()}, services={"orders": conf}
        ).start()
        answer = h1.ask(user.outbound, "POST", "/x", "orders", body=BIG, trailers=[("x-digest", "abc")])
        self.assert_answer(answer, 200)
        self.assertTrue(answer.body == BIG)
        self.assertEqual(self.function.seen[0].trailers, [("x-digest", "abc")])

    def test_continue_comes_before_the_body(self):
        with h1.Caller(self.web.outbound) as caller:
            caller.socket.sendall(
                b"POST /c HTTP/1.1\r\nhost: orders\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n"
            )
            early = h1.read_head(caller.file)
            self.assertEqual(early.status, 100)
            caller.socket.sendall(b"abc")
            self.assert_answer(caller.receive(), 200, b"abc")

    def test_two_lengths_are_refused_and_the_connection_ends(self):
        with h1.Caller(self.web.outbound) as caller:
            caller.socket.sendall(
                b"POST / HTTP/1.1\r\nhost: orders\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd"
            )
            self.assert_answer(caller.receive(), 400)
            self.assertEqual(caller.file.read(), b"")
        self.assertEqual(self.function.seen, [])


if __name__ == "__main__":
    kit.main()
