#!/usr/bin/env python3
"""validate: shape for protobuf: messages of gRPC and bare bodies are held against the function's contract."""

import os
import queue
import subprocess
import sys

try:
    import grpc
except ImportError:
    if sys.executable != "/usr/bin/python3" and os.path.exists("/usr/bin/python3"):
        os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])  # Debian's own has python3-grpcio
    print("skipped: python3-grpcio is not installed")
    sys.exit(77)

from concurrent import futures

import h1
import kit

TYPES = """syntax = "proto2";
package shop;
enum Status { NEW = 1; DONE = 2; }
message Line { required string sku = 1; optional int32 qty = 2; }
message Order { optional string id = 1; repeated Line lines = 2; optional Status status = 3; }
service Orders {
  rpc Create(Order) returns (Order);
  rpc Both(stream Order) returns (stream Order);
}
"""
GOOD = b"\x0a\x01x\x12\x04\x0a\x02AB\x18\x02"
NO_SKU = b"\x12\x02\x10\x01"
ODD_STATUS = b"\x18\x07"


class Function(grpc.GenericRpcHandler):
    """Answers what it is told to, or what it was asked."""

    def __init__(self):
        self.seen, self.says = [], None

    def answer(self, body):
        self.seen.append(body)
        return body if self.says is None else self.says

    def service(self, details):
        return {
            "Create": grpc.unary_unary_rpc_method_handler(lambda b, _: self.answer(b)),
            "Both": grpc.stream_stream_rpc_method_handler(lambda s, _: (self.answer(b) for b in s)),
        }.get(details.method.rsplit("/", 1)[1])


class GrpcShape(kit.Story):
    def setUp(self):
        super().setUp()
        facts = self.place.weft("import", self.place.folder / self.place.write("shop.proto", TYPES)).stdout
        self.place.write("shop.weft", facts)

    def serve(self):
        self.function = Function()
        server = grpc.server(futures.ThreadPoolExecutor(8), compression=grpc.Compression.NoCompression)
        server.add_generic_rpc_handlers((self.function,))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        self.addCleanup(lambda: server.stop(0).wait())
        inbound = {"listen": kit.free_address(), "app": f"h2c://127.0.0.1:{port}"}
        self.orders = self.place.sidecar("shop", inbound=inbound, contract="shop.weft", validate="shape").start()
        self.web = self.place.caller("web", [self.orders]).start()

    def dial(self, **how):
        channel = grpc.insecure_channel(self.web.outbound, (("grpc.default_authority", "shop"),), **how)
        self.addCleanup(channel.close)
        return channel

    def refused(self, code, word, words, call, given):
        with self.assertRaises(grpc.RpcError) as failed:
            call(given)
        self.assertEqual((failed.exception.code(), failed.exception.details()), (code, words))
        said = dict(failed.exception.initial_metadata()) | dict(failed.exception.trailing_metadata())
        self.assertEqual(said["weft-error"], word)

    def test_what_does_not_fit_never_reaches_the_function(self):
        self.serve()
        create = self.dial().unary_unary("/shop.Orders/Create")
        self.assertEqual(create(GOOD), GOOD)
        self.assertEqual(create(b""), b"")
        invalid = grpc.StatusCode.INVALID_ARGUMENT
        missing = 'message 1: field "sku" is missing at /lines (byte 4)'
        self.refused(invalid, "body-unfit", missing, create, NO_SKU)
        closed = "message 1: it is none of the values that are declared at /status (byte 0)"
        self.refused(invalid, "body-unfit", closed, create, ODD_STATUS)
        other = "message 1: string is expected and a varint is there, at /id (byte 0)"
        self.refused(invalid, "body-unfit", other, create, b"\x08\x01")
        self.assertEqual(self.function.seen, [GOOD, b""])

    def test_an_answer_that_does_not_fit_is_an_internal_error(self):
        self.serve()
        self.function.says = NO_SKU
        missing = 'message 1: field "sku" is missing at /lines (byte 4)'
        create = self.dial().unary_unary("/shop.Orders/Create")
        self.refused(grpc.StatusCode.INTERNAL, "answer-unfit", missing, create, GOOD)

    def test_compressed_messages_are_looked_into(self):
        self.serve()
        create = self.dial(compression=grpc.Compression.Gzip).unary_unary("/shop.Orders/Create")
        large = b"\x0a\xb8\x17" + b"x" * 3000
        self.assertEqual(create(large), large)
        missing = 'message 1: field "sku" is missing at /lines (byte 3007)'
        self.refused(grpc.StatusCode.INVALID_ARGUMENT, "body-unfit", missing, create, large + NO_SKU)
        self.assertEqual(self.function.seen, [large])

    def test_a_stream_ends_with_the_message_that_does_not_fit(self):
        self.serve()
        asked = queue.Queue()
        answers = self.dial().stream_stream("/shop.Orders/Both")(iter(asked.get, None))
        asked.put(GOOD)
        self.assertEqual(next(answers), GOOD)
        asked.put(ODD_STATUS)
        with self.assertRaises(grpc.RpcError) as failed:
            next(answers)
        self.assertEqual(failed.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
        self.assertTrue(failed.exception.details().startswith("message 2: it is none of the values"))
        asked.put(None)

    def test_a_coding_that_cannot_be_undone_is_not_implemented(self):
        self.serve()
        if subprocess.run(["which", "curl"], capture_output=True).returncode:
            self.skipTest("curl is not installed")
        ask = ["curl", "-sS", "-i", "--http2-prior-knowledge", f"http://{self.web.outbound}/shop.Orders/Create"]
        fields = ["host: shop", "content-type: application/grpc", "te: trailers", "grpc-encoding: snappy"]
        for field in fields:
            ask += ["-H", field]
        head = subprocess.run([*ask, "--data-binary", "x"], capture_output=True, text=True, check=True).stdout
        self.assertIn("grpc-status: 12\n", head)
        self.assertIn("grpc-accept-encoding: identity,gzip,deflate\n", head)
        self.assertIn("weft-error: encoding-unsupported\n", head)
        self.assertEqual(self.function.seen, [])

    def test_a_bare_body_is_held_against_the_contract_too(self):
        function = self.place.function()
        orders = self.place.provider("shop", function, contract="shop.weft", validate="shape").start()
        web = self.place.caller("web", [orders]).start()
        for media in "application/protobuf", "application/x-protobuf":
            kind = [("content-type", media)]
            answer = h1.ask(web.outbound, "POST", "/shop.Orders/Create", "shop", kind, GOOD)
            self.assert_answer(answer, 200, GOOD)
            answer = h1.ask(web.outbound, "POST", "/shop.Orders/Create", "shop", kind, NO_SKU)
            self.assert_refused(answer, 422, "body-unfit")
            self.assertIn(b'field \\"sku\\" is missing at /lines (byte 4)', answer.body)
        kind = [("content-type", "application/json")]
        answer = h1.ask(web.outbound, "POST", "/shop.Orders/Create", "shop", kind, b'{"lines":[{"qty":1}]}')
        self.assert_refused(answer, 422, "body-unfit")
        self.assertIn(b'member \\"sku\\" is missing at /lines/[0] (byte', answer.body)
        body = b'{"lines": [{"sku":"A", "more":1}], "status":"DONE"}'
        self.assert_answer(h1.ask(web.outbound, "POST", "/shop.Orders/Create", "shop", kind, body), 200, body)
        kind = [("content-type", "application/protobuf")]
        function.answer = lambda request: h1.reply(200, ODD_STATUS, [("content-type", "application/protobuf")])
        answer = h1.ask(web.outbound, "POST", "/shop.Orders/Create", "shop", kind, GOOD)
        self.assert_refused(answer, 502, "answer-unfit")
        self.assertEqual([request.body for request in function.seen], [GOOD, GOOD, body, GOOD])


if __name__ == "__main__":
    kit.main()
