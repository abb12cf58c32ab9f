#!/usr/bin/env python3
"""gRPC calls across versions: messages are rewritten by the plan between two .proto files, judged by protobuf's own library."""

import os
import queue
import subprocess
import sys
import threading

try:
    import grpc
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
except ImportError:
    if sys.executable != "/usr/bin/python3" and os.path.exists("/usr/bin/python3"):
        os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])  # Debian's own has python3-grpcio
    print("skipped: python3-grpcio or python3-protobuf is not installed")
    sys.exit(77)

from concurrent import futures

import kit

HEAD = """syntax = "proto3";
package shop;
service Orders {
  rpc Create(Order) returns (Reply);
  rpc Down(Order) returns (stream Reply);
  rpc Up(stream Order) returns (Reply);
  rpc Both(stream Order) returns (stream Reply);
  rpc Keep(Kept) returns (Kept);
}
message Kept { string id = 1; }
"""
OLD = (
    HEAD
    + """enum Status { NEW = 0; DONE = 1; }
message Line { string sku = 1; int32 qty = 2; }
message Order { string id = 1; int32 qty = 2; repeated Line lines = 3; map<string, Line> by = 4; Status status = 5; }
message Reply { string id = 1; int32 total = 2; Order order = 3; }
"""
)
NEW = (
    HEAD
    + """enum Status { NEW = 0; DONE = 4; }
message Line { string sku = 1; string qty = 2; }
message Order { string id = 1; sint64 qty = 12; repeated Line lines = 3; map<string, Line> by = 4; Status status = 5; }
message Reply { string id = 1; int64 total = 7; Order order = 3; }
"""
)


def types(path):
    """The message classes of a .proto file."""
    made = path.with_suffix(".set")
    subprocess.run(
        ["protoc", f"--descriptor_set_out={made}", f"-I{path.parent}", path.name], check=True, cwd=path.parent
    )
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(made.read_bytes()).file:
        pool.Add(file)
    names = ("Order", "Reply", "Kept")
    found = [pool.FindMessageTypeByName("shop." + name) for name in names]
    if hasattr(message_factory, "GetMessageClass"):
        return dict(zip(names, map(message_factory.GetMessageClass, found)))
    return dict(zip(names, map(message_factory.MessageFactory(pool).GetPrototype, found)))


class Function(grpc.GenericRpcHandler):
    """Version 2: every reply holds the order that it answers."""

    def __init__(self, types):
        self.order, self.reply = types["Order"], types["Reply"]
        self.seen, self.total = [], 5

    def answer(self, order):
        self.seen.append(order)
        return self.reply(id=order.id, total=self.total, order=order)

    def service(self, details):
        name = details.method.rsplit("/", 1)[1]
        how = {"request_deserializer": self.order.FromString, "response_serializer": self.reply.SerializeToString}
        return {
            "Create": grpc.unary_unary_rpc_method_handler(lambda o, _: self.answer(o), **how),
            "Down": grpc.unary_stream_rpc_method_handler(lambda o, _: (self.answer(o) for _ in range(3)), **how),
            "Up": grpc.stream_unary_rpc_method_handler(lambda s, _: [self.answer(o) for o in s][-1], **how),
            "Both": grpc.stream_stream_rpc_method_handler(lambda s, _: (self.answer(o) for o in s), **how),
            "Keep": grpc.unary_unary_rpc_method_handler(lambda b, _: b),
        }.get(name)


class GrpcContract(kit.Story):
    def setUp(self):
        super().setUp()
        if subprocess.run(["which", "protoc"], capture_output=True).returncode:
            self.skipTest("protoc is not installed")
        self.old, self.new = self.contract("old", OLD), self.contract("new", NEW)
        self.function = Function(self.new)
        self.server = grpc.server(futures.ThreadPoolExecutor(8), compression=grpc.Compression.NoCompression)
        self.server.add_generic_rpc_handlers((self.function,))
        port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()
        self.addCleanup(lambda: self.server.stop(0).wait())
        inbound = {"listen": kit.free_address(), "app": f"h2c://127.0.0.1:{port}"}
        self.orders = self.place.sidecar("shop", inbound=inbound, contract="new.weft", enforce="adapt").start()
        self.web = self.place.caller("web", [self.orders], consumes=["old.weft"], enforce="adapt").start()
        self.channel = self.dial()

    def contract(self, name, text):
        path = self.place.folder / self.place.write(name + ".proto", text)
        facts = self.place.weft("import", path).stdout
        self.place.write(name + ".weft", facts)
        return types(path)

    def dial(self, **how):
        channel = grpc.insecure_channel(self.web.outbound, (("grpc.default_authority", "shop"),), **how)
        self.addCleanup(channel.close)
        return channel

    def call(self, shape, name, channel=None):
        return getattr(channel or self.channel, shape)(
            "/shop.Orders/" + name, self.old["Order"].SerializeToString, self.old["Reply"].FromString
        )

    def order(self, qty=3):
        order = self.old["Order"](id="o-1", qty=qty, status=1)
        order.lines.add(sku="AB", qty=-2)
        order.lines.add(sku="CD")
        order.by["x"].qty = 9
        return order

    def assert_adapted(self, reply, qty=3):
        self.assertEqual(reply.order, self.order(qty))
        self.assertEqual((reply.id, reply.total), ("o-1", 5))
        seen = self.function.seen[-1]
        self.assertEqual((seen.qty, seen.status), (qty, 4))
        self.assertEqual([line.qty for line in seen.lines][:2], ["-2", "0"])
        self.assertEqual(seen.by["x"].qty, "9")

    def test_all_four_shapes(self):
        self.assert_adapted(self.call("unary_unary", "Create")(self.order()))
        for reply in self.call("unary_stream", "Down")(self.order()):
            self.assert_adapted(reply)
        self.assert_adapted(self.call("stream_unary", "Up")(iter([self.order(1), self.order(2)])), 2)
        for i, reply in enumerate(self.call("stream_stream", "Both")(self.order(i + 1) for i in range(5))):
            self.assertEqual(reply.order, self.order(i + 1))

    def test_a_call_between_versions_that_agree_keeps_its_bytes(self):
        odd = b"\x0a\x81\x00x\xf8\x07\x01"  # a length longer than it need be, and a field that nobody knows
        self.assertEqual(self.channel.unary_unary("/shop.Orders/Keep")(odd), odd)

    def test_an_empty_message_is_one(self):
        self.assertEqual(self.call("unary_unary", "Create")(self.old["Order"]()).total, 5)

    def test_compressed_messages(self):
        zipped = self.dial(compression=grpc.Compression.Gzip)
        order = self.order()
        order.lines.add(sku="A" * 4000)
        reply = self.call("unary_unary", "Create", zipped)(order)
        self.assertEqual(reply.order, order)
        self.assertEqual(self.function.seen[-1].lines[2].sku, "A" * 4000)

    def refused(self, code, words, call, *given):
        with self.assertRaises(grpc.RpcError) as failed:
            call(*given)
        self.assertEqual(failed.exception.code(), code)
        self.assertIn(words, failed.exception.details())
        return dict(failed.exception.initial_metadata()) | dict(failed.exception.trailing_metadata())

    def test_a_value_that_does_not_fit_is_a_status(self):
        self.function.total = 1 << 40
        words = "int64 -> int32: the value is out of the range that the reader's type has, at /7"
        said = self.refused(grpc.StatusCode.INTERNAL, words, self.call("unary_unary", "Create"), self.order())
        self.assertEqual(said["weft-error"], "answer-unfit")

    def test_what_is_no_protobuf_never_reaches_the_function(self):
        raw = self.channel.unary_unary("/shop.Orders/Create")
        said = self.refused(grpc.StatusCode.INVALID_ARGUMENT, "not protobuf: wire type 6 or 7", raw, b"\x0f\x01")
        self.assertEqual(said["weft-error"], "body-unfit")
        self.assertEqual(self.function.seen, [])

    def test_a_stream_that_spoils_later_ends_with_a_status(self):
        asked = queue.Queue()
        answers = self.channel.stream_stream("/shop.Orders/Both")(iter(asked.get, None))
        asked.put(self.order().SerializeToString())
        self.assertEqual(self.old["Reply"].FromString(next(answers)).order, self.order())
        asked.put(b"\x0a\x05x")
        with self.assertRaises(grpc.RpcError) as failed:
            next(answers)
        self.assertIn("message 2: not protobuf: the body ends within a field", failed.exception.details())
        self.assertEqual(failed.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
        self.assertEqual(dict(failed.exception.trailing_metadata())["weft-error"], "body-unfit")
        self.assertEqual(len(self.function.seen), 1)
        asked.put(None)

    def test_a_version_changes_while_streams_are_open(self):
        asked = queue.Queue()
        answers = self.call("stream_stream", "Both")(iter(asked.get, None))
        asked.put(self.order(1))
        self.assertEqual(next(answers).order, self.order(1))
        # The function's next version takes what the consumer says as it is: nothing is rewritten any more.
        self.place.write("new.weft", (self.place.folder / "old.weft").read_text())
        self.orders.reload()
        asked.put(self.order(2))
        self.assertEqual(next(answers).order, self.order(2))
        asked.put(None)
        self.assertEqual(list(answers), [])

    def end_in_mid_stream(self, victim):
        """Many streams are open, and messages large and small under way, when the victim is killed."""
        streams = []
        for number in range(8):
            asked = queue.Queue()
            streams.append((asked, self.call("stream_stream", "Both")(iter(asked.get, None))))
            asked.put(self.order(number + 1))
            self.assertEqual(next(streams[-1][1]).order, self.order(number + 1))
        large = self.order(7)
        large.lines.add(sku="A" * 300000)
        for asked, _ in streams:
            for _ in range(20):
                asked.put(large)
        victim.kill()
        for asked, answers in streams:
            with self.assertRaises(grpc.RpcError) as failed:
                for reply in answers:
                    self.assertEqual(reply.order, large)
            self.assertNotEqual(failed.exception.code(), grpc.StatusCode.OK)
            asked.put(None)
        for seen in self.function.seen:
            self.assertIn([line.qty for line in seen.lines], (["-2", "0"], ["-2", "0", "0"]))
        victim.start()
        victim.wait_ready()
        self.assert_adapted(self.call("unary_unary", "Create")(self.order(), wait_for_ready=True, timeout=20))

    def test_the_providers_sidecar_is_killed_in_mid_stream(self):
        self.end_in_mid_stream(self.orders)

    def test_the_callers_sidecar_is_killed_in_mid_stream(self):
        self.end_in_mid_stream(self.web)

    def test_the_function_ends_in_mid_stream(self):
        asked = queue.Queue()
        answers = self.call("stream_stream", "Both")(iter(asked.get, None))
        asked.put(self.order(1))
        self.assertEqual(next(answers).order, self.order(1))
        self.server.stop(0).wait()
        with self.assertRaises(grpc.RpcError) as failed:
            list(answers)
        self.assertNotEqual(failed.exception.code(), grpc.StatusCode.OK)
        asked.put(None)

    def test_a_caller_that_breaks_off_in_mid_stream_harms_nobody(self):
        asked = queue.Queue()
        answers = self.call("stream_stream", "Both")(iter(asked.get, None))
        asked.put(self.order(1))
        next(answers)
        answers.cancel()
        asked.put(None)
        self.assert_adapted(self.call("unary_unary", "Create")(self.order()))

    def test_a_function_that_dies_in_mid_stream_is_a_status(self):
        asked = queue.Queue()
        answers = self.call("stream_stream", "Both")(iter(asked.get, None))
        asked.put(self.order(1))
        next(answers)
        threading.Thread(target=self.server.stop, args=(0,)).start()
        with self.assertRaises(grpc.RpcError):
            while True:
                next(answers)
        asked.put(None)


if __name__ == "__main__":
    kit.main()
