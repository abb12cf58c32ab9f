#!/usr/bin/env python3
"""What two contracts mean on the wire: passed, rewritten by the plan, or refused with the reason."""

import base64
import gzip
import hashlib
import json
import pathlib
import zlib

import h1
import kit

DEMO = pathlib.Path(__file__).resolve().parents[2] / "examples" / "demo"
JSON = ("content-type", "application/json")
ORDER = b'{"sku": "AB-1", "qty": 3}'
ADAPTED_ORDER = b'{"sku": "AB-1", "quantity": 3,"currency":"EUR"}'
ANSWER = b'{"id": "o-1", "quantity": 3, "cents": 3750, "currency": "EUR"}'
ADAPTED_ANSWER = b'{"id": "o-1", "qty": 3, "cents": 3750, "currency": "EUR"}'

OLD_HEAD = """contract("orders", "1.0.0").
operation("put"). http("put", "POST", "/v1/orders/{id}"). param("put", "path", "id", "string", "required").
param("put", "query", "max", "int32", "required"). param("put", "header", "X-Old", "string", "optional").
param("put", "query", "dry", "bool", "required"). param("put", "query", "keep", "int32", "optional").
request("put", "application/json", "In"). response("put", "200", "application/json", "Out").
record("In"). field("In", "name", "string", "required"). field("In", "limit", "int32", "required").
record("Out"). field("Out", "a", "string", "required").
"""
NEW_HEAD = """contract("orders", "2.0.0").
operation("put"). http("put", "PUT", "/v2/orders/{id}"). param("put", "path", "id", "string", "required").
moved("put", "method/POST", "method/PUT").
param("put", "header", "max", "int32", "required"). param("put", "query", "keep", "int32", "optional").
param("put", "query", "old", "string", "optional"). moved("put", "header/X-Old", "query/old").
param("put", "query", "limit", "int32", "required"). moved("put", "body/limit", "query/limit").
moved("put", "query/dry", "body/dry").
request("put", "application/json", "In"). response("put", "201", "application/json", "Out").
record("In"). closed("In"). field("In", "name", "string", "required"). field("In", "dry", "bool", "required").
record("Out"). field("Out", "b", "string", "required"). renamed("Out", "a", "b").
"""


def orders(request):
    """The function: version 2 of orders."""
    if request.path == "/orders":
        return h1.reply(201, ANSWER, [JSON])
    return h1.reply(200, b'{"id":"o-1"}', [JSON])


class Contract(kit.Story):
    def setUp(self):
        super().setUp()
        for name in ("orders-1.weft", "orders-2.weft"):
            self.place.write(name, (DEMO / name).read_text())
        self.function = self.place.function(orders)

    def begin(self, enforce="adapt", provider="orders-2.weft", **keys):
        self.orders = self.place.provider(
            "orders", self.function, contract=provider, enforce=enforce, **keys
        ).start()
        self.web = self.place.caller(
            "web", [self.orders], consumes=["orders-1.weft"], enforce=enforce
        ).start()

    def ask(self, path, body, fields=(JSON,), method="POST"):
        return h1.ask(self.web.outbound, method, path, "orders", fields, body)

    def create(self):
        return self.ask("/orders", ORDER)

    def cancel(self):
        return self.ask("/orders/cancel", b'{"id":"o-1"}')

    def saw(self):
        return [(r.path, r.body) for r in self.function.seen]

    def test_is_adapted_both_ways(self):
        self.begin()
        for _ in range(3):
            answer = self.create()
            self.assert_answer(answer, 201, ADAPTED_ANSWER)
            self.assertEqual(answer.field("content-type"), "application/json")
            self.assertIsNone(answer.field("weft-contract-provider"))
        self.assertEqual(self.saw(), [("/orders", ADAPTED_ORDER)] * 3)
        self.assertIsNone(self.function.seen[0].field("weft-contract"))
        access = self.orders.wait_access(operation="create_order")
        self.assertEqual((access["verdict"], access["status"]), ("adaptable", 201))
        self.assertIn("rename", access["plan"])
        self.assertEqual(
            self.orders.metric('weft_contract_verdicts_total{peer="spiffe://shop.example/ns/shop/sa/web"'), 3
        )

    def test_what_is_the_same_passes_byte_for_byte(self):
        self.begin(provider="orders-1.weft")
        body = b'  {"qty" : 3.0e0 ,\t"sku":"\\u0041", "more":[1 , 2]} '
        self.function.answer = lambda r: h1.reply(201, b' {"cents":1,"id":"o","qty":1 } ', [JSON])
        self.assert_answer(self.ask("/orders", body), 201, b' {"cents":1,"id":"o","qty":1 } ')
        self.assertEqual(self.saw(), [("/orders", body)])

    def test_the_functions_own_refusal_is_not_rewritten(self):
        self.begin()
        self.function.answer = lambda r: h1.reply(409, b'{"quantity": "sold out"}', [JSON])
        self.assert_answer(self.create(), 409, b'{"quantity": "sold out"}')

    def test_is_refused_with_the_reason_and_the_function_sees_nothing(self):
        self.begin()
        for _ in range(3):  # the first is refused by the provider's side, later ones may be by the caller's
            problem = self.assert_refused(self.cancel(), 412, "contract-mismatch")
            self.assertEqual(problem["operation"], "cancel_order")
            for member in ("title", "detail", "rule", "where", "fix", "proof"):
                self.assertTrue(problem[member], f"{member} is missing in {problem}")
            self.assertIn("reason", problem["where"] + problem["detail"])
        self.assertEqual(self.saw(), [])

    def test_the_caller_side_refuses_early_once_it_knows(self):
        self.begin()
        self.assert_answer(self.create(), 201)
        self.web.wait_log(r' contract-learnt service="orders" version="2.0.0"')
        reached = 'weft_refused_total{reason="contract-mismatch"}'

        def refused_before_the_network():
            before = self.orders.metric(reached)
            self.assert_refused(self.cancel(), 412, "contract-mismatch")
            return self.orders.metric(reached) == before

        kit.wait_until("the caller's side refuses by itself", refused_before_the_network)
        self.assertTrue(refused_before_the_network())

    def test_why_by_id_and_by_operation(self):
        self.begin()
        self.assert_answer(self.create(), 201)
        told = self.orders.why("create_order")
        self.assertEqual(told.returncode, 0)
        self.assertIn("  adapted  POST /orders  create_order  from " + kit.spiffe("web"), told.stdout)
        self.assertIn(
            "The caller was written against orders 1.4.0; the provider runs orders 2.0.0.\n"
            "create_order is adaptable.\nrequest plan:\n",
            told.stdout,
        )
        self.assertIn("response plan:\n", told.stdout)
        answer = self.cancel()
        sides = [side.why(answer.field("weft-request-id")) for side in (self.orders, self.web)]
        told = next((side.stdout for side in sides if side.returncode == 0), None)
        self.assertIsNotNone(told, sides)
        self.assertIn("contract-mismatch  POST /orders/cancel  cancel_order", told)
        self.assertIn("cancel_order is breaking.", told)
        self.assertIn("\nproof\n", told)

    def test_block_refuses_what_would_have_to_be_adapted(self):
        self.begin(enforce="block")
        self.assert_refused(self.create(), 412, "contract-mismatch")
        self.assertEqual(self.saw(), [])

    def test_audit_lets_pass_and_counts(self):
        self.begin(enforce="audit")
        self.assert_answer(self.create(), 201, ANSWER)
        self.assert_answer(self.cancel(), 200)
        self.assertEqual(self.saw(), [("/orders", ORDER), ("/orders/cancel", b'{"id":"o-1"}')])
        verdicts = {self.orders.wait_access(operation=o)["verdict"] for o in ("create_order", "cancel_order")}
        self.assertEqual(verdicts, {"adaptable", "breaking"})
        report = self.place.weft("report", "--sidecar", self.orders.admin, "--format", "json")
        rows = {row["operation"]: row for row in json.loads(report.stdout)}
        self.assertEqual(rows["create_order"]["audited"], 1)
        self.assertEqual(rows["cancel_order"]["audited"], 1)
        self.assertEqual(rows["cancel_order"]["rules"], ["member-added-required"])
        self.assertEqual(rows["cancel_order"]["refused"], 0)

    def test_off_does_not_look(self):
        self.begin(enforce="off")
        self.assert_answer(self.create(), 201, ANSWER)
        self.assert_answer(self.ask("/nobody/knows", None, method="GET"), 200)
        self.assertEqual(self.saw(), [("/orders", ORDER), ("/nobody/knows", b"")])

    def test_an_operation_that_the_contract_does_not_have(self):
        self.begin()
        self.assert_refused(self.ask("/nobody/knows", b"{}"), 404, "operation-unknown")
        self.assert_refused(self.ask("/orders", None, method="DELETE"), 405, "method-unknown")
        self.assertEqual(self.saw(), [])

    def test_a_body_that_cannot_be_rewritten(self):
        self.begin()
        for body, offset in (
            (b'{"sku": "AB-1", "qty": x}', 23),
            (b'{"sku": "a", "qty": 1, "qty": 2}', None),
            (b'{"sku": "\xff", "qty": 1}', None),
            (b'{"sku": "a", "qty": 1', None),
        ):
            problem = self.assert_refused(self.ask("/orders", body), 422, "body-unfit")
            self.assertIn(f"{offset}" if offset else "byte", problem["detail"])
        self.assertEqual(self.saw(), [])
        self.assert_answer(self.create(), 201, ADAPTED_ANSWER)

    def test_a_body_that_is_not_plain_json(self):
        self.begin()
        for fields in ((JSON, ("content-encoding", "br")), (("content-type", "text/plain"),)):
            self.assert_refused(self.ask("/orders", ORDER, fields), 415, "encoding-unsupported")
        coded = (JSON, ("content-encoding", "gzip"))
        self.assert_refused(self.ask("/orders", ORDER, coded), 422, "body-unfit")
        self.assert_refused(self.ask("/orders", gzip.compress(ORDER)[:-1], coded), 422, "body-unfit")
        self.assertEqual(self.saw(), [])

    def test_bodies_under_a_coding_are_rewritten_and_stay_under_it(self):
        self.begin()
        for name, undo, redo in (
            ("gzip", gzip.decompress, gzip.compress),
            ("deflate", zlib.decompress, zlib.compress),
        ):
            self.function.seen.clear()
            self.function.answer = lambda r, c=redo, n=name: h1.reply(
                201, c(ANSWER), [JSON, ("content-encoding", n), ("etag", '"1"'), ("content-md5", "x")]
            )
            answer = self.ask("/orders", redo(ORDER), (JSON, ("content-encoding", name)))
            self.assertEqual((answer.status, undo(answer.body)), (201, ADAPTED_ANSWER))
            self.assertEqual(answer.field("content-encoding"), name)
            self.assertRegex(answer.field("etag"), r'^"1-w[0-9a-f]{8}"$')
            self.assertIsNone(answer.field("content-md5"))
            request = self.function.seen[0]
            self.assertEqual(undo(request.body), ADAPTED_ORDER)
            self.assertEqual(request.field("content-encoding"), name)
            self.assertEqual(request.field("accept-encoding"), "identity")
            self.ask("/orders", ORDER, (JSON, ("if-match", answer.field("etag")), ("accept-encoding", "gzip, br")))
            request = self.function.seen[1]
            self.assertEqual((request.field("if-match"), request.field("accept-encoding")), ('"1"', "gzip"))

    def test_a_body_that_grows_out_of_proportion(self):
        self.begin()
        bomb = gzip.compress(b'{"sku":"' + b"0" * (64 << 20) + b'","qty":3}')
        answer = self.ask("/orders", bomb, (JSON, ("content-encoding", "gzip")))
        self.assert_refused(answer, 413, "payload-too-large")
        self.assertEqual(self.saw(), [])
        self.assert_answer(self.create(), 201, ADAPTED_ANSWER)

    def test_a_caller_two_versions_back_is_adapted_version_by_version(self):
        body = """operation("put"). http("put", "POST", "/orders").
request("put", "application/json", "In"). response("put", "200", "application/json", "In").
record("In"). field("In", "%s", "int32", "required"). %s
"""
        names = {"1": ("a", ""), "2": ("b", 'renamed("In", "a", "b").'), "3": ("c", 'renamed("In", "b", "c").')}
        for version, words in names.items():
            text = f'contract("orders", "{version}.0.0").\n' + body % words
            self.place.write(f"orders-{version}.weft", text)
        self.function.answer = lambda r: h1.reply(200, b'{"c":7}', [JSON])
        self.begin(provider="orders-3.weft", contract_versions=["orders-2.weft"])
        for _ in range(3):
            self.assert_answer(self.ask("/orders", b'{"a":7}'), 200, b'{"a":7}')
            self.web.wait_log(r' contract-learnt service="orders" version="3.0.0"')
        self.assertEqual(self.saw(), [("/orders", b'{"c":7}')] * 3)
        self.assertIn("then", self.orders.why("put").stdout)
        self.orders.reload(contract_versions=[])
        self.assert_refused(self.ask("/orders", b'{"a":7}'), 412, "contract-mismatch")

    def test_heads_are_rewritten_by_the_plan(self):
        self.place.write("orders-1.weft", OLD_HEAD)
        self.place.write("orders-2.weft", NEW_HEAD)
        self.begin()
        made = [JSON, ("location", "/v2/orders/7")]
        self.function.answer = lambda r: h1.reply(201, b'{"b":"x"}', made)
        answer = self.ask("/v1/orders/7?max=3&dry=true&keep=1", b'{"name":"n","limit":5}', (JSON, ("x-old", "o p")))
        self.assert_answer(answer, 200, b'{"a":"x"}')
        self.assertEqual(answer.field("location"), "/v1/orders/7")
        request = self.function.seen[0]
        self.assertEqual(request.method, "PUT")
        path, query = request.path.split("?")
        self.assertEqual(path, "/v2/orders/7")
        self.assertEqual(sorted(query.split("&")), ["keep=1", "limit=5", "old=o%20p"])
        self.assertEqual((request.field("max"), request.field("x-old")), ("3", None))
        self.assertEqual(request.body, b'{"name":"n","dry":true}')
        problem = self.assert_refused(
            self.ask("/v1/orders/7?max=3&dry=maybe", b'{"name":"n","limit":5}'), 422, "body-unfit"
        )
        self.assertIn("not of the type", problem["detail"])

    def test_an_answer_that_is_not_what_the_contract_says(self):
        self.begin()
        for body in (b"{not json", b'{"id": "o-1", "quantity": 3', b"[1, 2]"):
            self.function.answer = lambda r, b=body: h1.reply(201, b, [JSON])
            self.assert_refused(self.create(), 502, "answer-unfit")
        self.function.answer = lambda r: h1.reply(201, ANSWER, [JSON, ("content-encoding", "gzip")])
        self.assert_refused(self.create(), 502, "answer-unfit")
        self.function.answer = orders
        self.assert_answer(self.create(), 201, ADAPTED_ANSWER)

    def test_a_changed_contract_changes_the_verdict_of_new_requests(self):
        self.begin()
        with h1.Caller(self.web.outbound) as caller:
            self.assert_answer(caller.ask("POST", "/orders", "orders", [JSON], ORDER), 201, ADAPTED_ANSWER)
            self.assert_refused(
                caller.ask("POST", "/orders/cancel", "orders", [JSON], b'{"id":"o-1"}'),
                412,
                "contract-mismatch",
            )
            self.orders.reload(contract="orders-1.weft")
            self.assert_answer(caller.ask("POST", "/orders", "orders", [JSON], ORDER), 201, ANSWER)
            self.web.wait_log(r' contract-learnt service="orders" version="1.4.0"')
            kit.wait_until(
                "cancelling is understood again",
                lambda: caller.ask("POST", "/orders/cancel", "orders", [JSON], b'{"id":"o-1"}').status == 200,
            )

    def test_both_sides_restart(self):
        self.begin()
        for sidecar in (self.orders, self.web, self.orders):
            self.assert_answer(self.create(), 201, ADAPTED_ANSWER)
            sidecar.kill()
            sidecar.start()
            kit.wait_until("calls go through again", lambda: self.create().status == 201, within=10)

    def ask_foreign(self, method, path, fields=(), body=None):
        """As a peer that is no weft: HTTP/1.1 over mTLS."""
        return h1.ask(self.orders.inbound, method, path, "orders", fields, body, wrap=self.place.tls("web"))

    def test_a_peer_that_shows_no_contract(self):
        self.begin()
        self.assert_answer(self.ask_foreign("POST", "/orders", [JSON], ADAPTED_ORDER), 201, ANSWER)
        self.orders.reload(contracts={"unknown": "block"})
        self.assert_refused(
            self.ask_foreign("POST", "/orders", [JSON], ADAPTED_ORDER), 428, "contract-unknown"
        )
        self.assertEqual(len(self.saw()), 1)
        self.assert_answer(self.create(), 201, ADAPTED_ANSWER)

    def test_a_digest_that_nobody_has_shown(self):
        self.begin()
        for shown, status, word in (
            ("sha-256=" + "A" * 43, 428, "contract-unknown"),
            ("md5=x", 400, "bad-request"),
        ):
            answer = self.ask_foreign("POST", "/orders", [JSON, ("weft-contract", shown)], ORDER)
            self.assert_refused(answer, status, word)
        self.assertEqual(self.saw(), [])

    def put(self, text, digest=None):
        digest = digest or base64.urlsafe_b64encode(hashlib.sha256(text).digest()).decode().rstrip("=")
        return self.ask_foreign(
            "PUT",
            f"/.well-known/weft/contracts/{digest}",
            [("content-type", "application/vnd.weft.contract")],
            text,
        )

    def test_a_hostile_contract_is_refused_and_the_sidecar_lives(self):
        self.begin()
        self.assert_refused(self.put(b"// " + b"x" * 1100000), 413, "payload-too-large")
        for text in (
            b'contract("a", "1.0.0"',
            b"",
            b"\xff\xfe",
            b"((((" * 10000,
            b'contract("a", "1.0.0").\nfoo(1).\n',
        ):
            self.assert_refused(self.put(text), 422, "body-unfit")
        good = (self.place.folder / "orders-1.weft").read_bytes()
        self.assert_refused(self.put(good, "A" * 43), 422, "body-unfit")
        self.assert_refused(self.put(good, "short"), 400, "bad-request")
        self.assert_refused(
            self.ask_foreign("GET", "/.well-known/weft/contracts/" + "A" * 43), 405, "method-unknown"
        )
        self.assert_answer(self.create(), 201, ADAPTED_ANSWER)

    def test_the_members_that_a_caller_gets_are_counted(self):
        self.begin()
        for _ in range(3):
            self.assert_answer(self.create(), 201, ADAPTED_ANSWER)
        report = self.place.weft("report", "--fields", "--sidecar", self.orders.admin, "--format", "json")
        rows = {row["field"]: (row["operation"], row["seen"], row["sampled"]) for row in json.loads(report.stdout)}
        self.assertEqual(rows, {f"/{m}": ("create_order", 3, 3) for m in ("id", "quantity", "cents", "currency")})
        text = self.place.weft("report", "--fields", "--sidecar", self.orders.admin).stdout
        self.assertIn("create_order  /quantity           3  3\n", text)

    def test_contracts_are_listed(self):
        self.begin()
        self.assert_answer(self.create(), 201)
        listed = json.loads(self.orders.ask("GET", "/contracts").body)
        self.assertIn("adaptable", json.dumps(listed))


if __name__ == "__main__":
    kit.main()
