#!/usr/bin/env python3
"""A JSON caller and a gRPC function, and a gRPC caller and a JSON function: `inbound.speaks` translates between them."""

import json
import os
import subprocess
import sys
import time

try:
    import grpc
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
except ImportError:
    if sys.executable != "/usr/bin/python3" and os.path.exists("/usr/bin/python3"):
        os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])  # Debian's own has python3-grpcio
    print("skipped: python3-grpcio or python3-protobuf is not installed")
    sys.exit(77)

import gzip
from concurrent import futures

import h1
import kit

HEAD = """syntax = "proto3";
package shop;
service Orders {
  rpc Create(Order) returns (Reply);
  rpc Watch(Order) returns (stream Reply);
}
"""
TYPES = (
    HEAD
    + """message Line { string sku = 1; int32 qty_sold = 2; }
message Order { string id = 1; repeated Line lines = 2; map<string, int64> by = 3; }
message Reply { string id = 1; int64 total = 2; Order order = 3; }
"""
)
# One version on: fields have other numbers, one another type, and one another name in JSON, too.
NEXT = (
    HEAD
    + """message Line { string sku = 1; string qty_sold = 2; }
message Order { string id = 11; repeated Line lines = 2; map<string, int64> by = 33 [json_name = "sums"]; }
message Reply { string id = 1; int64 total = 2; Order order = 3; }
"""
)
BODY = {"id": "o-1", "lines": [{"sku": "é", "qtySold": 3}, {"sku": "B"}], "by": {"k": "7"}}
JSON = [("content-type", "application/json")]


def classes(path):
    made = path.with_suffix(".set")
    subprocess.run(["protoc", f"--descriptor_set_out={made}", f"-I{path.parent}", path.name], check=True, cwd=path.parent)
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(made.read_bytes()).file:
        pool.Add(file)
    found = [pool.FindMessageTypeByName("shop." + name) for name in ("Order", "Reply")]
    if hasattr(message_factory, "GetMessageClass"):
        return [message_factory.GetMessageClass(d) for d in found]
    return [message_factory.MessageFactory(pool).GetPrototype(d) for d in found]


class Function(grpc.GenericRpcHandler):
    """In gRPC.  Fails when it is told to, with this code and these words."""

    def __init__(self, order, reply):
        self.order, self.reply, self.seen, self.fails, self.left = order, reply, [], None, None
        self.large = 0  # a reply that is so long

    def answer(self, order, context):
        self.seen.append(order)
        self.left = context.time_remaining()
        if self.fails:
            context.abort(*self.fails)
        return self.reply(id="r" * self.large or "r-1", total=1 << 60, order=order)

    def watch(self, order, context):
        yield self.answer(order, context)
        yield self.reply(total=2)
        if self.fails is None and order.by.get("spoil"):
            context.abort(grpc.StatusCode.DATA_LOSS, "half way")

    def service(self, details):
        how = {"request_deserializer": self.order.FromString, "response_serializer": self.reply.SerializeToString}
        return {
            "Create": grpc.unary_unary_rpc_method_handler(self.answer, **how),
            "Watch": grpc.unary_stream_rpc_method_handler(self.watch, **how),
        }.get(details.method.rsplit("/", 1)[1])


class Translated(kit.Story):
    def setUp(self):
        super().setUp()
        if subprocess.run(["which", "protoc"], capture_output=True).returncode:
            self.skipTest("protoc is not installed")
        self.order, self.reply = self.contract("shop", TYPES)

    def contract(self, name, text):
        path = self.place.folder / self.place.write(name + ".proto", text)
        self.place.write(name + ".weft", self.place.weft("import", path).stdout)
        return classes(path)

    def callers(self, orders, caller=None, **keys):
        self.orders = orders.start()
        self.web = self.place.caller("web", [self.orders], **keys, **(caller or {})).start()

    def grpc_function(self, contract="shop.weft", types=None, consumes=(), caller=None, **keys):
        self.function = Function(*(types or (self.order, self.reply)))
        server = self.server = grpc.server(futures.ThreadPoolExecutor(8))
        server.add_generic_rpc_handlers((self.function,))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        self.addCleanup(lambda: server.stop(0).wait())
        inbound = {"listen": kit.free_address(), "app": f"h2c://127.0.0.1:{port}", "speaks": "grpc"}
        consumes = {"consumes": list(consumes)} if consumes else {}
        self.callers(self.place.sidecar("shop", inbound=inbound, contract=contract, **keys), caller, **consumes)

    def json_function(self, answer, contract="shop.weft", **keys):
        self.function = self.place.function(answer)
        inbound = {"listen": kit.free_address(), "app": f"http://{self.function.address}", "speaks": "json"}
        self.callers(self.place.sidecar("shop", inbound=inbound, contract=contract), **keys)

    def ask(self, body, path="Create", fields=JSON):
        text = body if isinstance(body, bytes) else json.dumps(body).encode()
        return h1.ask(self.web.outbound, "POST", "/shop.Orders/" + path, "shop", fields, text)

    def stub(self, shape, name, **how):
        channel = grpc.insecure_channel(self.web.outbound, (("grpc.default_authority", "shop"),), **how)
        self.addCleanup(channel.close)
        return getattr(channel, shape)("/shop.Orders/" + name, self.order.SerializeToString, self.reply.FromString)

    # --- JSON to gRPC

    def test_a_json_caller_and_a_grpc_function(self):
        self.grpc_function()
        answer = self.ask(BODY)
        self.assertEqual((answer.status, answer.field("content-type")), (200, "application/json"))
        self.assertEqual(json.loads(answer.body), {"id": "r-1", "total": str(1 << 60), "order": BODY})
        self.assertEqual([line.qty_sold for line in self.function.seen[0].lines], [3, 0])
        self.assertIsNone(answer.field("grpc-status"))
        # No body is as good as an empty message, names may be those of the file, and what is not known is left out.
        self.assertEqual(json.loads(self.ask(b"").body)["order"], {})
        self.assertEqual(self.ask({"lines": [{"qty_sold": 5, "no": {"x": [1]}}]}).status, 200)
        self.assertEqual(self.function.seen[2].lines[0].qty_sold, 5)

    def test_curl_and_a_body_under_gzip(self):
        self.grpc_function()
        (self.place.folder / "body.gz").write_bytes(gzip.compress(json.dumps(BODY).encode()))
        for protocol in "--http1.1", "--http2-prior-knowledge":
            ask = ["curl", "-sS", protocol, "--compressed", f"http://{self.web.outbound}/shop.Orders/Create?x=1"]
            ask += ["-H", "host: shop", "-H", "content-type: application/json; charset=utf-8"]
            ask += ["-H", "content-encoding: gzip", "--data-binary", f"@{self.place.folder / 'body.gz'}"]
            done = subprocess.run(ask, capture_output=True, check=True)
            self.assertEqual(json.loads(done.stdout)["order"], BODY)

    def test_what_does_not_fit_is_a_problem_with_its_path(self):
        self.grpc_function()
        answer = self.ask({"lines": [{"qtySold": "many"}]})
        self.assert_refused(answer, 422, "body-unfit")
        self.assertIn(b"a whole number of 32 bits is expected at /lines/[0]/qtySold", answer.body)
        self.assert_refused(self.ask(b'{"id":'), 422, "body-unfit")
        self.assertEqual(self.function.seen, [])

    def test_a_grpc_status_is_an_http_status(self):
        self.grpc_function()
        cases = [
            (grpc.StatusCode.NOT_FOUND, 404), (grpc.StatusCode.INVALID_ARGUMENT, 400), (grpc.StatusCode.ABORTED, 409),
            (grpc.StatusCode.RESOURCE_EXHAUSTED, 429), (grpc.StatusCode.UNAVAILABLE, 503), (grpc.StatusCode.UNKNOWN, 500),
            (grpc.StatusCode.UNAUTHENTICATED, 401), (grpc.StatusCode.PERMISSION_DENIED, 403),
        ]
        for code, status in cases:
            self.function.fails = (code, "no é 100%")
            answer = self.ask(BODY)
            self.assertEqual((answer.status, answer.field("content-type")), (status, "application/problem+json"))
            expected = {"type": "about:blank", "title": code.name, "status": status, "detail": "no é 100%", "grpc_status": code.value[0]}
            self.assertEqual(json.loads(answer.body), expected)
            self.assertIsNone(answer.field("weft-error"))

    def test_what_is_too_large_to_be_held_is_refused(self):
        self.grpc_function()
        self.assert_refused(self.ask({"id": "x" * (2 << 20)}), 413, "payload-too-large")
        self.assertEqual(self.function.seen, [])
        self.function.large = 2 << 20
        self.assert_refused(self.ask(BODY), 502, "answer-unfit")
        self.function.large = 1 << 19
        self.assertEqual(len(json.loads(self.ask(BODY).body)["id"]), 1 << 19)

    def test_a_grpc_function_that_is_gone_is_unreachable(self):
        self.grpc_function()
        self.assertEqual(self.ask(BODY).status, 200)
        self.server.stop(0).wait()
        answer = self.ask(BODY)
        self.assertIn((answer.status, answer.field("weft-error")), [(503, "app-unreachable"), (502, "app-reset")])

    def test_time_that_is_left_travels_on(self):
        self.grpc_function()
        self.ask(BODY, fields=[*JSON, ("weft-timeout", "5000")])
        self.assertTrue(0 < self.function.left <= 5.1, self.function.left)

    def test_a_stream_of_answers_is_lines(self):
        self.grpc_function()
        answer = self.ask(BODY, "Watch")
        self.assertEqual((answer.status, answer.field("content-type")), (200, "application/x-ndjson"))
        lines = [json.loads(line) for line in answer.body.splitlines()]
        self.assertEqual(lines, [{"id": "r-1", "total": str(1 << 60), "order": BODY}, {"total": "2"}])
        spoilt = self.ask({"by": {"spoil": 1}}, "Watch").body.splitlines()
        self.assertEqual(json.loads(spoilt[2])["error"]["title"], "DATA_LOSS")

    def test_versions_are_adapted_on_the_way(self):
        new = self.contract("next", NEXT)
        self.place.write("old.weft", (self.place.folder / "shop.weft").read_text())
        self.grpc_function("next.weft", new, consumes=["old.weft"])
        answer = self.ask(BODY)
        self.assertEqual((answer.status, json.loads(answer.body).get("order")), (200, BODY), answer.body)
        self.assertEqual((self.function.seen[0].id, dict(self.function.seen[0].by)), ("o-1", {"k": 7}))
        self.assertEqual([line.qty_sold for line in self.function.seen[0].lines], ["3", "0"])

    def test_a_job_in_json_is_done_by_a_grpc_function(self):
        broker = self.place.broker(["shop"], lease="2s", beat="500ms").start()
        keys = {"https": broker.conf["https"], "identity": kit.spiffe("broker")}
        self.grpc_function(outbound={"listen": kit.free_address()}, broker={**keys, "slots": 1}, caller={"broker": {**keys, "slots": 0}})
        for sidecar in self.web, self.orders:
            sidecar.wait_log(" broker-ready ")
        submitted = self.ask(BODY, fields=[*JSON, ("prefer", "respond-async")])
        self.assertEqual(submitted.status, 202, submitted.body)
        job = json.loads(submitted.body)["job"]

        def done():
            answer = h1.ask(self.web.outbound, "GET", f"/v1/jobs/{job}", "shop")
            state = json.loads(answer.body)
            return state if state["state"] not in ("queued", "leased", "running") else None

        self.assertEqual(kit.wait_until("the job is over", done, within=30)["state"], "done")
        answer = h1.ask(self.web.outbound, "GET", f"/v1/jobs/{job}/result", "shop")
        self.assertEqual((answer.status, answer.field("content-type")), (200, "application/json"), answer.body)
        self.assertEqual(json.loads(answer.body)["order"], BODY)

    # --- gRPC to JSON

    def echo(self, request):
        order = json.loads(request.body)
        return h1.reply(200, json.dumps({"id": "r-2", "total": 9, "order": order}).encode(), JSON)

    def test_a_grpc_caller_and_a_json_function(self):
        self.json_function(self.echo)
        order = self.order(id="o-1", by={"k": 7})
        order.lines.add(sku="é", qty_sold=3)
        for how in {}, {"compression": grpc.Compression.Gzip}:
            reply = self.stub("unary_unary", "Create", **how)(order, timeout=5)
            self.assertEqual((reply.id, reply.total, reply.order), ("r-2", 9, order))
        request = self.function.seen[0]
        self.assertEqual((request.method, request.path), ("POST", "/shop.Orders/Create"))
        self.assertEqual(request.field("content-type"), "application/json")
        self.assertEqual(json.loads(request.body), {"id": "o-1", "lines": [{"sku": "é", "qtySold": 3}], "by": {"k": "7"}})
        self.assertTrue(0 < int(request.field("weft-timeout")) <= 5000)
        for field in "te", "grpc-timeout", "grpc-encoding", "grpc-accept-encoding":
            self.assertIsNone(request.field(field))

    def failed(self, call, *given):
        with self.assertRaises(grpc.RpcError) as failed:
            call(*given)
        return failed.exception.code(), failed.exception.details()

    def test_an_http_status_is_a_grpc_status(self):
        answers = [
            (h1.reply(404, b'{"detail":"no such \xc3\xa9"}', [("content-type", "application/problem+json")]), grpc.StatusCode.NOT_FOUND, "no such é"),
            (h1.reply(400, b'{"message":"bad"}', JSON), grpc.StatusCode.INVALID_ARGUMENT, "bad"),
            (h1.reply(503, b"down"), grpc.StatusCode.UNAVAILABLE, "the function has answered with HTTP status 503"),
            (h1.reply(409, b'{"grpc_status":6,"detail":"twice"}', JSON), grpc.StatusCode.ALREADY_EXISTS, "twice"),
            (h1.reply(500), grpc.StatusCode.INTERNAL, "the function has answered with HTTP status 500"),
        ]
        self.json_function(lambda request: answers[len(self.function.seen) - 1][0])
        create = self.stub("unary_unary", "Create")
        for _, code, words in answers:
            self.assertEqual(self.failed(create, self.order()), (code, words))

    def test_an_answer_that_does_not_fit_is_an_internal_error(self):
        answers = [h1.reply(200, b'{"total":"x"}', JSON), h1.reply(200, b"<p>", [("content-type", "text/html")])]
        self.json_function(lambda request: answers[len(self.function.seen) - 1])
        create = self.stub("unary_unary", "Create")
        code, words = self.failed(create, self.order())
        self.assertEqual((code, words), (grpc.StatusCode.INTERNAL, "a whole number of 64 bits is expected at /total (at byte 9)"))
        self.assertEqual(self.failed(create, self.order())[0], grpc.StatusCode.INTERNAL)

    def test_a_json_function_that_breaks_off_is_unavailable(self):
        self.json_function(lambda request: h1.CUT)
        self.assertEqual(self.failed(self.stub("unary_unary", "Create"), self.order())[0], grpc.StatusCode.UNAVAILABLE)

    def test_a_grpc_caller_gives_up_in_time(self):
        self.json_function(lambda request: time.sleep(1) or self.echo(request))
        call = self.stub("unary_unary", "Create")
        with self.assertRaises(grpc.RpcError) as failed:
            call(self.order(), timeout=0.3)
        self.assertEqual(failed.exception.code(), grpc.StatusCode.DEADLINE_EXCEEDED)

    def test_lines_are_a_stream_of_answers(self):
        lines = [("content-type", "application/x-ndjson")]
        self.json_function(lambda request: h1.reply(200, b'{"id":"a"}\n{"id":"b"}\n', lines))
        self.assertEqual([reply.id for reply in self.stub("unary_stream", "Watch")(self.order())], ["a", "b"])
        self.assertEqual(self.function.seen[0].field("accept"), "application/x-ndjson")

    # --- JSON on both sides

    def test_two_versions_that_speak_json_meet_in_protobuf(self):
        self.contract("next", NEXT)
        self.place.write("old.weft", (self.place.folder / "shop.weft").read_text())
        self.json_function(self.echo, "next.weft", consumes=["old.weft"])
        answer = self.ask(BODY)
        self.assertEqual(answer.status, 200, answer.body)
        self.assertEqual(json.loads(answer.body), {"id": "r-2", "total": "9", "order": BODY})
        seen = json.loads(self.function.seen[0].body)
        lines = [{"sku": "é", "qtySold": "3"}, {"sku": "B", "qtySold": "0"}]
        self.assertEqual(seen, {"id": "o-1", "lines": lines, "sums": {"k": "7"}})
        why = self.orders.why("shop.Orders.Create").stdout
        self.assertIn("Both speak JSON, of two versions, and meet in protobuf.", why)
        self.assertIn("transcode\t/\tprotobuf -> json shop.Order\t", why)

    def test_a_bare_message_between_versions_is_rewritten_and_its_answer(self):
        new_order, new_reply = self.contract("next", NEXT)
        self.place.write("old.weft", (self.place.folder / "shop.weft").read_text())
        fields = [("content-type", "application/x-protobuf")]

        def answer(request):
            order = new_order.FromString(request.body)
            self.orders_seen = order
            return h1.reply(200, new_reply(id="r-3", total=5, order=order).SerializeToString(), fields)

        function = self.place.function(answer)
        orders = self.place.provider("shop", function, contract="next.weft")
        self.callers(orders, consumes=["old.weft"])
        order = self.order(id="o-1", by={"k": 7})
        order.lines.add(sku="A", qty_sold=3)
        for media in "application/protobuf", "application/x-protobuf":
            got = self.ask(order.SerializeToString(), fields=[("content-type", media)])
            self.assertEqual(got.status, 200, got.body)
            reply = self.reply.FromString(got.body)
            self.assertEqual((reply.id, reply.total, reply.order), ("r-3", 5, order))
            self.assertEqual((self.orders_seen.id, self.orders_seen.lines[0].qty_sold), ("o-1", "3"))

    def test_what_speaks_neither_is_left_alone(self):
        self.json_function(h1.echo)
        answer = h1.ask(self.web.outbound, "POST", "/other", "shop", [("content-type", "text/plain")], b"x")
        self.assert_answer(answer, 200, b"x")


if __name__ == "__main__":
    kit.main()
