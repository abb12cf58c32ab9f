#!/usr/bin/env python3
"""Policy decides, says why, and changes without a restart."""

import h1
import kit

ALLOW_WEB = f'allow :- peer("{kit.spiffe("web")}"), method("GET").\n'


class Policy(kit.Story):
    def setUp(self):
        super().setUp()
        self.function = self.place.function()

    def begin(self, text, **keys):
        self.place.write("rules.weft", text)
        self.orders = self.place.provider("orders", self.function, policy=["rules.weft"], **keys).start()
        self.web = self.place.caller("web", [self.orders]).start()

    def ask(self, method="GET", path="/x", fields=()):
        return h1.ask(self.web.outbound, method, path, "orders", fields)

    def change(self, text):
        self.place.write("rules.weft", text)
        self.orders.reload()

    def test_what_no_rule_allows_is_denied(self):
        self.begin(ALLOW_WEB)
        self.assert_answer(self.ask(), 200)
        problem = self.assert_refused(self.ask("DELETE"), 403, "policy-denied")
        self.assertNotIn("rules.weft", str(problem), "the caller is told more than it may know")
        self.assertEqual([r.method for r in self.function.seen], ["GET"])
        self.assertEqual(self.orders.metric('weft_policy_decisions_total{answer="deny"}'), 1)
        self.assertEqual(self.orders.metric('weft_refused_total{reason="policy-denied"}'), 1)

    def test_why_names_the_nearest_rule_and_what_failed(self):
        self.begin(ALLOW_WEB + 'allow :- peer("spiffe://a.example/b"), method("POST"), path("/other").\n')
        answer = self.ask("DELETE")
        told = self.orders.why(answer.field("weft-request-id"))
        self.assertEqual(told.returncode, 0, told.stderr)
        self.assertIn("policy-denied  DELETE /x", told.stdout)
        self.assertIn(f"from {kit.spiffe('web')}", told.stdout)
        self.assertIn("rules.weft:1", told.stdout)
        self.assertIn('method("GET")', told.stdout)

    def test_why_of_what_nobody_knows(self):
        self.begin(ALLOW_WEB)
        told = self.orders.why("0123456789abcdef")
        self.assertEqual((told.returncode, told.stdout), (1, ""))
        self.assertEqual(self.place.weft("why", "--sidecar", kit.free_address()).returncode, 2)

    def test_a_policy_that_is_only_tried_denies_nobody_and_tells_all(self):
        self.begin('allow :- method("GET").\n', policy_mode="audit")
        self.assert_answer(self.ask("GET", "/orders"), 200)
        self.assert_answer(self.ask("POST", "/orders"), 200)
        self.assertEqual(self.orders.metric('weft_policy_decisions_total{answer="audited"}'), 1)
        self.assertEqual(self.orders.metric('weft_policy_decisions_total{answer="allow"}'), 1)
        self.orders.wait_log('policy-audited .*path="/orders"', 1)
        posts = lambda: [a["id"] for a in self.orders.accesses() if a["method"] == "POST"]
        passed = kit.wait_until("its line of the access log", posts)
        self.assertIn('it fails at method("GET")', self.orders.why(passed[0]).stdout)

    def test_deny_wins(self):
        self.begin('allow :- peer_path("shop", _).\ndeny :- header("x-evil", "yes").\n')
        self.assert_answer(self.ask(), 200)
        denied = self.ask(fields=[("x-evil", "yes")])
        self.assert_refused(denied, 403, "policy-denied")
        self.assertIn("rules.weft:2", self.orders.why(denied.field("weft-request-id")).stdout)
        self.assertEqual(len(self.function.seen), 1)

    def test_the_path_judged_is_the_path_forwarded(self):
        self.begin('allow :- segment(0, "open").\n')
        self.assert_answer(self.ask(path="/open/a"), 200)
        tricks = (
            *("/closed", "/open/../closed", "/open/%2e%2e/closed", "//closed", "/OPEN/a", "/open;x/a", "/open%2fa"),
            *("/./closed", "/open/..;/closed", "/../open/a", "/open/.%2E/closed", "/%2fopen/a", "/closed?/open"),
        )
        for path in tricks:
            answer = self.ask(path=path)
            self.assertIn(answer.status, (400, 403), path)
        self.assert_answer(self.ask(path="/closed/../open/%61?q=/../closed"), 200)
        self.assertEqual([r.path for r in self.function.seen], ["/open/a", "/open/a?q=/../closed"])

    def test_a_new_policy_is_tried_on_the_log_of_what_happened(self):
        self.begin(ALLOW_WEB + 'allow :- method("PUT").\n')
        self.assert_answer(self.ask(), 200)
        self.assert_answer(self.ask("PUT"), 200)
        denied = self.ask("DELETE")
        self.orders.wait_access(id=denied.field("weft-request-id"))
        self.place.write("new.weft", ALLOW_WEB + 'allow :- method("DELETE").\n')
        told = self.place.weft("policy", "simulate", "new.weft", "--log", "orders.access.log")
        self.assertEqual(told.returncode, 1, told.stderr)
        self.assertIn("1 would lose access, 1 would gain it", told.stdout)
        self.assertRegex(told.stdout, r"would lose access:\n  spiffe://\S+/web\n    PUT /x: 1 request")
        self.assertIn(f"DELETE /x: 1 request, the first {denied.field('weft-request-id')}", told.stdout)

    def test_without_policy_every_trusted_identity_may(self):
        self.orders = self.place.provider("orders", self.function).start()
        self.web = self.place.caller("web", [self.orders]).start()
        self.assert_answer(self.ask("DELETE"), 200)
        self.assertIn('no-policy so="every identity of a trusted domain may call"', self.orders.log())

    def test_a_reload_changes_answers_on_the_same_connection(self):
        self.begin(ALLOW_WEB)
        with h1.Caller(self.web.outbound) as caller:
            self.assert_answer(caller.ask("GET", "/x", "orders"), 200)
            self.change('allow :- method("DELETE").\n')
            self.assert_refused(caller.ask("GET", "/x", "orders"), 403, "policy-denied")
            self.assert_answer(caller.ask("DELETE", "/x", "orders"), 200)

    def test_a_broken_policy_keeps_the_old_one_and_says_why(self):
        self.begin(ALLOW_WEB)
        for text, line, column in (
            ("allow :- peer(\n", 2, 1),
            ('allow :- color("red").\n', 1, 10),
            ('\nallow :- metod("GET").\n', 2, 10),
        ):
            self.change(text)
            self.assertRegex(
                self.orders.log(), rf'config file="\S*rules.weft" line={line} column={column} what="'
            )
        self.assertEqual(self.orders.log().count("reload-refused"), 3)
        self.assert_answer(self.ask(), 200)
        self.assert_refused(self.ask("DELETE"), 403, "policy-denied")

    def test_a_policy_that_is_gone_keeps_the_old_one(self):
        self.begin(ALLOW_WEB)
        (self.place.folder / "rules.weft").unlink()
        self.orders.reload()
        self.assertIn("reload-refused", self.orders.log())
        self.assert_refused(self.ask("DELETE"), 403, "policy-denied")


if __name__ == "__main__":
    kit.main()
