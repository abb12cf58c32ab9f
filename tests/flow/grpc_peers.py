#!/usr/bin/env python3
"""gRPC's own library on both ends of a pair of sidecars notices nothing of them, but for what they refuse."""

import os
import queue
import sys
import threading

try:
    import grpc
except ImportError:
    if sys.executable != "/usr/bin/python3" and os.path.exists("/usr/bin/python3"):
        os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])  # Debian's own has python3-grpcio
    print("skipped: python3-grpcio is not installed")
    sys.exit(77)

from concurrent import futures

import kit

LARGE = bytes(range(256)) * 12000  # 3 MB


class Service(grpc.GenericRpcHandler):
    """Echoes in all four shapes, fails, and waits."""

    def __init__(self):
        self.metadata, self.remaining, self.cancelled = {}, None, threading.Event()

    def unary(self, request, context):
        self.metadata = dict(context.invocation_metadata())
        self.remaining = context.time_remaining()
        context.send_initial_metadata((("x-first", "1"),))
        context.set_trailing_metadata((("x-last", "2"), ("x-last-bin", b"\x00\xff")))
        return request

    def down(self, request, _):
        yield from (request + b"%d" % i for i in range(5))

    def up(self, requests, _):
        return b"".join(requests)

    def both(self, requests, _):
        yield from requests

    def fail(self, _, context):
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not today \u00e9 100%")

    def fail_late(self, request, context):
        yield request
        context.abort(grpc.StatusCode.DATA_LOSS, "half of it")

    def wait(self, request, context):
        context.add_callback(self.cancelled.set)
        self.cancelled.wait(15)
        return request

    def service(self, details):
        name = details.method.rsplit("/", 1)[1]
        return {
            "Unary": grpc.unary_unary_rpc_method_handler(self.unary),
            "Down": grpc.unary_stream_rpc_method_handler(self.down),
            "Up": grpc.stream_unary_rpc_method_handler(self.up),
            "Both": grpc.stream_stream_rpc_method_handler(self.both),
            "Fail": grpc.unary_unary_rpc_method_handler(self.fail),
            "FailLate": grpc.unary_stream_rpc_method_handler(self.fail_late),
            "Wait": grpc.unary_unary_rpc_method_handler(self.wait),
        }.get(name)


class GrpcPeers(kit.Story):
    def setUp(self):
        super().setUp()
        self.service = Service()
        self.server = grpc.server(futures.ThreadPoolExecutor(8))
        self.server.add_generic_rpc_handlers((self.service,))
        port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()
        self.addCleanup(lambda: self.server.stop(0).wait())
        inbound = {"listen": kit.free_address(), "app": f"h2c://127.0.0.1:{port}"}
        self.orders = self.place.sidecar("orders", inbound=inbound).start()
        self.web = self.place.caller("web", [self.orders]).start()
        self.channel = grpc.insecure_channel(self.web.outbound, (("grpc.default_authority", "orders"),))
        self.addCleanup(self.channel.close)

    def unary(self, name):
        return self.channel.unary_unary(f"/shop.Orders/{name}")

    def assert_fails(self, code, details, call, *words, **how):
        with self.assertRaises(grpc.RpcError) as failed:
            call(*words, **how)
        self.assertEqual(failed.exception.code(), code)
        if details is not None:
            self.assertEqual(failed.exception.details(), details)
        return failed.exception

    def test_unary_with_metadata_both_ways(self):
        answer, call = self.unary("Unary").with_call(b"hello", metadata=(("x-mine", "a"), ("x-mine-bin", b"\x00\x01")))
        self.assertEqual(answer, b"hello")
        self.assertEqual((self.service.metadata["x-mine"], self.service.metadata["x-mine-bin"]), ("a", b"\x00\x01"))
        self.assertEqual(dict(call.initial_metadata())["x-first"], "1")
        self.assertEqual(dict(call.trailing_metadata())["x-last-bin"], b"\x00\xff")

    def test_large_metadata_both_ways(self):
        large = tuple((f"x-large-{i}", "v" * 1500) for i in range(4))
        answer, _ = self.unary("Unary").with_call(b"hello", metadata=large)
        self.assertEqual(answer, b"hello")
        self.assertEqual([self.service.metadata[name] for name, _ in large], [value for _, value in large])

    def test_empty_and_large_messages(self):
        self.assertEqual(self.unary("Unary")(b""), b"")
        self.assertTrue(self.unary("Unary")(LARGE) == LARGE)

    def test_a_stream_down(self):
        answers = self.channel.unary_stream("/shop.Orders/Down")(b"n")
        self.assertEqual(list(answers), [b"n0", b"n1", b"n2", b"n3", b"n4"])

    def test_a_stream_up(self):
        self.assertEqual(self.channel.stream_unary("/shop.Orders/Up")(iter([b"a", b"", b"c"])), b"ac")

    def test_a_stream_both_ways_in_turns(self):
        asked = queue.Queue()
        answers = self.channel.stream_stream("/shop.Orders/Both")(iter(asked.get, None))
        for i in range(20):
            asked.put(b"%d" % i)
            self.assertEqual(next(answers), b"%d" % i)
        asked.put(None)
        self.assertEqual(list(answers), [])

    def test_a_stream_that_says_nothing(self):
        self.assertEqual(list(self.channel.stream_stream("/shop.Orders/Both")(iter([]))), [])

    def test_a_status_and_its_words_in_one_head(self):
        self.assert_fails(
            grpc.StatusCode.FAILED_PRECONDITION, "not today \u00e9 100%", self.unary("Fail"), b"x"
        )

    def test_a_method_that_is_not_there(self):
        self.assert_fails(grpc.StatusCode.UNIMPLEMENTED, "Method not found!", self.unary("Other"), b"x")

    def test_a_status_after_answers(self):
        answers = self.channel.unary_stream("/shop.Orders/FailLate")(b"x")
        self.assertEqual(next(answers), b"x")
        self.assert_fails(grpc.StatusCode.DATA_LOSS, "half of it", next, answers)

    def test_a_deadline_travels_along(self):
        self.unary("Unary")(b"x", timeout=10)
        self.assertTrue(5 < self.service.remaining <= 10.5, self.service.remaining)

    def test_a_deadline_that_passes_ends_the_work(self):
        self.assert_fails(grpc.StatusCode.DEADLINE_EXCEEDED, None, self.unary("Wait"), b"x", timeout=0.5)
        self.assertTrue(self.service.cancelled.wait(5))

    def test_a_call_that_is_cancelled_ends_the_work(self):
        call = self.unary("Wait").future(b"x")
        kit.wait_until("the call arrives", lambda: self.orders.ask("GET", "/metrics").status == 200)
        while not call.running():
            pass
        self.assertFalse(self.service.cancelled.wait(0.3))
        self.assertTrue(call.cancel())
        self.assertTrue(self.service.cancelled.wait(5))

    def test_our_own_refusals_are_statuses(self):
        nowhere = grpc.insecure_channel(self.web.outbound, (("grpc.default_authority", "nowhere"),))
        self.addCleanup(nowhere.close)
        self.assert_fails(
            grpc.StatusCode.UNIMPLEMENTED, None, nowhere.unary_unary("/shop.Orders/Unary"), b"x", timeout=5
        )
        self.orders.end()
        self.assert_fails(grpc.StatusCode.UNAVAILABLE, None, self.unary("Unary"), b"x", timeout=5)


if __name__ == "__main__":
    kit.main()
